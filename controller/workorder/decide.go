package workorder

import (
	"slices"
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// Kind is a kind of next act.
type Kind string

// The acts. Each changes what Decide sees, so that the next look decides the next act.
const (
	// Nothing: there is nothing to do until something changes, or until Action.At.
	Nothing Kind = "Nothing"
	// Create: begin a run, the first of this order or its next one.
	Create Kind = "Create"
	// Revive: show an earlier run of the same work that Succeeded, instead of doing it again.
	Revive Kind = "Revive"
	// Observe: take the changed spec into the record, as far as it may change now.
	Observe Kind = "Observe"
	// Reopen: the spec that could not be carried out has changed, or is allowed now; look at it again.
	Reopen Kind = "Reopen"
	// Retry: start the phase that failed again, attempts afresh.
	Retry Kind = "Retry"
	// AnswerRetry: nothing failed; the request for a retry is only noted.
	AnswerRetry Kind = "AnswerRetry"
	// Interrupt: a phase was under way when the controller died; note that it is not any more.
	Interrupt Kind = "Interrupt"
	// Stop: end the phase that is under way.
	Stop Kind = "Stop"
	// Run: start Action.Phase.
	Run Kind = "Run"
	// Queue: Action.Phase is due, and has to wait for a free slot.
	Queue Kind = "Queue"
	// WaitForRoom: Action.Phase is due, and has to wait until the disk has room for it.
	WaitForRoom Kind = "WaitForRoom"
	// Finish: the run has come to Action.End.
	Finish Kind = "Finish"
	// CleanUp: the run has ended; deal with what it leaves.
	CleanUp Kind = "CleanUp"
	// Delete: the manifest is gone; deal with what the order leaves.
	Delete Kind = "Delete"
	// Forget: the tombstone of an order that is not there has done its work.
	Forget Kind = "Forget"
)

// Why says why a phase is stopped.
type Why string

// The reasons to stop a phase.
const (
	ForCancel   Why = "cancel"
	ForSuspend  Why = "suspend"
	ForDeletion Why = "delete"
	// ForQuarantine: the record of the order cannot be trusted any more.
	ForQuarantine Why = "quarantine"
)

// Action is the next act.
type Action struct {
	Kind  Kind
	Phase v1alpha1.Phase
	Why   Why
	// At is when to look again; zero: when something changes.
	At time.Time
	// Earlier is the run to revive.
	Earlier string
	End     *store.End
}

// Situation is all that a decision depends on.
type Situation struct {
	Now time.Time
	// Seen is the manifest as it is now.
	Seen store.Observation
	// Record is the order's current run, nil if there was none; Runs are all of them.
	Record *store.Record
	Runs   []*store.Record
	// Busy tells that a phase or a clean-up of the order is under way in this process.
	Busy bool
	// Slot tells that a phase may start.
	Slot bool
	// Short says what the disk lacks for a phase to start; empty when there is room.
	Short string
	// Forbidden is what the recorded spec asks for that the controller does not allow, or not any more.
	Forbidden []string
}

// leavingDelay is when to look again at an order that a command is about to delete.
const leavingDelay = time.Second

// Decide returns the one next act. It depends on nothing but the situation.
func Decide(s Situation) Action {
	switch {
	case s.Seen.Presence == store.Gone || s.Seen.Presence == store.Tombstoned:
		return decideGone(s)
	case s.Seen.Presence == store.Leaving:
		return Action{Kind: Nothing, At: s.Now.Add(leavingDelay)}
	case s.Seen.Object == nil || s.Seen.Presence != store.Present:
		return Action{Kind: Nothing}
	case s.Record == nil && s.Busy:
		// Somebody has moved away the record of what is under way.
		return Action{Kind: Stop, Why: ForDeletion}
	case s.Record == nil:
		return Action{Kind: Create}
	case s.Record.Deleted:
		return startOver(s)
	case s.Record.End != nil:
		return decideEnded(s)
	}
	return decideLive(s)
}

func decideGone(s Situation) Action {
	switch {
	case s.Record == nil || s.Record.Deleted:
		if s.Seen.Presence == store.Tombstoned {
			return Action{Kind: Forget}
		}
		return Action{Kind: Nothing}
	case s.Busy:
		return Action{Kind: Stop, Why: ForDeletion}
	}
	return Action{Kind: Delete}
}

// startOver begins the work that the manifest asks for, unless a run of this order has already done just that.
func startOver(s Situation) Action {
	if earlier := doneBefore(s); earlier != "" {
		return Action{Kind: Revive, Earlier: earlier}
	}
	return Action{Kind: Create}
}

// doneBefore is the run of this order that has done what the manifest asks for now, empty if none has.
func doneBefore(s Situation) string {
	hash := s.Seen.Object.Spec.RunHash()
	for _, r := range s.Runs {
		if r.RunHash() == hash && r.End != nil && r.End.Phase == v1alpha1.PhaseSucceeded {
			return r.ID
		}
	}
	return ""
}

func decideEnded(s Situation) Action {
	spec := &s.Seen.Object.Spec
	sameWork := spec.RunHash() == s.Record.RunHash()
	switch {
	case s.Busy:
		return Action{Kind: Nothing}
	case reopens(s) && doneBefore(s) != "":
		return another(s, startOver(s))
	case reopens(s):
		return Action{Kind: Reopen}
	case retryWanted(s) && spec.Cancel:
		return Action{Kind: AnswerRetry}
	case retryWanted(s) && sameWork && s.Record.End.Phase != v1alpha1.PhaseSucceeded:
		return Action{Kind: Retry}
	case retryWanted(s):
		return another(s, Action{Kind: Create})
	case spec.SpecHash() != s.Record.SpecHash && !sameWork:
		return another(s, startOver(s))
	case spec.SpecHash() != s.Record.SpecHash:
		return Action{Kind: Observe}
	case !s.Record.CleanedUp:
		return Action{Kind: CleanUp}
	}
	return Action{Kind: Nothing}
}

// another is what begins another run, once the former one has left nothing that nobody would look for any more.
func another(s Situation, begin Action) Action {
	if !s.Record.CleanedUp {
		return Action{Kind: CleanUp}
	}
	return begin
}

// reopens tells that a run which ended before it began, for its spec, has another look coming.
func reopens(s Situation) bool {
	if s.Record.End.Reason != v1alpha1.ReasonInvalidSpec || !untouched(s.Record) {
		return false
	}
	return len(s.Seen.Invalid)+len(s.Forbidden) == 0 || s.Seen.Object.Spec.SpecHash() != s.Record.SpecHash
}

func decideLive(s Situation) Action {
	spec := &s.Seen.Object.Spec
	switch {
	case untouched(s.Record) && !s.Busy && spec.RunHash() != s.Record.RunHash() && doneBefore(s) != "":
		return startOver(s)
	case spec.SpecHash() != s.Record.SpecHash:
		return Action{Kind: Observe}
	case retryWanted(s):
		return Action{Kind: AnswerRetry}
	case !untouched(s.Record) || len(s.Seen.Invalid) == 0:
		return decideUnderWay(s)
	}
	return Action{Kind: Finish, End: invalid(s.Seen)}
}

func decideUnderWay(s Situation) Action {
	spec := &s.Record.Spec
	switch {
	case s.Busy && spec.Cancel:
		return Action{Kind: Stop, Why: ForCancel}
	case s.Busy && spec.Suspend:
		return Action{Kind: Stop, Why: ForSuspend}
	case s.Busy:
		return Action{Kind: Nothing}
	case s.Record.Running != "":
		return Action{Kind: Interrupt}
	case spec.Cancel:
		return Action{Kind: Finish, End: cancelled(s.Record)}
	case spec.Suspend:
		return Action{Kind: Nothing}
	}
	return nextPhase(s)
}

// roomDelay is when to look again whether the disk has room: nothing tells that there is some.
const roomDelay = 15 * time.Second

// longestWait is longer than anything is waited for, even a limit of an agent's usage: who waits longer was told to by a
// clock that was wrong.
const longestWait = 8 * 24 * time.Hour

func nextPhase(s Situation) Action {
	next := NextPhase(s.Record)
	if next == "" {
		return Action{Kind: Finish, End: &store.End{Phase: v1alpha1.PhaseSucceeded, Message: succeeded(s.Record)}}
	}
	if at := s.Record.Status.NextAttemptAt; at != nil && at.After(s.Now) && at.Sub(s.Now) < longestWait {
		return Action{Kind: Nothing, At: at.Time}
	}
	if len(s.Forbidden) > 0 {
		return Action{Kind: Finish, End: forbidden(s.Record, s.Forbidden)}
	}
	if s.Short != "" {
		return Action{Kind: WaitForRoom, Phase: next, At: s.Now.Add(roomDelay)}
	}
	if !s.Slot {
		return Action{Kind: Queue, Phase: next}
	}
	return Action{Kind: Run, Phase: next}
}

// NextPhase is the first phase of the run that is not complete, empty when all are.
func NextPhase(r *store.Record) v1alpha1.Phase {
	for _, p := range r.Spec.Sequence() {
		if !slices.Contains(r.Done, p) {
			return p
		}
	}
	return ""
}

// untouched tells that no phase of the run has begun, so that its whole spec may still change.
func untouched(r *store.Record) bool { return r.Begun == 0 }

// retryWanted tells whether the manifest asks for a retry that was not answered. An older request, as a file that
// was restored brings it back, is none.
func retryWanted(s Situation) bool {
	wanted, handled := s.Seen.Object.Annotations[v1alpha1.AnnotationRetriedAt], s.Record.Status.LastHandledRetry
	if wanted == "" || wanted == handled {
		return false
	}
	asked, err := time.Parse(time.RFC3339, wanted)
	answered, errAnswered := time.Parse(time.RFC3339, handled)
	return err != nil || errAnswered != nil || asked.After(answered)
}
