package workorder

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// View is what a status says beyond the record.
type View struct {
	Now time.Time
	// Queued tells that a phase is due and waits for a free slot.
	Queued bool
	// Short says what the disk lacks for the phase that is due.
	Short string
	// Invalid and Refused speak of the manifest as it is now.
	Invalid, Refused []string
}

// project works out phase, conditions and message from the record. It is the only place that sets them.
func project(r *store.Record, v View) {
	st := &r.Status
	st.ID, st.RunHash = r.ID, r.RunHash()
	st.Phase = phaseOf(r)
	st.Message = cutMessage(messageOf(r, v))
	w := writer{conditions: &st.Conditions, generation: st.ObservedGeneration, now: metav1.NewTime(v.Now.Truncate(time.Second))}
	w.summary(r, v, st.Message)
	w.specValid(r, v)
	for _, p := range r.Spec.Sequence() {
		w.phase(r, v, p)
	}
	w.notes(r, v)
	slices.SortFunc(st.Conditions, func(a, b metav1.Condition) int { return strings.Compare(a.Type, b.Type) })
}

// phaseOf is where the order stands, for people.
func phaseOf(r *store.Record) v1alpha1.Phase {
	switch {
	case r.End != nil:
		return r.End.Phase
	case r.Running != "":
		return r.Running
	case untouched(r):
		return v1alpha1.PhasePending
	}
	if next := NextPhase(r); next != "" {
		return next
	}
	return v1alpha1.PhaseSucceeded
}

func messageOf(r *store.Record, v View) string {
	next := NextPhase(r)
	switch {
	case r.End != nil:
		return r.End.Message
	case r.Running != "":
		return fmt.Sprintf("%s (attempt %d)", r.Running, r.Attempts[r.Running]+1)
	case r.Spec.Suspend:
		return fmt.Sprintf("suspended before %s; run `awo resume %s` to go on", next, r.Name)
	case v.Short != "":
		return fmt.Sprintf("%s waits until the disk has room: %s; free some, it then goes on by itself", next, v.Short)
	case r.Status.NextAttemptAt != nil:
		return waitMessage(r, next)
	case v.Queued:
		return fmt.Sprintf("%s waits for a free slot", next)
	}
	return fmt.Sprintf("%s is due", next)
}

func waitMessage(r *store.Record, next v1alpha1.Phase) string {
	at := r.Status.NextAttemptAt.UTC().Format(time.RFC3339)
	last := lastStep(r)
	return fmt.Sprintf("%s is tried again at %s (attempt %d): %s", next, at, r.Attempts[next]+1, last.Message)
}

func lastStep(r *store.Record) v1alpha1.Step {
	if n := len(r.Status.Steps); n > 0 {
		return r.Status.Steps[n-1]
	}
	return v1alpha1.Step{}
}

// writer sets conditions as Kubernetes does: the time of a transition moves only when the status changes.
type writer struct {
	conditions *[]metav1.Condition
	generation int64
	now        metav1.Time
}

func (w writer) set(kind string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(w.conditions, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: cutMessage(message),
		ObservedGeneration: w.generation, LastTransitionTime: w.now,
	})
}

// present sets a condition that is there only while it is True.
func (w writer) present(kind string, is bool, reason, message string) {
	if !is {
		meta.RemoveStatusCondition(w.conditions, kind)
		return
	}
	w.set(kind, metav1.ConditionTrue, reason, message)
}

// note sets a condition that is there only while its note is.
func (w writer) note(kind string, n *store.Note) {
	if n == nil {
		n = &store.Note{}
	}
	w.present(kind, n.Reason != "", n.Reason, n.Message)
}

// summary sets the three conditions that kstatus reads.
func (w writer) summary(r *store.Record, v View, message string) {
	reason := waitReason(r, v)
	switch {
	case r.End == nil:
		w.set(v1alpha1.ConditionReady, metav1.ConditionUnknown, reason, message)
	case r.End.Phase == v1alpha1.PhaseSucceeded:
		w.set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, message)
	default:
		w.set(v1alpha1.ConditionReady, metav1.ConditionFalse, r.End.Reason, message)
	}
	w.present(v1alpha1.ConditionReconciling, r.End == nil && reason != v1alpha1.ReasonSuspended, reason, message)
	stalled := r.End != nil && r.End.Phase != v1alpha1.PhaseSucceeded
	if stalled {
		reason = r.End.Reason
	}
	w.present(v1alpha1.ConditionStalled, stalled, reason, message)
}

// uncounted are the reasons to wait that are no attempt.
var uncounted = []string{v1alpha1.ReasonUsageLimit, v1alpha1.ReasonDiskFull, v1alpha1.ReasonSocketInReach}

// waitReason says what an order that has not ended is doing.
func waitReason(r *store.Record, v View) string {
	switch {
	case r.Running != "":
		return v1alpha1.ReasonProgressing
	case r.Spec.Suspend:
		return v1alpha1.ReasonSuspended
	case v.Short != "":
		return v1alpha1.ReasonDiskFull
	case r.Status.NextAttemptAt != nil && slices.Contains(uncounted, lastStep(r).Reason):
		return lastStep(r).Reason
	case r.Status.NextAttemptAt != nil:
		return v1alpha1.ReasonBackoff
	case v.Queued:
		return v1alpha1.ReasonWaitingForSlot
	}
	return v1alpha1.ReasonProgressing
}

