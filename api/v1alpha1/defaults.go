package v1alpha1

import (
	"cmp"
	"strings"
	"time"
)

// Values that hold where neither spec, flag nor environment names one.
const (
	DefaultModel        = "sonnet"
	DefaultRetryLimit   = int32(2)
	DefaultPhaseTimeout = time.Hour
	DefaultIdleTimeout  = 10 * time.Minute
	DefaultNamespace    = "default"
)

// Value returns the duration, or fallback when none is written. Source: time.ParseDuration; validation has
// refused what that refuses, so an unreadable value also gives fallback.
func (d Duration) Value(fallback time.Duration) time.Duration {
	if d == "" {
		return fallback
	}
	v, err := time.ParseDuration(string(d))
	if err != nil {
		return fallback
	}
	return v
}

// NamespaceOrDefault returns the order's namespace, default when none is written.
func (o *WorkOrder) NamespaceOrDefault() string { return cmp.Or(o.Namespace, DefaultNamespace) }

// AgentType returns the agent's type, claude when none is written.
func (s *WorkOrderSpec) AgentType() AgentType {
	if s.Agent.Type == "" {
		return AgentClaude
	}
	return s.Agent.Type
}

// Retries returns how many times a transient failure is retried, 2 when nothing is written.
func (s *WorkOrderSpec) Retries() int32 {
	if s.RetryLimit == nil {
		return DefaultRetryLimit
	}
	return *s.RetryLimit
}

// BranchFor returns the branch to push for the run with this id, such as awo/add-readme-3f9a2c1b.
func (o *WorkOrder) BranchFor(id string) string {
	if o.Spec.Repository.Branch != "" {
		return o.Spec.Repository.Branch
	}
	return "awo/" + o.Name + "-" + strings.TrimPrefix(id, "wo-")
}
