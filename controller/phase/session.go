package phase

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/store"
)

// runAgent runs the order's agent for a phase: with a session whose id is recorded before the agent starts, or
// resuming the one that an earlier attempt began. accept takes the agent's report. What the agent used is recorded
// whether it succeeds or not, and with it that it has reported, so that a crash does not run it again.
func (r *Runner) runAgent(
	ctx context.Context, rec *store.Record, p v1alpha1.Phase, prompt func() ([]byte, error), accept func(report string) error,
) (*store.Record, error) {
	a := r.Agents[rec.Spec.AgentType()]
	if a == nil {
		return nil, failure.NewTerminal(v1alpha1.ReasonAgentNotInstalled, fmt.Errorf(
			"order %s wants agent type %q, which this controller does not run", rec.Name, rec.Spec.AgentType()))
	}
	if err := r.confine(rec.ID); err != nil {
		return nil, err
	}
	rec, err := r.beginSession(rec.ID, p)
	if err != nil {
		return nil, err
	}
	task, err := r.task(rec, p, prompt)
	if err != nil {
		return nil, err
	}
	out, runErr := a.Run(ctx, task)
	r.afterAgent(ctx, rec.ID)
	if runErr == nil {
		runErr = accept(out.Text)
	}
	rec, err = r.recordRun(ctx, rec, p, out, runErr == nil)
	return rec, errors.Join(runErr, err)
}

// recordRun writes down what an agent's run used and whether it has reported. An agent that did its work is not run again
// because the disk is full just now.
func (r *Runner) recordRun(
	ctx context.Context, run *store.Record, p v1alpha1.Phase, out agent.Outcome, reported bool,
) (rec *store.Record, err error) {
	tried := false
	err = r.Records.Insist(ctx, run, func() error {
		var err error
		rec, err = r.Records.Update(run.ID, func(rec *store.Record) error {
			// A write that failed at its very end may stand in the record; the agent's process tells.
			if tried && rec.Supervisor == nil {
				return nil
			}
			tried = true
			recordUse(rec, p, out)
			if rec.Confinement != nil {
				r.recordConfinement(rec)
			}
			if reported {
				rec.Reported, rec.Summary = p, cut(out.Text, maxSummary)
			}
			return nil
		})
		return err
	})
	return rec, err
}

// beginSession makes sure that the phase has a session id on record. A plain command knows no sessions.
func (r *Runner) beginSession(id string, p v1alpha1.Phase) (*store.Record, error) {
	return r.Records.Update(id, func(rec *store.Record) error {
		if rec.Spec.AgentType() == v1alpha1.AgentCommand {
			return nil
		}
		if rec.Sessions == nil {
			rec.Sessions = map[v1alpha1.Phase]store.Session{}
		}
		if rec.Sessions[p].ID == "" {
			rec.Sessions[p] = store.Session{ID: r.NewSessionID()}
		}
		return nil
	})
}

func (r *Runner) task(rec *store.Record, p v1alpha1.Phase, prompt func() ([]byte, error)) (agent.Task, error) {
	left, err := r.budgetLeft(rec)
	if err != nil {
		return agent.Task{}, err
	}
	first, err := prompt()
	if err != nil {
		return agent.Task{}, err
	}
	resume, err := r.Prompts.Continue(promptData(rec, ""))
	if err != nil {
		return agent.Task{}, err
	}
	borrowed, err := r.Git.Borrowed(r.workspace(rec))
	if err != nil {
		return agent.Task{}, err
	}
	session := rec.Sessions[p]
	task := agent.Task{
		Name: rec.Name, ID: rec.ID, Phase: p, Attempt: rec.Attempts[p] + 1,
		Prompt: r.redacted(first), Resume: r.redacted(resume), Spec: rec.Spec.Agent, ReadOnly: p == v1alpha1.PhasePlanning,
		Dir: r.Layout.Workspace(rec.ID), Home: r.Layout.AgentHome(rec.ID), TempDir: r.Layout.Temp(rec.ID),
		Borrowed:   borrowed,
		Session:    agent.Session{ID: session.ID, Resume: session.Started},
		BudgetLeft: left,
		Timeouts:   r.timeoutsNow(rec.ID),
		Started:    r.started(rec.ID, p),
		OnSession:  r.renamed(rec.ID, p),
	}
	task.PhaseTimeout, task.IdleTimeout = r.timeouts(rec)
	r.files(&task, rec)
	return task, r.logPrompt(rec, p, task)
}

// timeouts are the limits that the order asks for, or the defaults.
func (r *Runner) timeouts(rec *store.Record) (phase, idle time.Duration) {
	t := rec.Spec.Timeouts
	return t.Phase.Value(r.Settings.PhaseTimeout), t.Idle.Value(r.Settings.IdleTimeout)
}

// timeoutsNow reads the limits anew: they may be changed while an agent runs.
func (r *Runner) timeoutsNow(id string) func() (phase, idle time.Duration, known bool) {
	return func() (phase, idle time.Duration, known bool) {
		rec, err := r.Records.Record(id)
		if err != nil {
			return 0, 0, false
		}
		phase, idle = r.timeouts(rec)
		return phase, idle, true
	}
}

// redacted is a prompt without secrets: what the controller keeps from agents does not reach one by way of a request.
func (r *Runner) redacted(prompt []byte) []byte { return []byte(r.Redact(string(prompt))) }

