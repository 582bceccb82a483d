package v1alpha1

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Policy is what the controller allows, beyond the schema. No manifest overrides it. The zero value allows https
// only, and no other limits.
//
// +kubebuilder:object:generate=false
type Policy struct {
	// AllowFileRepositories allows file:// and absolute paths as repositories.
	AllowFileRepositories bool
	// AllowHTTPHosts lists the hosts, as HOST or HOST:PORT, whose repositories may be fetched without TLS.
	AllowHTTPHosts []string
	// AllowRepositories are globs, one of which a repository must match: https://HOST/PATH or file:///PATH without
	// .git at the end, where * stands for one part of the path and ** for any number. Empty: all.
	AllowRepositories []string
	// AllowAgents lists the types of agents that may run. Empty: all.
	AllowAgents []AgentType
	// MaxBudgetUSD is the highest spec.agent.maxBudgetUSD, in US dollars. 0: no limit.
	MaxBudgetUSD float64
	// DataDir is the data directory; a repository below it is refused. Empty: not checked.
	DataDir string
}

// CheckRepositoryGlob tells what is wrong with one of AllowRepositories.
func CheckRepositoryGlob(glob string) error {
	if !doublestar.ValidatePattern(strings.ToLower(glob)) {
		return fmt.Errorf("%q is no glob; write it as https://github.com/acme/* or https://github.com/**", glob)
	}
	if scheme, _, ok := strings.Cut(glob, "://"); !ok || scheme != SchemeHTTPS && scheme != SchemeHTTP && scheme != SchemeFile {
		return fmt.Errorf("%q must begin with https://, http:// or file://, such as https://github.com/acme/*", glob)
	}
	return nil
}

// refuse reports what a valid spec asks for beyond what is allowed.
func (p Policy) refuse(s *WorkOrderSpec, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if u, err := ParseRepositoryURL(s.Repository.URL); err == nil && !p.allowsRepository(u) {
		errs = append(errs, field.Forbidden(at.Child("repository", "url"),
			"this controller does not work on this repository; allowed are "+strings.Join(p.AllowRepositories, ", ")+" (--allow-repositories)"))
	}
	if len(p.AllowAgents) > 0 && !slices.Contains(p.AllowAgents, s.AgentType()) {
		errs = append(errs, field.Forbidden(at.Child("agent", "type"), fmt.Sprintf(
			"this controller does not run agents of type %s; allowed are %v (--allow-agents)", shown(string(s.AgentType())), p.AllowAgents)))
	}
	if b := s.Agent.MaxBudgetUSD; b != nil && p.MaxBudgetUSD > 0 {
		if asked, err := strconv.ParseFloat(b.String(), 64); err == nil && asked > p.MaxBudgetUSD {
			errs = append(errs, field.Forbidden(at.Child("agent", "maxBudgetUSD"), fmt.Sprintf(
				"this controller spends at most %s US dollars on a run (--max-budget-usd)", strconv.FormatFloat(p.MaxBudgetUSD, 'f', -1, 64))))
		}
	}
	return errs
}

func (p Policy) allowsRepository(u RepositoryURL) bool {
	if len(p.AllowRepositories) == 0 {
		return true
	}
	name := u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, ".git")
	if u.Scheme != SchemeFile {
		// Forges do not tell case apart in names, and hosts have none.
		name = strings.ToLower(name)
	}
	return slices.ContainsFunc(p.AllowRepositories, func(glob string) bool {
		glob = strings.TrimSuffix(glob, ".git")
		if u.Scheme != SchemeFile {
			glob = strings.ToLower(glob)
		}
		ok, err := doublestar.Match(glob, name)
		return err == nil && ok
	})
}
