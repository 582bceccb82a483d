package main

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

func TestParseGoal(t *testing.T) {
	tests := map[string]struct {
		want goal
		err  string
	}{
		"delete":                 {want: goal{deleted: true}},
		"phase=Succeeded":        {want: goal{phase: v1alpha1.PhaseSucceeded}},
		"phase=pr":               {want: goal{phase: v1alpha1.PhasePR}},
		"condition=Ready":        {want: goal{condition: "Ready", status: metav1.ConditionTrue}},
		"condition=Ready=false":  {want: goal{condition: "Ready", status: metav1.ConditionFalse}},
		"condition=ready=TRUE":   {want: goal{condition: "Ready", status: metav1.ConditionTrue}},
		"condition=Ready=Half":   {err: `there is no status of a condition "Half"`},
		"condition=Done":         {err: `there is no condition "Done": use one of [Ready `},
		"phase=":                 {err: `unrecognized condition: "phase="`},
		"phase=Done":             {err: `there is no phase "Done"`},
		"condition=":             {err: `unrecognized condition: "condition="`},
		"":                       {err: `unrecognized condition: ""`},
		"jsonpath={.status}=now": {err: "use phase=PHASE, condition=TYPE"},
	}
	for text, test := range tests {
		t.Run(text, func(t *testing.T) {
			g := NewWithT(t)
			got, err := parseGoal(text)
			g.Expect(got).To(Equal(test.want))
			if test.err != "" {
				g.Expect(err).To(MatchError(ContainSubstring(test.err)))
			} else {
				g.Expect(err).NotTo(HaveOccurred())
			}
		})
	}
}

// situation is an order whose manifest and record agree, in a phase.
func situation(phase v1alpha1.Phase, changes ...func(object *v1alpha1.WorkOrder, record *store.Record)) order {
	object := &v1alpha1.WorkOrder{}
	object.Name, object.Spec.Request, object.Spec.Repository.URL = "order", "Do it.", "https://github.com/acme/app"
	record := &store.Record{ID: "wo-0a1b2c3d", Name: "order", Namespace: "default", Spec: *object.Spec.DeepCopy(), SpecHash: object.Spec.SpecHash()}
	record.Status.Phase = phase
	if phase.Terminal() {
		record.End = &store.End{Phase: phase}
	}
	for _, change := range changes {
		change(object, record)
	}
	return newOrder("order", store.Observation{Presence: store.Present, Object: object}, record)
}

func TestGoalJudge(t *testing.T) {
	changed := func(o *v1alpha1.WorkOrder, _ *store.Record) { o.Spec.Request = "Do more." }
	observed := func(o *v1alpha1.WorkOrder, r *store.Record) { r.SpecHash = o.Spec.SpecHash() }
	refused := func(_ *v1alpha1.WorkOrder, r *store.Record) {
		r.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionSpecChangeRefused, Status: metav1.ConditionTrue, Message: "no"}}
	}
	retried := func(o *v1alpha1.WorkOrder, _ *store.Record) {
		o.Annotations = map[string]string{v1alpha1.AnnotationRetriedAt: "now"}
	}
	handled := func(_ *v1alpha1.WorkOrder, r *store.Record) { r.Status.LastHandledRetry = "now" }
	reopened := func(_ *v1alpha1.WorkOrder, r *store.Record) { r.End = nil }
	unprojected := func(_ *v1alpha1.WorkOrder, r *store.Record) { r.Status.Phase = v1alpha1.PhasePR }
	wasDeleted := func(_ *v1alpha1.WorkOrder, r *store.Record) { r.Deleted = true }
	ready := func(_ *v1alpha1.WorkOrder, r *store.Record) {
		r.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: metav1.ConditionTrue}}
	}

	succeeded := goal{phase: v1alpha1.PhaseSucceeded}
	tests := map[string]struct {
		goal  goal
		order order
		met   bool
		err   string
	}{
		"reached":                             {goal: succeeded, order: situation(v1alpha1.PhaseSucceeded), met: true},
		"under way":                           {goal: succeeded, order: situation(v1alpha1.PhasePlanning)},
		"a phase on the way":                  {goal: goal{phase: v1alpha1.PhasePlanning}, order: situation(v1alpha1.PhasePlanning), met: true},
		"ended otherwise":                     {goal: succeeded, order: situation(v1alpha1.PhaseFailed), err: "workorders/order is Failed"},
		"cancelled":                           {goal: succeeded, order: situation(v1alpha1.PhaseCancelled), err: "workorders/order is Cancelled"},
		"the old end after a change":          {goal: succeeded, order: situation(v1alpha1.PhaseSucceeded, changed)},
		"the old failure after a change":      {goal: succeeded, order: situation(v1alpha1.PhaseFailed, changed)},
		"observed, and the new run not begun": {goal: succeeded, order: situation(v1alpha1.PhaseSucceeded, changed, observed)},
		"a refused change":                    {goal: succeeded, order: situation(v1alpha1.PhaseSucceeded, changed, observed, refused), err: "not part of the run wo-0a1b2c3d: no"},
		"a refused change, edited again":      {goal: succeeded, order: situation(v1alpha1.PhaseSucceeded, changed, refused)},
		"a refused change, retried":           {goal: succeeded, order: situation(v1alpha1.PhaseSucceeded, changed, observed, refused, retried)},
		"the old end after a retry":           {goal: succeeded, order: situation(v1alpha1.PhaseFailed, retried)},
		"the end after a retry":               {goal: succeeded, order: situation(v1alpha1.PhaseSucceeded, retried, handled), met: true},
		"taken up again, status not yet":      {goal: succeeded, order: situation(v1alpha1.PhaseFailed, reopened)},
		"ended, status not yet":               {goal: succeeded, order: situation(v1alpha1.PhaseSucceeded, unprojected)},
		"the life before a deletion":          {goal: succeeded, order: situation(v1alpha1.PhaseSucceeded, wasDeleted)},
		"condition":                           {goal: goal{condition: "Ready", status: metav1.ConditionTrue}, order: situation(v1alpha1.PhaseSucceeded, ready), met: true},
		"condition with another status":       {goal: goal{condition: "Ready", status: metav1.ConditionFalse}, order: situation(v1alpha1.PhasePlanning, ready)},
		"condition that can come no more":     {goal: goal{condition: "Pushed", status: metav1.ConditionTrue}, order: situation(v1alpha1.PhaseFailed), err: "is Failed"},
		"deletion of what is there":           {goal: goal{deleted: true}, order: situation(v1alpha1.PhaseSucceeded)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			met, err := test.goal.judge(test.order)
			g.Expect(met).To(Equal(test.met))
			if test.err != "" {
				g.Expect(err).To(MatchError(ContainSubstring(test.err)))
			} else {
				g.Expect(err).NotTo(HaveOccurred())
			}
		})
	}
}