// started records the process and that the session exists from now on, before the agent gets to work.
func (r *Runner) started(id string, p v1alpha1.Phase) func(process.Identity) error {
	return func(who process.Identity) error {
		_, err := r.Records.Update(id, func(rec *store.Record) error {
			rec.Supervisor = &store.Process{PID: who.PID, StartTime: who.StartTime, BootID: who.BootID}
			r.recordConfinement(rec)
			if s, ok := rec.Sessions[p]; ok {
				s.Started = true
				rec.Sessions[p] = s
			}
			return nil
		})
		return err
	}
}

// renamed records that the agent goes on under another session id.
func (r *Runner) renamed(id string, p v1alpha1.Phase) func(string) error {
	return func(session string) error {
		_, err := r.Records.Update(id, func(rec *store.Record) error {
			rec.Sessions[p] = store.Session{ID: session}
			return nil
		})
		return err
	}
}

func (r *Runner) files(t *agent.Task, rec *store.Record) {
	base := filepath.Join(r.Layout.Transcripts(rec.ID), stepName(rec, t.Phase))
	t.Transcript, t.Stderr = base+".jsonl", base+".stderr"
}

// stepName numbers the files of a step, such as 2-Implementing.
func stepName(rec *store.Record, p v1alpha1.Phase) string {
	return strconv.FormatInt(rec.Begun, 10) + "-" + string(p)
}

func (r *Runner) logPrompt(rec *store.Record, p v1alpha1.Phase, t agent.Task) error {
	if !r.Settings.LogPrompts {
		return nil
	}
	text := t.Prompt
	if t.Session.Resume {
		text = t.Resume
	}
	dir := r.Layout.Prompts(rec.ID)
	file := filepath.Join(dir, stepName(rec, p)+".md")
	// Somebody may have removed it; of the run's directory alone it is not made.
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("writing the prompt of order %s: %w", rec.Name, err)
	}
	if err := store.SaveFile(file, text, 0o600); err != nil {
		return fmt.Errorf("writing the prompt of order %s: %w", rec.Name, err)
	}
	return nil
}

// recordUse adds what an agent's run used. The cost of a session comes cumulated over its resumptions, so only
// its growth counts.
func recordUse(rec *store.Record, p v1alpha1.Phase, out agent.Outcome) {
	rec.Supervisor = nil
	if _, ok := rec.Sessions[p]; !ok {
		rec.Status.Usage = addUsage(rec.Status.Usage, out.Usage, max(out.CostUSD, 0))
		return
	}
	s := rec.Sessions[p]
	if out.SessionID != "" && (out.Fresh || out.SessionID != s.ID) {
		s = store.Session{ID: out.SessionID, Started: true}
	}
	growth := max(out.CostUSD-s.CostUSD, 0)
	s.CostUSD = max(out.CostUSD, s.CostUSD)
	rec.Sessions[p] = s
	rec.Status.Usage = addUsage(rec.Status.Usage, out.Usage, growth)
}

func addUsage(sum *v1alpha1.Usage, u v1alpha1.Usage, cost float64) *v1alpha1.Usage {
	if u == (v1alpha1.Usage{}) && cost == 0 {
		return sum
	}
	total := v1alpha1.Usage{}
	if sum != nil {
		total = *sum
	}
	total.InputTokens += u.InputTokens
	total.OutputTokens += u.OutputTokens
	total.CacheReadTokens += u.CacheReadTokens
	total.CacheWriteTokens += u.CacheWriteTokens
	total.Turns += u.Turns
	if cost > 0 || total.CostUSD != "" {
		total.CostUSD = strconv.FormatFloat(spent(&total)+cost, 'f', 4, 64)
	}
	return &total
}

// spent is what the run has cost so far, in US dollars.
func spent(u *v1alpha1.Usage) float64 {
	if u == nil || u.CostUSD == "" {
		return 0
	}
	v, err := strconv.ParseFloat(u.CostUSD, 64)
	if err != nil {
		return 0
	}
	return v
}

// budget is what a run may cost in US dollars: what the order asks for or the default, at most the controller's
// maximum; 0 without any limit.
func (r *Runner) budget(rec *store.Record) (float64, error) {
	budget := r.Settings.DefaultBudgetUSD
	if b := rec.Spec.Agent.MaxBudgetUSD; b != nil {
		var err error
		if budget, err = strconv.ParseFloat(b.String(), 64); err != nil {
			return 0, failure.NewTerminal(v1alpha1.ReasonInvalidSpec, fmt.Errorf("spec.agent.maxBudgetUSD %q: %w", b.String(), err))
		}
	}
	if most := r.Settings.MaxBudgetUSD; most > 0 && (budget == 0 || budget > most) {
		budget = most
	}
	return budget, nil
}

// budgetLeft returns what the budget leaves for this call, empty without a budget.
func (r *Runner) budgetLeft(rec *store.Record) (string, error) {
	budget, err := r.budget(rec)
	if err != nil || budget == 0 {
		return "", err
	}
	left := budget - spent(rec.Status.Usage)
	if left < 0.0001 {
		return "", failure.NewTerminal(v1alpha1.ReasonBudgetExceeded, fmt.Errorf(
			"order %s has spent $%s of its $%s; raise spec.agent.maxBudgetUSD, within the controller's --max-budget-usd, and run `awo retry %s`",
			rec.Name, rec.Status.Usage.CostUSD, strconv.FormatFloat(budget, 'f', -1, 64), rec.Name))
	}
	return strconv.FormatFloat(left, 'f', 4, 64), nil
}
