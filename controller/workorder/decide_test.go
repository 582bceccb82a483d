package workorder_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/store/manifest"
	"github.com/agent-work-orders/awo/controller/workorder"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// order is a manifest's object, changed by the functions.
func order(change ...func(*v1alpha1.WorkOrder)) *v1alpha1.WorkOrder {
	o := &v1alpha1.WorkOrder{}
	o.Name = "a"
	o.Spec.Repository.URL = "https://github.com/acme/app"
	o.Spec.Request = "do it"
	for _, c := range change {
		c(o)
	}
	return o
}

func seen(change ...func(*v1alpha1.WorkOrder)) store.Observation {
	return store.Observation{Presence: store.Present, Path: "a.yaml", Object: order(change...)}
}

// run is the record of a run of order(), changed by the functions.
func run(change ...func(*store.Record)) *store.Record {
	o := order()
	r := &store.Record{ID: "wo-00000001", Name: "a", Run: 1, Spec: o.Spec, SpecHash: o.Spec.SpecHash()}
	for _, c := range change {
		c(r)
	}
	return r
}

func begun(done ...v1alpha1.Phase) func(*store.Record) {
	return func(r *store.Record) { r.Begun, r.Done = int64(len(done)+1), done }
}

func ended(p v1alpha1.Phase) func(*store.Record) {
	return func(r *store.Record) {
		r.End = &store.End{Phase: p, During: v1alpha1.PhaseImplementing, Reason: "AgentFailed"}
		r.Begun = 3
	}
}

func cleaned(r *store.Record)                            { r.CleanedUp = true }
func gone(r *store.Record)                               { r.Deleted = true }
func running(r *store.Record)                            { r.Running = v1alpha1.PhasePlanning }
func otherRequest(o *v1alpha1.WorkOrder)                 { o.Spec.Request = "something else" }
func otherTimeout(o *v1alpha1.WorkOrder)                 { o.Spec.Timeouts.Phase = "2h" }
func cancel(o *v1alpha1.WorkOrder)                       { o.Spec.Cancel = true }
func suspend(o *v1alpha1.WorkOrder)                      { o.Spec.Suspend = true }
func with(o *v1alpha1.WorkOrder) *v1alpha1.WorkOrderSpec { return &o.Spec }

func askRetry(o *v1alpha1.WorkOrder) {
	o.Annotations = map[string]string{v1alpha1.AnnotationRetriedAt: "2026-11-23T12:00:00Z"}
}

// taken is a record that has observed the order as changed.
func taken(change func(*v1alpha1.WorkOrder)) func(*store.Record) {
	return func(r *store.Record) {
		r.Spec = *with(order(change))
		r.SpecHash = r.Spec.SpecHash()
	}
}

func waits(d time.Duration) func(*store.Record) {
	return func(r *store.Record) {
		t := metav1.NewTime(now.Add(d))
		r.Status.NextAttemptAt = &t
	}
}

