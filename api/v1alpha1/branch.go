package v1alpha1

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxBranchLength is the longest branch name in bytes. A part of it becomes a file name of git's, with a suffix.
const maxBranchLength = 200

var commitPattern = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// CheckBranch tells why git or a forge would not take a branch name: the rules of git check-ref-format
// --branch, and what would be ambiguous or too long. Nil means that the name can be used.
func CheckBranch(name string) error {
	for _, check := range []func(string) error{branchText, branchWhole, branchParts} {
		if err := check(name); err != nil {
			return err
		}
	}
	return nil
}

// branchText checks characters and sequences.
func branchText(name string) error {
	if !utf8.ValidString(name) {
		return errors.New("must be valid UTF-8")
	}
	for _, r := range name {
		switch {
		case r < ' ' || r == 0x7f:
			return errors.New("must not contain control characters")
		case strings.ContainsRune(" ~^:?*[\\", r):
			return errors.New(`must not contain a space or any of ~ ^ : ? * [ \`)
		}
	}
	for _, s := range []string{"..", "@{", "//"} {
		if strings.Contains(name, s) {
			return fmt.Errorf("must not contain %s", s)
		}
	}
	return nil
}

// branchWhole checks the name as a whole.
func branchWhole(name string) error {
	switch {
	case name == "":
		return errors.New("must not be empty")
	case len(name) > maxBranchLength:
		return fmt.Errorf("must not be longer than %d bytes", maxBranchLength)
	case strings.HasPrefix(name, "-"):
		return errors.New("must not begin with a dash")
	case strings.HasPrefix(name, "refs/"):
		return errors.New("must be the short name of a branch, without refs/heads/")
	case name == "HEAD" || name == "@":
		return errors.New("must not be HEAD or @, which mean another thing to git")
	case commitPattern.MatchString(name):
		return errors.New("must not look like the id of a commit")
	case strings.HasSuffix(name, "."):
		return errors.New("must not end with a dot")
	}
	return nil
}

// branchParts checks the parts between slashes.
func branchParts(name string) error {
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "":
			return errors.New("must not begin or end with a slash")
		case strings.HasPrefix(part, "."):
			return errors.New("must not have a part that begins with a dot")
		case strings.HasSuffix(part, ".lock"):
			return errors.New("must not have a part that ends with .lock")
		}
	}
	return nil
}
