package phase

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/store"
)

const (
	// askInterval is how often is asked whether a phase's limit was changed.
	askInterval = 2 * time.Second
	// agentSlack is what phases with an agent may take beyond their limit: the agent has a watch of its own, which strikes
	// first and knows more.
	agentSlack = 2 * time.Minute
)

// overdue is why the context of a phase ended that took too long.
type overdue struct{ limit time.Duration }

func (o *overdue) Error() string { return fmt.Sprintf("it took longer than %s", o.limit) }

// inTime does a phase within the time that the order gives to one.
func (r *Runner) inTime(ctx context.Context, rec *store.Record, p v1alpha1.Phase, do func(context.Context, *store.Record) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		r.watch(ctx, cancel, rec, p)
	}()
	err := do(ctx, rec)
	late, is := errors.AsType[*overdue](context.Cause(ctx))
	cancel(nil)
	<-watched
	if err != nil && is {
		return tooLate(rec, p, late)
	}
	return err
}

// watch ends a phase that takes too long. The limit may be changed meanwhile.
func (r *Runner) watch(ctx context.Context, cancel context.CancelCauseFunc, rec *store.Record, p v1alpha1.Phase) {
	began := r.Clock.Now()
	now, slack := r.timeoutsNow(rec.ID), slackOf(p)
	for {
		in := askInterval
		if limit, _, known := now(); known && limit > 0 {
			left := limit + slack - r.Clock.Since(began)
			if left <= 0 {
				cancel(&overdue{limit})
				return
			}
			in = min(in, left)
		}
		timer := r.Clock.NewTimer(in)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C():
		}
	}
}

func slackOf(p v1alpha1.Phase) time.Duration {
	if p == v1alpha1.PhasePlanning || p == v1alpha1.PhaseImplementing {
		return agentSlack
	}
	return 0
}

// tooLate is the failure of a phase that took too long. A server may answer the next time; an agent is not paid again for it.
func tooLate(rec *store.Record, p v1alpha1.Phase, late *overdue) error {
	err := fmt.Errorf("%s of order %s did not end within %s: see whether %s answers, or raise spec.timeouts.phase",
		p, rec.Name, late.limit, rec.Spec.Repository.URL)
	if slackOf(p) > 0 {
		return failure.NewTerminal(v1alpha1.ReasonTimeout, err)
	}
	return failure.NewRetry(v1alpha1.ReasonTimeout, err)
}