func (w writer) specValid(r *store.Record, v View) {
	switch {
	case r.End != nil && r.End.Reason == v1alpha1.ReasonInvalidSpec:
		w.set(v1alpha1.ConditionSpecValid, metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec, r.End.Message)
	case len(v.Invalid) > 0:
		w.set(v1alpha1.ConditionSpecValid, metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec,
			"the run goes on with the spec it began with; the manifest cannot be carried out: "+strings.Join(v.Invalid, "; "))
	default:
		w.set(v1alpha1.ConditionSpecValid, metav1.ConditionTrue, v1alpha1.ReasonValid, "the spec can be carried out")
	}
}

// phase sets the condition that tells of one phase's result.
func (w writer) phase(r *store.Record, v View, p v1alpha1.Phase) {
	for _, kind := range conditionsOf[p] {
		done, message := fact(r, kind)
		switch {
		case done:
			w.set(kind, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, message)
		case r.End != nil && r.End.During == p:
			w.set(kind, metav1.ConditionFalse, r.End.Reason, r.End.Message)
		case r.End == nil && NextPhase(r) == p && !untouched(r):
			reason := waitReason(r, View{Short: v.Short})
			w.set(kind, metav1.ConditionUnknown, reason, pending(reason))
		default:
			meta.RemoveStatusCondition(w.conditions, kind)
		}
	}
}

// pending says of a phase that is not complete what it is doing.
func pending(reason string) string {
	switch reason {
	case v1alpha1.ReasonProgressing:
		return "under way"
	case v1alpha1.ReasonSuspended:
		return "suspended"
	}
	return "waiting"
}

// conditionsOf lists the facts that a phase establishes.
var conditionsOf = map[v1alpha1.Phase][]string{
	v1alpha1.PhaseCloning:      {v1alpha1.ConditionCloned},
	v1alpha1.PhasePlanning:     {v1alpha1.ConditionPlanned},
	v1alpha1.PhaseImplementing: {v1alpha1.ConditionImplemented},
	v1alpha1.PhasePR:           {v1alpha1.ConditionPushed, v1alpha1.ConditionPullRequestOpened},
}

// fact tells whether the record shows that a condition holds, and how to say it.
func fact(r *store.Record, kind string) (bool, string) {
	st := r.Status
	done := func(p v1alpha1.Phase) bool { return slices.Contains(r.Done, p) }
	switch kind {
	case v1alpha1.ConditionCloned:
		return done(v1alpha1.PhaseCloning), fmt.Sprintf("at %.12s of branch %s", st.BaseCommit, st.BaseBranch)
	case v1alpha1.ConditionPlanned:
		return done(v1alpha1.PhasePlanning), "outputs/" + r.ID + "/plan.md"
	case v1alpha1.ConditionImplemented:
		return done(v1alpha1.PhaseImplementing), changesMessage(st)
	case v1alpha1.ConditionPushed:
		return r.Pushed != "" && r.Pushed == st.HeadCommit, fmt.Sprintf("branch %s is at %.12s", st.Branch, r.Pushed)
	default:
		opened := st.PullRequest != nil && done(v1alpha1.PhasePR)
		if !opened {
			return false, ""
		}
		return true, st.PullRequest.URL
	}
}

func changesMessage(st v1alpha1.WorkOrderStatus) string {
	if st.Changes == nil {
		return "head is " + st.HeadCommit
	}
	c := st.Changes
	return fmt.Sprintf("%s, %s, +%d -%d", count(c.Commits, "commit"), count(c.Files, "file"), c.Additions, c.Deletions)
}

func count(n int32, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// notes sets what is worth saying only when it is so.
func (w writer) notes(r *store.Record, v View) {
	w.present(v1alpha1.ConditionFilesLeftOut, len(r.LeftOut) > 0, v1alpha1.ReasonLeftOut,
		"not committed on purpose: "+strings.Join(r.LeftOut, ", "))
	w.present(v1alpha1.ConditionSpecChangeRefused, len(v.Refused) > 0, v1alpha1.ReasonFieldImmutable, refusal(r, v.Refused))
	w.present(v1alpha1.ConditionPromptTemplateBroken, r.PromptProblem != "", v1alpha1.ReasonTemplateInvalid, r.PromptProblem)
	w.note(v1alpha1.ConditionStatusNotWritten, r.StatusKeptOut)
	w.note(v1alpha1.ConditionContentNotFetched, r.NotFetched)
	w.confinement(r.Confinement)
}

// refusal says that some fields were changed in vain, and what to do about it.
func refusal(r *store.Record, fields []string) string {
	text := "%s cannot change during a run, which goes on with what it began with; after its end edit the manifest again or run `awo retry %s`"
	if r.End != nil {
		text = "%s changed during the run, which came to its end with what it began with; edit the manifest again or run `awo retry %s` to have it done"
	}
	return fmt.Sprintf(text, strings.Join(fields, ", "), r.Name)
}

// confinement tells how the run's agents were confined, once one was started.
func (w writer) confinement(c *store.Confinement) {
	switch {
	case c == nil:
		meta.RemoveStatusCondition(w.conditions, v1alpha1.ConditionAgentConfined)
	case c.Confined:
		w.set(v1alpha1.ConditionAgentConfined, metav1.ConditionTrue, c.Reason, c.Message)
	default:
		w.set(v1alpha1.ConditionAgentConfined, metav1.ConditionFalse, c.Reason, c.Message)
	}
}
