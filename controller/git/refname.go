package git

import (
	"fmt"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
)

// branchRef returns the full name of a branch. It refuses a branch that git would refuse, before the name gets into a
// file or an argument.
func branchRef(name string) (string, error) {
	if err := v1alpha1.CheckBranch(name); err != nil {
		return "", failure.NewTerminal(v1alpha1.ReasonInvalidSpec, fmt.Errorf("branch %q %w", name, err))
	}
	return "refs/heads/" + name, nil
}

// isObjectName tells whether s is a full object name, of SHA-1 or SHA-256.
func isObjectName(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

// checkObjectName refuses what is not a full object name, so that none is ever read as a flag or a revision.
func checkObjectName(what, s string) error {
	if !isObjectName(s) {
		return fmt.Errorf("%s %q is not a full object name", what, s)
	}
	return nil
}

// checkID refuses a run's id that could lead out of refs/awo.
func checkID(id string) error {
	if id == "" || strings.ContainsFunc(id, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}) {
		return fmt.Errorf("run id %q is not made of small letters, digits and dashes", id)
	}
	return nil
}
