package phase

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/store"
)

// askInterval is how often is asked whether a phase's limit was changed.
const askInterval = 2 * time.Second

// overdue is why the context of a phase ended that took too long.
type overdue struct{ limit time.Duration }

func (o *overdue) Error() string { return fmt.Sprintf("it took longer than %s", o.limit) }

// inTime makes a phase end within the time that the order gives to one. It is for phases without an agent: that has a watch
// of its own, and what it has done is not thrown away because the rest takes long.
func (r *Runner) inTime(p v1alpha1.Phase, do func(context.Context, *store.Record) error) func(context.Context, *store.Record) error {
	return func(ctx context.Context, rec *store.Record) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		go r.watch(ctx, cancel, rec)
		err := do(git.Patient(ctx), rec)
		late, is := errors.AsType[*overdue](context.Cause(ctx))
		if err == nil || !is || failure.Of(err, "").Policy != failure.Interrupted {
			return err
		}
		return failure.NewRetry(v1alpha1.ReasonTimeout, fmt.Errorf(
			"%s of order %s did not end within %s: see whether %s answers, or raise spec.timeouts.phase", p, rec.Name, late.limit, rec.Spec.Repository.URL))
	}
}

// watch ends a phase that takes too long. The limit may be changed meanwhile; while nobody knows, the last one holds.
func (r *Runner) watch(ctx context.Context, cancel context.CancelCauseFunc, rec *store.Record) {
	began, now := r.Clock.Now(), r.timeoutsNow(rec.ID)
	limit, _ := r.timeouts(rec)
	for {
		if changed, _, known := now(); known {
			limit = changed
		}
		left := limit - r.Clock.Since(began)
		if left <= 0 {
			cancel(&overdue{limit})
			return
		}
		timer := r.Clock.NewTimer(min(left, askInterval))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C():
		}
	}
}
