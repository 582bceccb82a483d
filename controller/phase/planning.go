package phase

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/store"
)

// planning has the agent plan the request. The result becomes plan.md; whatever the agent did to the work tree
// is undone.
func (r *Runner) planning(ctx context.Context, rec *store.Record) error {
	rec, err := r.readyWorkspace(ctx, rec)
	if err != nil {
		return err
	}
	if rec.Reported != v1alpha1.PhasePlanning {
		if rec, err = r.plan(ctx, rec); err != nil {
			return err
		}
	}
	if err := r.Git.Reset(ctx, r.workspace(rec)); err != nil {
		return fmt.Errorf("resetting the workspace after planning: %w", err)
	}
	return nil
}

func (r *Runner) plan(ctx context.Context, rec *store.Record) (*store.Record, error) {
	prompt := func() ([]byte, error) {
		return r.Prompts.Planning(promptData(rec, ""))
	}
	return r.runAgent(ctx, rec, v1alpha1.PhasePlanning, prompt, func(text string) error {
		text, err := planText(rec, text)
		if err != nil {
			return err
		}
		if err := r.writePlan(ctx, rec, text); err != nil {
			return fmt.Errorf("writing the plan of order %s: %w", rec.Name, err)
		}
		return nil
	})
}

// writePlan waits for room on a full disk: the plan was paid for.
func (r *Runner) writePlan(ctx context.Context, rec *store.Record, text string) error {
	var failed error
	err := r.Records.Insist(ctx, rec, func() error {
		failed = store.WriteFile(r.Layout.Plan(rec.ID), []byte(text), 0o600)
		if errors.Is(failed, syscall.ENOSPC) || errors.Is(failed, syscall.EDQUOT) {
			return failed
		}
		return nil
	})
	if err != nil {
		return err
	}
	return failed
}

// planText is what becomes plan.md. A program need not plan, a coding agent must.
func planText(rec *store.Record, text string) (string, error) {
	if strings.TrimSpace(text) != "" {
		return strings.TrimRight(text, "\n") + "\n", nil
	}
	if rec.Spec.AgentType() == v1alpha1.AgentCommand {
		return "The command printed no plan.\n", nil
	}
	return "", failure.NewRetry(v1alpha1.ReasonAgentFailed, fmt.Errorf(
		"the agent ended planning of order %s without a plan; see `awo logs %s`", rec.Name, rec.Name))
}

// maxSummary bounds what the record keeps of the agent's report, in bytes.
const maxSummary = 16 << 10

// cut bounds a text at a rune boundary and marks the cut.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "\n[cut]"
}