func TestDecide(t *testing.T) {
	invalid := seen()
	invalid.Invalid = []manifest.Problem{{Line: 3, Field: "spec.phases", Message: "no"}}
	absent := func(p store.Presence) store.Observation { return store.Observation{Presence: p} }
	broken := store.Observation{Presence: store.Present, Path: "a.yaml"}
	all := v1alpha1.DefaultPhases()
	complete := append([]v1alpha1.Phase{v1alpha1.PhaseCloning}, all...)

	for _, c := range []struct {
		name string
		in   workorder.Situation
		want workorder.Action
	}{
		{"a new manifest begins a run", workorder.Situation{Seen: seen()}, workorder.Action{Kind: workorder.Create}},
		{"what is under way without a record is stopped first", workorder.Situation{Seen: seen(), Busy: true},
			workorder.Action{Kind: workorder.Stop, Why: workorder.ForDeletion}},
		{"a manifest that never was good does nothing", workorder.Situation{Seen: broken}, workorder.Action{Kind: workorder.Nothing}},
		{"a fresh run clones", workorder.Situation{Seen: seen(), Record: run(), Slot: true},
			workorder.Action{Kind: workorder.Run, Phase: v1alpha1.PhaseCloning}},
		{"without a slot it waits", workorder.Situation{Seen: seen(), Record: run()},
			workorder.Action{Kind: workorder.Queue, Phase: v1alpha1.PhaseCloning}},
		{"phases follow in order", workorder.Situation{Seen: seen(), Record: run(begun(v1alpha1.PhaseCloning)), Slot: true},
			workorder.Action{Kind: workorder.Run, Phase: v1alpha1.PhasePlanning}},
		{"all phases done is the end", workorder.Situation{Seen: seen(), Record: run(begun(complete...)), Slot: true},
			workorder.Action{Kind: workorder.Finish, End: &store.End{Phase: v1alpha1.PhaseSucceeded, Message: "the plan is in outputs/wo-00000001/plan.md"}}},
		{"a busy order is left alone", workorder.Situation{Seen: seen(), Record: run(running), Busy: true}, workorder.Action{Kind: workorder.Nothing}},
		{"what a crash left running is interrupted", workorder.Situation{Seen: seen(), Record: run(begun(), running)},
			workorder.Action{Kind: workorder.Interrupt}},
		{"what is not allowed any more does not begin, nor go on", workorder.Situation{Seen: seen(), Record: run(begun(v1alpha1.PhaseCloning)), Slot: true,
			Forbidden: []string{"spec.agent.type: no"}},
			workorder.Action{Kind: workorder.Finish, End: &store.End{Phase: v1alpha1.PhaseFailed, During: v1alpha1.PhasePlanning, Reason: "InvalidSpec",
				Message: "spec.agent.type: no. Correct the manifest, or have the controller allow it and run `awo retry a`"}}},
		{"what is done is not taken back when it is not allowed any more", workorder.Situation{Seen: seen(), Record: run(begun(complete...)), Forbidden: []string{"no"}},
			workorder.Action{Kind: workorder.Finish, End: &store.End{Phase: v1alpha1.PhaseSucceeded, Message: "the plan is in outputs/wo-00000001/plan.md"}}},
		{"a wait that a wrong clock began is not waited for", workorder.Situation{Seen: seen(), Record: run(begun(), waits(9*24*time.Hour)), Slot: true},
			workorder.Action{Kind: workorder.Run, Phase: v1alpha1.PhaseCloning}},
		{"backoff is waited for", workorder.Situation{Seen: seen(), Record: run(begun(), waits(time.Minute)), Slot: true},
			workorder.Action{Kind: workorder.Nothing, At: now.Add(time.Minute)}},
		{"backoff that is over is over", workorder.Situation{Seen: seen(), Record: run(begun(), waits(-time.Second)), Slot: true},
			workorder.Action{Kind: workorder.Run, Phase: v1alpha1.PhaseCloning}},

		{"on a full disk it waits, slot or not", workorder.Situation{Seen: seen(), Record: run(begun(v1alpha1.PhaseCloning)), Slot: true, Short: "1 GiB"},
			workorder.Action{Kind: workorder.WaitForRoom, Phase: v1alpha1.PhasePlanning, At: now.Add(15 * time.Second)}},
		{"a full disk does not shorten a backoff", workorder.Situation{Seen: seen(), Record: run(begun(), waits(time.Minute)), Short: "1 GiB"},
			workorder.Action{Kind: workorder.Nothing, At: now.Add(time.Minute)}},
		{"a full disk stops nothing that is under way", workorder.Situation{Seen: seen(), Record: run(running), Busy: true, Short: "1 GiB"},
			workorder.Action{Kind: workorder.Nothing}},
		{"a full disk holds up no cancel", workorder.Situation{Seen: seen(cancel), Record: run(taken(cancel), running), Busy: true, Short: "1 GiB"},
			workorder.Action{Kind: workorder.Stop, Why: workorder.ForCancel}},
		{"a full disk holds up no end", workorder.Situation{Seen: seen(), Record: run(begun(complete...)), Short: "1 GiB"},
			workorder.Action{Kind: workorder.Finish, End: &store.End{Phase: v1alpha1.PhaseSucceeded, Message: "the plan is in outputs/wo-00000001/plan.md"}}},

		{"an invalid spec ends a run before it begins", workorder.Situation{Seen: invalid, Record: run(), Slot: true},
			workorder.Action{Kind: workorder.Finish, End: &store.End{Phase: v1alpha1.PhaseFailed, Reason: v1alpha1.ReasonInvalidSpec,
				Message: "a.yaml: line 3: spec.phases: no. Correct the manifest; it then runs"}}},
		{"an invalid spec does not end a run under way", workorder.Situation{Seen: invalid, Record: run(begun()), Slot: true},
			workorder.Action{Kind: workorder.Run, Phase: v1alpha1.PhaseCloning}},
		{"a corrected spec is looked at again", workorder.Situation{Seen: seen(otherTimeout), Record: run(invalidEnd)}, workorder.Action{Kind: workorder.Reopen}},
		{"a spec that is forbidden stays ended", workorder.Situation{Seen: seen(), Record: run(invalidEnd, cleaned), Forbidden: []string{"no"}},
			workorder.Action{Kind: workorder.Nothing}},
		{"a spec that is allowed again is looked at again", workorder.Situation{Seen: seen(), Record: run(invalidEnd, cleaned)},
			workorder.Action{Kind: workorder.Reopen}},
		{"an invalid spec stays ended", workorder.Situation{Seen: invalid, Record: run(invalidEnd, cleaned)}, workorder.Action{Kind: workorder.Nothing}},

		{"a change is observed", workorder.Situation{Seen: seen(otherTimeout), Record: run()}, workorder.Action{Kind: workorder.Observe}},
		{"a change during a run is observed", workorder.Situation{Seen: seen(otherRequest), Record: run(running), Busy: true},
			workorder.Action{Kind: workorder.Observe}},
		{"cancel stops a phase", workorder.Situation{Seen: seen(cancel), Record: run(taken(cancel), running), Busy: true},
			workorder.Action{Kind: workorder.Stop, Why: workorder.ForCancel}},
		{"suspend stops a phase", workorder.Situation{Seen: seen(suspend), Record: run(taken(suspend), running), Busy: true},
			workorder.Action{Kind: workorder.Stop, Why: workorder.ForSuspend}},
		{"a suspended order rests", workorder.Situation{Seen: seen(suspend), Record: run(taken(suspend)), Slot: true}, workorder.Action{Kind: workorder.Nothing}},
		{"cancel ends an order that rests", workorder.Situation{Seen: seen(cancel), Record: run(taken(cancel)), Slot: true},
			workorder.Action{Kind: workorder.Finish, End: &store.End{Phase: v1alpha1.PhaseCancelled, During: v1alpha1.PhaseCloning,
				Reason: v1alpha1.ReasonCancelled, Message: "cancelled by spec.cancel; run `awo retry a` to start its phase again"}}},

		{"an ended run is cleaned up", workorder.Situation{Seen: seen(), Record: run(ended(v1alpha1.PhaseFailed))}, workorder.Action{Kind: workorder.CleanUp}},
		{"and then rests", workorder.Situation{Seen: seen(), Record: run(ended(v1alpha1.PhaseFailed), cleaned)}, workorder.Action{Kind: workorder.Nothing}},
		{"an ended run takes a longer timeout without running again",
			workorder.Situation{Seen: seen(otherTimeout), Record: run(ended(v1alpha1.PhaseSucceeded), cleaned)}, workorder.Action{Kind: workorder.Observe}},
		{"other work after the end is a new run",
			workorder.Situation{Seen: seen(otherRequest), Record: run(ended(v1alpha1.PhaseSucceeded), cleaned)}, workorder.Action{Kind: workorder.Create}},
		{"work that an earlier run has done is not done again",
			workorder.Situation{Seen: seen(), Record: run(taken(otherRequest), ended(v1alpha1.PhaseSucceeded), cleaned),
				Runs: []*store.Record{run(func(r *store.Record) { r.ID = "wo-0" }, ended(v1alpha1.PhaseSucceeded))}},
			workorder.Action{Kind: workorder.Revive, Earlier: "wo-0"}},
		{"work at which an earlier run failed is done again",
			workorder.Situation{Seen: seen(), Record: run(taken(otherRequest), ended(v1alpha1.PhaseSucceeded), cleaned),
				Runs: []*store.Record{run(ended(v1alpha1.PhaseFailed))}}, workorder.Action{Kind: workorder.Create}},

		{"a retry starts the failed phase again", workorder.Situation{Seen: seen(askRetry), Record: run(ended(v1alpha1.PhaseFailed))},
			workorder.Action{Kind: workorder.Retry}},
		{"a retry of other work is a new run", workorder.Situation{Seen: seen(askRetry, otherRequest), Record: run(ended(v1alpha1.PhaseFailed), cleaned)},
			workorder.Action{Kind: workorder.Create}},
		{"a retry of a success is a new run", workorder.Situation{Seen: seen(askRetry), Record: run(ended(v1alpha1.PhaseSucceeded), cleaned)},
			workorder.Action{Kind: workorder.Create}},
		{"before a new run the former one is cleaned up", workorder.Situation{Seen: seen(askRetry), Record: run(ended(v1alpha1.PhaseSucceeded))},
			workorder.Action{Kind: workorder.CleanUp}},
		{"also before new work", workorder.Situation{Seen: seen(otherRequest), Record: run(ended(v1alpha1.PhaseFailed))},
			workorder.Action{Kind: workorder.CleanUp}},
		{"a retry of what is still cancelled is only answered", workorder.Situation{Seen: seen(askRetry, cancel), Record: run(taken(cancel), ended(v1alpha1.PhaseCancelled))},
			workorder.Action{Kind: workorder.AnswerRetry}},
		{"a retry during a run is only answered", workorder.Situation{Seen: seen(askRetry), Record: run(running), Busy: true},
			workorder.Action{Kind: workorder.AnswerRetry}},
		{"a retry that was answered is not answered again",
			workorder.Situation{Seen: seen(askRetry), Record: run(ended(v1alpha1.PhaseFailed), cleaned, func(r *store.Record) {
				r.Status.LastHandledRetry = "2026-11-23T12:00:00Z"
			})}, workorder.Action{Kind: workorder.Nothing}},

		{"a retry that is older than the one answered is none",
			workorder.Situation{Seen: seen(askRetry), Record: run(ended(v1alpha1.PhaseSucceeded), cleaned, func(r *store.Record) {
				r.Status.LastHandledRetry = "2026-11-23T13:00:00Z"
			})}, workorder.Action{Kind: workorder.Nothing}},
		{"work that was done comes back after an invalid spec",
			workorder.Situation{Seen: seen(), Record: run(taken(otherRequest), invalidEnd, cleaned), Runs: []*store.Record{done("wo-0")}},
			workorder.Action{Kind: workorder.Revive, Earlier: "wo-0"}},
		{"work that was done comes back before the next run has begun",
			workorder.Situation{Seen: seen(), Record: run(taken(otherRequest)), Runs: []*store.Record{done("wo-0")}},
			workorder.Action{Kind: workorder.Revive, Earlier: "wo-0"}},

		{"an order that a command is about to delete waits for it", workorder.Situation{Seen: absent(store.Leaving), Record: run(running), Busy: true},
			workorder.Action{Kind: workorder.Nothing, At: now.Add(time.Second)}},
		{"an absence that is not confirmed changes nothing", workorder.Situation{Seen: absent(store.Missing), Record: run()}, workorder.Action{Kind: workorder.Nothing}},
		{"a held deletion changes nothing", workorder.Situation{Seen: absent(store.Held), Record: run(running), Busy: true}, workorder.Action{Kind: workorder.Nothing}},
		{"a deletion stops a phase", workorder.Situation{Seen: absent(store.Gone), Record: run(running), Busy: true},
			workorder.Action{Kind: workorder.Stop, Why: workorder.ForDeletion}},
		{"a deletion cleans up", workorder.Situation{Seen: absent(store.Tombstoned), Record: run()}, workorder.Action{Kind: workorder.Delete}},
		{"a tombstone that has done its work goes", workorder.Situation{Seen: absent(store.Tombstoned), Record: run(gone)}, workorder.Action{Kind: workorder.Forget}},
		{"a deleted order is deleted once", workorder.Situation{Seen: absent(store.Gone), Record: run(gone)}, workorder.Action{Kind: workorder.Nothing}},
		{"dropped again, a success is shown", workorder.Situation{Seen: seen(), Record: run(gone, ended(v1alpha1.PhaseSucceeded)),
			Runs: []*store.Record{run(gone, ended(v1alpha1.PhaseSucceeded))}}, workorder.Action{Kind: workorder.Revive, Earlier: "wo-00000001"}},
		{"dropped again, a failure runs anew", workorder.Situation{Seen: seen(), Record: run(gone, ended(v1alpha1.PhaseFailed)),
			Runs: []*store.Record{run(gone, ended(v1alpha1.PhaseFailed))}}, workorder.Action{Kind: workorder.Create}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			c.in.Now = now
			g.Expect(workorder.Decide(c.in)).To(Equal(c.want))
		})
	}
}

// done is an earlier run that Succeeded.
func done(id string) *store.Record {
	return run(func(r *store.Record) { r.ID = id }, ended(v1alpha1.PhaseSucceeded))
}

func invalidEnd(r *store.Record) {
	r.End = &store.End{Phase: v1alpha1.PhaseFailed, Reason: v1alpha1.ReasonInvalidSpec}
}
