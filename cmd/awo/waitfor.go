package main

import (
	"cmp"
	"errors"
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

// goalConditions are the conditions that can be waited for: those that every order may come to have.
func goalConditions() []string {
	return []string{
		v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled, v1alpha1.ConditionSpecValid,
		v1alpha1.ConditionCloned, v1alpha1.ConditionPlanned, v1alpha1.ConditionImplemented, v1alpha1.ConditionPushed,
		v1alpha1.ConditionPullRequestOpened, v1alpha1.ConditionFilesLeftOut, v1alpha1.ConditionSpecChangeRefused,
		v1alpha1.ConditionStatusNotWritten, v1alpha1.ConditionAgentConfined, v1alpha1.ConditionContentNotFetched,
		v1alpha1.ConditionPromptTemplateBroken,
	}
}

// parseGoal reads phase=X, condition=T, condition=T=V or delete, all in any case, as kubectl does.
func parseGoal(text string) (goal, error) {
	kind, value, _ := strings.Cut(text, "=")
	switch {
	case text == "delete":
		return goal{deleted: true}, nil
	case kind == "phase" && value != "":
		return parsePhaseGoal(value)
	case kind == "condition" && value != "":
		return parseConditionGoal(value)
	}
	return goal{}, fmt.Errorf("unrecognized condition: %q; use phase=PHASE, condition=TYPE[=STATUS] or delete", text)
}

func parsePhaseGoal(value string) (goal, error) {
	phase, err := anyCase("phase", v1alpha1.Phase(value), goalPhases())
	return goal{phase: phase}, err
}

func parseConditionGoal(value string) (goal, error) {
	condition, status, _ := strings.Cut(value, "=")
	condition, err := anyCase("condition", condition, goalConditions())
	if err != nil {
		return goal{}, err
	}
	known := []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown}
	wanted, err := anyCase("status of a condition", metav1.ConditionStatus(cmp.Or(status, "True")), known)
	if err != nil {
		return goal{}, err
	}
	return goal{condition: condition, status: wanted}, nil
}

// anyCase finds a word in a list, whatever its case.
func anyCase[T ~string](what string, value T, known []T) (T, error) {
	for _, each := range known {
		if strings.EqualFold(string(each), string(value)) {
			return each, nil
		}
	}
	return "", fmt.Errorf("there is no %s %q: use one of %v", what, value, known)
}

// String is the goal as --for has it.
func (g goal) String() string {
	switch {
	case g.deleted:
		return "delete"
	case g.phase != "":
		return "phase=" + string(g.phase)
	}
	return fmt.Sprintf("condition=%s=%s", g.condition, g.status)
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
	if o.record == nil && g.phase == v1alpha1.PhasePending {
		return true, nil // as it is shown until the controller has seen it
	}
	if !o.settled() {
		return false, nil
	}
	if g.reached(o) {
		return true, nil
	}
	if o.phase().Terminal() {
		return false, g.missed(o)
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

// missed says how an order ended that was waited for in vain.
func (g goal) missed(o order) error {
	text := fmt.Sprintf("workorders/%s is %s", o.name, o.phase())
	if ready := meta.FindStatusCondition(o.object.Status.Conditions, v1alpha1.ConditionReady); ready != nil && ready.Reason != string(o.phase()) {
		text += " (" + ready.Reason + ")"
	}
	text += fmt.Sprintf(" and does not come to %s any more", g)
	if o.object.Status.Message != "" {
		text += ": " + o.object.Status.Message
	}
	return errors.New(text)
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
