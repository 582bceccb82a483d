package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// Cells without a value, as kubectl shows them.
const (
	none    = "<none>"
	unknown = "<unknown>"
)

// orderColumns are the columns of `awo get`; those with a priority are shown by -o wide only.
func orderColumns() []metav1.TableColumnDefinition {
	return []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name"},
		{Name: "Phase", Type: "string"},
		{Name: "Reason", Type: "string"},
		{Name: "Branch", Type: "string"},
		{Name: "PR", Type: "string"},
		{Name: "Age", Type: "string"},
		{Name: "Attempts", Type: "integer", Priority: 1},
		{Name: "Cost", Type: "string", Priority: 1},
		{Name: "ID", Type: "string", Priority: 1},
		{Name: "Message", Type: "string", Priority: 1},
	}
}

// orderRow returns the cells of one order.
func orderRow(o order, now time.Time) metav1.TableRow {
	status := o.object.Status
	if status == nil {
		status = &v1alpha1.WorkOrderStatus{}
	}
	return metav1.TableRow{Cells: []any{
		o.name,
		string(o.phase()),
		reasonCell(o, status.Conditions),
		cmp.Or(status.Branch, none),
		pullRequestCell(status.PullRequest),
		age(o.object.CreationTimestamp, now),
		attemptsCell(status.Steps),
		costCell(status.Usage),
		cmp.Or(status.ID, none),
		cmp.Or(orderMessage(o), none),
	}}
}

// rowKey is what of a row counts as a change: the cells that are shown, but the age, which always changes.
func rowKey(row metav1.TableRow, wide bool) string {
	cells := make([]string, 0, len(row.Cells))
	for i, column := range orderColumns() {
		if column.Name != "Age" && (wide || column.Priority == 0) {
			cells = append(cells, fmt.Sprint(row.Cells[i]))
		}
	}
	return strings.Join(cells, "\x00")
}

// reasonCell says why the order stands where it stands: why it failed, or what it waits for. That it goes on or has
// succeeded needs no reason.
func reasonCell(o order, conditions []metav1.Condition) string {
	if o.suspended() && !o.phase().Terminal() {
		return v1alpha1.ReasonSuspended
	}
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Reason == v1alpha1.ReasonProgressing || ready.Reason == string(o.phase()) {
		return none
	}
	return cmp.Or(ready.Reason, none)
}

func pullRequestCell(pullRequest *v1alpha1.PullRequest) string {
	if pullRequest == nil {
		return none
	}
	return cmp.Or(pullRequest.URL, none)
}

// attemptsCell is the number of the newest attempt.
func attemptsCell(steps []v1alpha1.Step) int64 {
	if len(steps) == 0 {
		return 0
	}
	return int64(steps[len(steps)-1].Attempt)
}

func costCell(usage *v1alpha1.Usage) string {
	if usage == nil || usage.CostUSD == "" {
		return none
	}
	return "$" + usage.CostUSD
}

// age is how long ago a time is, in kubectl's short form.
func age(since metav1.Time, now time.Time) string {
	if since.IsZero() {
		return unknown
	}
	return duration.HumanDuration(now.Sub(since.Time))
}

// orderMessage is the status' message, or what keeps the order from being started.
func orderMessage(o order) string {
	if o.object.Status != nil && o.object.Status.Message != "" {
		return o.object.Status.Message
	}
	if len(o.observation.Invalid) > 0 {
		return o.observation.Invalid[0].String()
	}
	return ""
}

// problemColumns are the columns of the section that shows manifests which cannot be read.
func problemColumns() []metav1.TableColumnDefinition {
	return []metav1.TableColumnDefinition{
		{Name: "Broken manifest", Type: "string"},
		{Name: "Line", Type: "integer"},
		{Name: "Problem", Type: "string"},
	}
}

func problemRow(problem store.FileProblem) metav1.TableRow {
	return metav1.TableRow{Cells: visibleCells([]any{problem.Path, int64(problem.Line), problemText(problem.Field, problem.Message)})}
}

// problemText puts the field before the message.
func problemText(field, message string) string {
	if field == "" {
		return message
	}
	return field + ": " + message
}
