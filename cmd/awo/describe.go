package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

func newDescribeCommand(global *globalOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "describe NAME...",
		Short: "Show an order with its conditions, steps and events",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := requireNames(cmd, args)
			if err != nil {
				return err
			}
			return global.describe(cmd.Context(), names)
		},
		ValidArgsFunction: global.completeNames,
	}
}

// describe prints the orders one after the other, with two empty lines between, as kubectl does.
func (g *globalOptions) describe(ctx context.Context, names []string) error {
	s, err := g.openStore(ctx)
	if err != nil {
		return err
	}
	var failures []error
	separator := ""
	for _, name := range names {
		text, err := g.describeOne(s, name)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if _, err := io.WriteString(g.streams.Out, separator+text); err != nil {
			return err
		}
		separator = "\n\n"
	}
	return errors.Join(failures...)
}

func (g *globalOptions) describeOne(s *store.Store, name string) (string, error) {
	found, err := loadOrder(s, name, g.namespace)
	if err != nil {
		return "", unreadable(err, name, problemsOf(s, name))
	}
	var events []store.Event
	if found.record != nil {
		if events, err = s.Events(found.record.ID); err != nil {
			return "", fmt.Errorf("read the events of %s: %w", name, err)
		}
	}
	d := newDescription(g.clock.Now())
	d.metadata(found)
	d.problems(problemsOf(s, name), found.observation.Invalid)
	d.spec(&found.object.Spec)
	if found.object.Status != nil {
		d.status(found.object.Status)
	}
	d.events(events)
	return d.text(), nil
}

// description collects the text. What does not show in values is written out: much of them strangers wrote.
type description struct {
	now    time.Time
	buffer *bytes.Buffer
	tabs   tabbed
}

func newDescription(now time.Time) *description {
	buffer := &bytes.Buffer{}
	return &description{now: now, buffer: buffer, tabs: printers.GetNewTabWriter(buffer)}
}

// line writes a line of cells, indented by level. No cell has a column of its own inside.
func (d *description) line(level int, cells ...string) {
	for i := range cells {
		cells[i] = v1alpha1.Visible(cells[i])
	}
	// A buffer takes all writes.
	_, _ = io.WriteString(d.tabs, strings.Repeat("  ", level)+strings.Join(cells, "\t")+"\n")
}

// field writes a name and its value below a heading, nothing when there is no value.
func (d *description) field(name, value string) {
	if value != "" {
		d.line(1, name+":", strings.ReplaceAll(value, "\n", " "))
	}
}

// align ends a block, so that the next one has columns of its own.
func (d *description) align() {
	_ = d.tabs.Flush() // a buffer takes all writes
	d.tabs = printers.GetNewTabWriter(d.buffer)
}

func (d *description) text() string {
	d.align()
	return d.buffer.String()
}

func (d *description) metadata(o order) {
	d.line(0, "Name:", o.name)
	d.line(0, "Namespace:", o.object.Namespace)
	d.pairs("Labels", o.object.Labels)
	d.pairs("Annotations", o.object.Annotations)
	d.line(0, "API Version:", o.object.APIVersion)
	d.line(0, "Kind:", o.object.Kind)
	if created := o.object.CreationTimestamp; !created.IsZero() {
		d.line(0, "Created:", fmt.Sprintf("%s (%s ago)", created.UTC().Format(time.RFC3339), age(created, d.now)))
	}
	d.line(0, "Manifest:", manifestPlace(o))
	d.align()
}

// manifestPlace says where the manifest is, or that it is not there.
func manifestPlace(o order) string {
	if o.observation.Object == nil {
		return "missing; it was at workorders/" + o.record.Path
	}
	place := "workorders/" + o.observation.Path
	if o.observation.Document > 0 {
		place += fmt.Sprintf(" (document %d)", o.observation.Document+1)
	}
	if o.observation.Stale {
		place += " (broken now; this is its last good state)"
	}
	return place
}

// pairs writes labels or annotations, one a line.
func (d *description) pairs(name string, values map[string]string) {
	if len(values) == 0 {
		d.line(0, name+":", none)
		return
	}
	first := name + ":"
	for _, key := range slices.Sorted(maps.Keys(values)) {
		d.line(0, first, key+"="+strings.ReplaceAll(values[key], "\n", " "))
		first = ""
	}
}

// problems shows what is wrong with the manifest.
func (d *description) problems(broken []store.FileProblem, invalid []manifest.Problem) {
	if len(broken)+len(invalid) == 0 {
		return
	}
	d.line(0, "Problems:")
	for _, problem := range broken {
		d.line(1, problemLine(problem))
	}
	for _, problem := range invalid {
		d.line(1, problem.String())
	}
	d.align()
}

// spec shows what was asked for.
func (d *description) spec(spec *v1alpha1.WorkOrderSpec) {
	d.line(0, "Spec:")
	d.field("Repository", spec.Repository.URL)
	d.field("Base Branch", cmp.Or(spec.Repository.BaseBranch, "the remote's HEAD"))
	d.field("Branch", spec.Repository.Branch)
	d.field("Clone", string(spec.Repository.Clone))
	d.field("Phases", joinPhases(spec.Sequence()))
	d.field("Agent", agentText(spec))
	d.field("Pull Request", pullRequestText(spec.PullRequest))
	d.field("Timeouts", timeoutsText(spec.Timeouts))
	d.field("Retry Limit", fmt.Sprint(spec.Retries()))
	if spec.Suspend {
		d.field("Suspend", "true")
	}
	if spec.Cancel {
		d.field("Cancel", "true")
	}
	d.align()
	d.line(1, "Request:")
	for _, line := range requestLines(spec.Request) {
		d.line(2, line)
	}
	d.align()
}

// maxRequestLines is how much of a request is shown.
const maxRequestLines = 20

// requestLines returns the beginning of the request, without tabs, which would be columns here.
func requestLines(request string) []string {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(request, "\t", "    "), "\n"), "\n")
	if len(lines) <= maxRequestLines {
		return lines
	}
	return append(lines[:maxRequestLines:maxRequestLines], fmt.Sprintf("... (%d more lines)", len(lines)-maxRequestLines))
}

func joinPhases(phases []v1alpha1.Phase) string {
	names := make([]string, 0, len(phases))
	for _, phase := range phases {
		names = append(names, string(phase))
	}
	return strings.Join(names, ", ")
}

// events shows what happened.
func (d *description) events(events []store.Event) {
	if len(events) == 0 {
		d.line(0, "Events:", none)
		return
	}
	d.line(0, "Events:")
	d.line(1, "Type", "Reason", "Age", "Message")
	d.line(1, "----", "------", "---", "-------")
	for _, event := range events {
		d.line(1, string(event.Type), event.Reason, age(metav1.NewTime(event.Time), d.now), oneLine(event.Message))
	}
}

// oneLine keeps a message from breaking the columns.
func oneLine(message string) string { return strings.Join(strings.Fields(message), " ") }
