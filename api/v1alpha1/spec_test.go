package v1alpha1_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// TestHashesAreStable pins both hashes: when they change, an upgrade of the binary would run every order again, so
// then the version in their tag has to change, too.
func TestHashesAreStable(t *testing.T) {
	g := NewWithT(t)
	spec := &order().Spec
	g.Expect(spec.SpecHash()).To(Equal("v1:sha256:a5b246311df523ffab36a4cdf4b5d5306fb8be4bcb3baf24673b75f6a6ea3024"))
	g.Expect(spec.RunHash()).To(Equal("v1:sha256:68ce3e4797961d377be97d44f390bab4038acf64c22f009ade48bc52a972b9d0"))
}

func TestRunHashCoversTheWorkOnly(t *testing.T) {
	retries := int32(5)
	cases := []struct {
		name   string
		change func(*v1alpha1.WorkOrderSpec)
		newRun bool
	}{
		{"request", func(s *v1alpha1.WorkOrderSpec) { s.Request += "!" }, true},
		{"branch", func(s *v1alpha1.WorkOrderSpec) { s.Repository.Branch = "x" }, true},
		{"phases", func(s *v1alpha1.WorkOrderSpec) { s.Phases = v1alpha1.DefaultPhases() }, true},
		{"model", func(s *v1alpha1.WorkOrderSpec) { s.Agent.Model = "opus" }, true},
		{"command", func(s *v1alpha1.WorkOrderSpec) { s.Agent.Command = []string{"x"} }, true},
		{"title", func(s *v1alpha1.WorkOrderSpec) { s.PullRequest.Title = "x" }, true},
		{"cancel", func(s *v1alpha1.WorkOrderSpec) { s.Cancel = true }, false},
		{"suspend", func(s *v1alpha1.WorkOrderSpec) { s.Suspend = true }, false},
		{"timeouts", func(s *v1alpha1.WorkOrderSpec) { s.Timeouts.Idle = "1m" }, false},
		{"retries", func(s *v1alpha1.WorkOrderSpec) { s.RetryLimit = &retries }, false},
		{"turns", func(s *v1alpha1.WorkOrderSpec) { s.Agent.MaxTurns = &retries }, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			g := NewWithT(t)
			was, is := &order().Spec, &order().Spec
			tc.change(is)
			g.Expect(is.SpecHash()).NotTo(Equal(was.SpecHash()))
			newRun := is.RunHash() != was.RunHash()
			g.Expect(newRun).To(Equal(tc.newRun))
		})
	}
}

func TestDefaults(t *testing.T) {
	g := NewWithT(t)
	o := order()
	g.Expect(o.Spec.AgentType()).To(Equal(v1alpha1.AgentClaude))
	g.Expect(o.Spec.Retries()).To(Equal(int32(2)))
	g.Expect(o.BranchFor("wo-3f9a2c1b")).To(Equal("awo/demo-3f9a2c1b"))
	g.Expect(o.Spec.Sequence()).To(Equal([]v1alpha1.Phase{"Cloning", "Planning", "Implementing", "PR"}))
	g.Expect(o.Spec.Timeouts.Idle.Value(time.Minute)).To(Equal(time.Minute))

	none := int32(0)
	o.Spec.Agent.Type, o.Spec.RetryLimit, o.Spec.Repository.Branch = v1alpha1.AgentCommand, &none, "mine"
	o.Spec.Phases, o.Spec.Timeouts.Idle = []v1alpha1.Phase{v1alpha1.PhasePlanning}, "90s"
	g.Expect(o.Spec.AgentType()).To(Equal(v1alpha1.AgentCommand))
	g.Expect(o.Spec.Retries()).To(Equal(int32(0)))
	g.Expect(o.BranchFor("wo-3f9a2c1b")).To(Equal("mine"))
	g.Expect(o.Spec.Sequence()).To(Equal([]v1alpha1.Phase{"Cloning", "Planning"}))
	g.Expect(o.Spec.Timeouts.Idle.Value(time.Minute)).To(Equal(90 * time.Second))
	g.Expect(v1alpha1.Duration("soon").Value(time.Minute)).To(Equal(time.Minute))
}

func TestNamespaceOrDefault(t *testing.T) {
	g := NewWithT(t)
	o := order()
	o.Namespace = ""
	g.Expect(o.NamespaceOrDefault()).To(Equal("default"))
	o.Namespace = "team"
	g.Expect(o.NamespaceOrDefault()).To(Equal("team"))
}

func TestTerminal(t *testing.T) {
	g := NewWithT(t)
	for phase, want := range map[v1alpha1.Phase]bool{
		v1alpha1.PhasePending: false, v1alpha1.PhasePR: false,
		v1alpha1.PhaseSucceeded: true, v1alpha1.PhaseFailed: true, v1alpha1.PhaseCancelled: true,
	} {
		g.Expect(phase.Terminal()).To(Equal(want), string(phase))
	}
}
