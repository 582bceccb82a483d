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

// Forbids reports what a spec that was valid once may not do any more: the policy of a controller may change while an
// order waits. The budget is not among it, which is cut to what is allowed. It looks at the file system where the
// repository is a path.
func (p Policy) Forbids(s *WorkOrderSpec) field.ErrorList {
	at := field.NewPath("spec")
	if err := CheckRepositoryURL(s.Repository.URL, p); err != nil {
		return field.ErrorList{field.Forbidden(at.Child("repository", "url"), err.Error())}
	}
	return p.refuseWork(s, at)
}

// refuse reports what a valid spec asks for beyond what is allowed.
func (p Policy) refuse(s *WorkOrderSpec, at *field.Path) field.ErrorList {
	errs := p.refuseWork(s, at)
	if b := s.Agent.MaxBudgetUSD; b != nil && p.MaxBudgetUSD > 0 {
		if asked, err := strconv.ParseFloat(b.String(), 64); err == nil && asked > p.MaxBudgetUSD {
			errs = append(errs, field.Forbidden(at.Child("agent", "maxBudgetUSD"), fmt.Sprintf(
				"this controller spends at most %s US dollars on a run (--max-budget-usd)", strconv.FormatFloat(p.MaxBudgetUSD, 'f', -1, 64))))
		}
	}
	return errs
}

// refuseWork reports repositories and agents that are not allowed.
func (p Policy) refuseWork(s *WorkOrderSpec, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if u, err := ParseRepositoryURL(s.Repository.URL); err == nil && !p.allowsRepository(u) {
		errs = append(errs, field.Forbidden(at.Child("repository", "url"),
			"this controller does not work on this repository; allowed are "+strings.Join(p.AllowRepositories, ", ")+" (--allow-repositories)"))
	}
	if len(p.AllowAgents) > 0 && !slices.Contains(p.AllowAgents, s.AgentType()) {
		errs = append(errs, field.Forbidden(at.Child("agent", "type"), fmt.Sprintf(
			"this controller does not run agents of type %s; allowed are %v (--allow-agents)", shown(string(s.AgentType())), p.AllowAgents)))
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
