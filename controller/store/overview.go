package store

import "github.com/agent-work-orders/awo/api/v1alpha1"

// Summary is what is known of an order without reading its record.
type Summary struct {
	Name  string
	Phase v1alpha1.Phase
	Agent v1alpha1.AgentType
	// Reason is why the order failed, empty while it has not.
	Reason string
	// Suspended says that nothing is done for it until somebody resumes it.
	Suspended bool
}

// Overview returns a summary of every order that has a record and was not deleted, in no order. It reads no file.
func (s *Store) Overview() []Summary {
	live := s.index.live()
	out := make([]Summary, 0, len(live))
	for _, e := range live {
		out = append(out, Summary{Name: e.Name, Phase: e.Phase, Agent: e.Agent, Reason: e.Reason, Suspended: e.Suspended})
	}
	return out
}

// Settled tells that an order's run has ended and been dealt with, so that a look at it can wait for others. It
// reads no file.
func (s *Store) Settled(name string) bool {
	e, ok := s.index.current(name)
	return ok && e.Ended && e.Cleaned
}
