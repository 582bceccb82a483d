package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// agentText describes the agent on one line.
func agentText(spec *v1alpha1.WorkOrderSpec) string {
	agent := spec.Agent
	parts := []string{string(spec.AgentType())}
	if agent.Model != "" {
		parts = append(parts, "model "+agent.Model)
	}
	if agent.MaxTurns != nil {
		parts = append(parts, fmt.Sprintf("at most %d turns", *agent.MaxTurns))
	}
	if agent.MaxBudgetUSD != nil {
		parts = append(parts, "at most $"+agent.MaxBudgetUSD.String())
	}
	if len(agent.Command) > 0 {
		parts = append(parts, fmt.Sprintf("%q", agent.Command))
	}
	return strings.Join(parts, ", ")
}

// pullRequestText describes how the pull request is opened, empty when nothing is asked for.
func pullRequestText(pr v1alpha1.PullRequestSpec) string {
	var parts []string
	if pr.Draft {
		parts = append(parts, "draft")
	}
	if pr.Title != "" {
		parts = append(parts, fmt.Sprintf("title %q", pr.Title))
	}
	if len(pr.Labels) > 0 {
		parts = append(parts, "labels "+strings.Join(pr.Labels, ","))
	}
	if len(pr.Reviewers) > 0 {
		parts = append(parts, "reviewers "+strings.Join(pr.Reviewers, ","))
	}
	return strings.Join(parts, "; ")
}

func timeoutsText(timeouts v1alpha1.Timeouts) string {
	var parts []string
	if timeouts.Phase != "" {
		parts = append(parts, "phase "+string(timeouts.Phase))
	}
	if timeouts.Idle != "" {
		parts = append(parts, "idle "+string(timeouts.Idle))
	}
	return strings.Join(parts, ", ")
}

// status shows where the order stands.
func (d *description) status(status *v1alpha1.WorkOrderStatus) {
	d.line(0, "Status:")
	d.field("Phase", string(status.Phase))
	d.field("Message", status.Message)
	d.field("ID", status.ID)
	d.field("Observed Generation", fmt.Sprint(status.ObservedGeneration))
	d.field("Branch", status.Branch)
	d.field("Base", strings.TrimSpace(status.BaseBranch+" "+status.BaseCommit))
	d.field("Head", status.HeadCommit)
	if c := status.Changes; c != nil {
		d.field("Changes", fmt.Sprintf("%d commits, %d files, +%d -%d", c.Commits, c.Files, c.Additions, c.Deletions))
	}
	if status.PullRequest != nil {
		d.field("Pull Request", status.PullRequest.URL)
	}
	d.field("Usage", usageText(status.Usage))
	if status.NextAttemptAt != nil {
		d.field("Next Attempt", status.NextAttemptAt.UTC().Format(time.RFC3339))
	}
	d.align()
	d.conditions(status.Conditions)
	d.steps(status.Steps)
}

func usageText(usage *v1alpha1.Usage) string {
	if usage == nil {
		return ""
	}
	text := fmt.Sprintf("%d turns, %d tokens in, %d out, %d read from and %d written to the cache", usage.Turns,
		usage.InputTokens, usage.OutputTokens, usage.CacheReadTokens, usage.CacheWriteTokens)
	if usage.CostUSD != "" {
		text = "$" + usage.CostUSD + ", " + text
	}
	return text
}

func (d *description) conditions(conditions []metav1.Condition) {
	if len(conditions) == 0 {
		return
	}
	d.line(0, "Conditions:")
	d.line(1, "Type", "Status", "Reason", "Age", "Message")
	d.line(1, "----", "------", "------", "---", "-------")
	for _, c := range conditions {
		d.line(1, c.Type, string(c.Status), c.Reason, age(c.LastTransitionTime, d.now), oneLine(c.Message))
	}
	d.align()
}

func (d *description) steps(steps []v1alpha1.Step) {
	if len(steps) == 0 {
		return
	}
	d.line(0, "Steps:")
	d.line(1, "Phase", "Attempt", "Started", "Duration", "Outcome", "Message")
	d.line(1, "-----", "-------", "-------", "--------", "-------", "-------")
	for i := range steps {
		d.line(1, stepCells(&steps[i], d.now)...)
	}
	d.align()
}

func stepCells(step *v1alpha1.Step, now time.Time) []string {
	end := now
	if step.FinishedAt != nil {
		end = step.FinishedAt.Time
	}
	message := step.Message
	if step.Reason != "" {
		message = strings.TrimSuffix(step.Reason+": "+message, ": ")
	}
	return []string{
		string(step.Phase), fmt.Sprint(step.Attempt), step.StartedAt.UTC().Format(time.RFC3339),
		duration.HumanDuration(end.Sub(step.StartedAt.Time)), cmp.Or(string(step.Outcome), "Running"), oneLine(message),
	}
}
