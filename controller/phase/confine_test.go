package phase

import (
	"context"
	"errors"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/store"
)

// noAgent fails when it is run.
type noAgent struct{ t *testing.T }

func (a noAgent) Run(context.Context, agent.Task) (agent.Outcome, error) {
	a.t.Error("the agent was started")
	return agent.Outcome{}, nil
}

func TestNoAgentIsStartedThatMayNotBe(t *testing.T) {
	g := NewWithT(t)
	rec := &store.Record{Name: "a", ID: "wo-00000001"}
	refused := errors.New("a socket is in reach")
	open := store.Confinement{Note: store.Note{Reason: v1alpha1.ReasonSocketInReach, Message: "by /tmp/socket"}}
	r := &Runner{
		Records: oneRecord{rec}, Agents: map[v1alpha1.AgentType]Agent{rec.Spec.AgentType(): noAgent{t}},
		Settings: Settings{Confinement: func() (store.Confinement, error) { return open, refused }},
	}
	_, err := r.runAgent(t.Context(), rec, v1alpha1.PhaseImplementing, nil, nil)
	g.Expect(err).To(MatchError(refused))
	g.Expect(rec.Confinement).To(Equal(&open))
	g.Expect(rec.Sessions).To(BeEmpty())
}
