package v1alpha1

import "slices"

// runnable lists the phases that do work, in the order in which they run.
var runnable = []Phase{PhaseCloning, PhasePlanning, PhaseImplementing, PhasePR}

// DefaultPhases are the phases of a spec that names none.
func DefaultPhases() []Phase {
	return []Phase{PhasePlanning, PhaseImplementing, PhasePR}
}

// Terminal tells whether an order in this phase has come to its end.
func (p Phase) Terminal() bool {
	return p == PhaseSucceeded || p == PhaseFailed || p == PhaseCancelled
}

// Sequence returns the phases that a run of this spec passes through, Cloning first.
func (s *WorkOrderSpec) Sequence() []Phase {
	named := s.Phases
	if len(named) == 0 {
		named = DefaultPhases()
	}
	out := make([]Phase, 0, len(runnable))
	for _, p := range runnable {
		if p == PhaseCloning || slices.Contains(named, p) {
			out = append(out, p)
		}
	}
	return out
}
