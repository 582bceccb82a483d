package main

import (
	"cmp"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// goal is what `awo wait --for` waits for.
type goal struct {
	deleted   bool
	phase     v1alpha1.Phase
	condition string
	status    metav1.ConditionStatus
}

// goalPhases are the phases that can be waited for.
func goalPhases() []v1alpha1.Phase {
	return []v1alpha1.Phase{
		v1alpha1.PhasePending, v1alpha1.PhaseCloning, v1alpha1.PhasePlanning, v1alpha1.PhaseImplementing, v1alpha1.PhasePR,
		v1alpha1.PhaseSucceeded, v1alpha1.PhaseFailed, v1alpha1.PhaseCancelled,
	}
}

// parseGoal reads phase=X, condition=T, condition=T=V or delete. Phases and V in any case, as kubectl has V.
func parseGoal(text string) (goal, error) {
	kind, value, _ := strings.Cut(text, "=")
	switch {
	case text == "delete":
		return goal{deleted: true}, nil
	case kind == "phase" && value != "":
		return parsePhaseGoal(value)
	case kind == "condition" && value != "":
		condition, status, _ := strings.Cut(value, "=")
		return goal{condition: condition, status: conditionStatus(cmp.Or(status, "True"))}, nil
	}
	return goal{}, fmt.Errorf("unrecognized condition: %q; use phase=PHASE, condition=TYPE[=STATUS] or delete", text)
}

func parsePhaseGoal(value string) (goal, error) {
	known := goalPhases()
	for _, phase := range known {
		if strings.EqualFold(string(phase), value) {
			return goal{phase: phase}, nil
		}
	}
	return goal{}, fmt.Errorf("there is no phase %q: use one of %v", value, known)
}

// conditionStatus gives a status its usual case.
func conditionStatus(value string) metav1.ConditionStatus {
	for _, known := range []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown} {
		if strings.EqualFold(string(known), value) {
			return known
		}
	}
	return metav1.ConditionStatus(value)
}

// judge tells whether the order has reached the goal, or, as an error, why it never will. An order whose
// status does not yet speak of its manifest has done neither.
func (g goal) judge(o order) (bool, error) {
	if g.deleted {
		return false, nil
	}
	if err := o.changeRefused(); err != nil {
		return false, err
	}
	if !o.settled() {
		return false, nil
	}
	if g.reached(o) {
		return true, nil
	}
	if o.phase().Terminal() {
		return false, ended(o)
	}
	return false, nil
}

// reached compares the status alone.
func (g goal) reached(o order) bool {
	if g.phase != "" {
		return o.phase() == g.phase
	}
	if o.object.Status == nil {
		return false
	}
	found := meta.FindStatusCondition(o.object.Status.Conditions, g.condition)
	return found != nil && found.Status == g.status
}

// ended says how an order ended that was waited for in vain.
func ended(o order) error {
	text := fmt.Sprintf("workorders/%s is %s", o.name, o.phase())
	if ready := meta.FindStatusCondition(o.object.Status.Conditions, v1alpha1.ConditionReady); ready != nil && ready.Reason != string(o.phase()) {
		text += " (" + ready.Reason + ")"
	}
	if o.object.Status.Message != "" {
		text += ": " + o.object.Status.Message
	}
	return fmt.Errorf("%s", text)
}

// changeRefused says that what the manifest asks for now will not be run without a further request. A further edit and a
// retry are such requests, before the controller has seen them, too.
func (o order) changeRefused() error {
	if o.record == nil || o.awaited() || o.sameWork() {
		return nil
	}
	refused := meta.FindStatusCondition(o.record.Status.Conditions, v1alpha1.ConditionSpecChangeRefused)
	if refused == nil || refused.Status != metav1.ConditionTrue {
		return nil
	}
	return fmt.Errorf("workorders/%s: the change of its manifest is not part of the run %s: %s", o.name, o.record.ID, refused.Message)
}
