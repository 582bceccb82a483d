package workorder

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/store"
)

// stopped is why a phase's context ended before the controller's.
type stopped struct{ why Why }

func (s *stopped) Error() string { return "stopped to " + string(s.why) }

// RunStopped makes it a store.RunStopped.
func (s *stopped) RunStopped() {}

var _ store.RunStopped = (*stopped)(nil)

// activity is a phase or a clean-up under way. A clean-up is not stopped for anything but the controller's end: it
// is what a stop leads to.
type activity struct {
	cancel context.CancelCauseFunc
	phase  bool
}

// cleanUpsAtOnce is how many clean-ups run at a time. Each starts git a few times, and hundreds of orders may end or be
// deleted in one moment. Phases have their slots.
const cleanUpsAtOnce = 4

// activities knows what is under way beside Reconcile: at most one phase or clean-up for an order.
type activities struct {
	mu    sync.Mutex
	under map[string]activity
	group sync.WaitGroup
	// cleaning has a token for each clean-up that has its turn. None waits for another one while it has it.
	cleaning chan struct{}
	// closed says that nothing more begins: whoever waits for the end of everything must not be overtaken.
	closed bool
}

func newActivities() *activities {
	return &activities{under: map[string]activity{}, cleaning: make(chan struct{}, cleanUpsAtOnce)}
}

func (a *activities) busy(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, busy := a.under[name]
	return busy
}

// stop ends an order's phase.
func (a *activities) stop(name string, why Why) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if x := a.under[name]; x.phase {
		x.cancel(&stopped{why})
	}
}

// run does something beside the caller, until it ends or is stopped, and calls after when the order is not busy
// any more. A clean-up waits for its turn, and is not done if the controller stops before. After close nothing is done.
func (a *activities) run(ctx context.Context, name string, phase bool, do func(context.Context), after func()) {
	if !phase {
		do = a.inTurn(do)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	ctx, cancel := context.WithCancelCause(ctx)
	a.under[name] = activity{cancel, phase}
	a.group.Go(func() {
		defer after()
		defer a.forget(name)
		defer cancel(nil)
		do(ctx)
	})
}

// inTurn does something when fewer than all turns are taken.
func (a *activities) inTurn(do func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		select {
		case a.cleaning <- struct{}{}:
			defer func() { <-a.cleaning }()
			do(ctx)
		case <-ctx.Done():
		}
	}
}

// close lets nothing more begin, and returns when what is under way has ended.
func (a *activities) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.group.Wait()
}

func (a *activities) forget(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.under, name)
}

// Running returns how many orders have a phase under way.
func (r *Reconciler) Running() int { return r.slots.Held() }

// Wait returns when everything under way has ended and is recorded, or after the limit with false. The context
// that Reconcile got must have ended before. A look that is still under way begins nothing any more: its record says that
// a phase runs, and the next start takes that for interrupted.
func (r *Reconciler) Wait(limit time.Duration) bool {
	done := make(chan struct{})
	go func() {
		r.under.close()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-r.Clock.After(limit):
		return false
	}
}

// begin records that the phase which is due starts, and starts it.
func (r *Reconciler) begin(ctx context.Context, s Situation, a Action) error {
	select {
	case <-ctx.Done():
		// The controller is stopping; the next one begins it.
		return nil
	default:
	}
	name, p := s.Record.Name, a.Phase
	r.slots.Take(name)
	rec, err := r.Store.Update(s.Record.ID, func(rec *store.Record) error {
		begin(rec, p, r.Clock.Now())
		r.show(rec, s, a)
		return nil
	})
	if err != nil {
		r.slots.Leave(name)
		return err
	}
	logr.FromContextOrDiscard(ctx).Info("Phase started", "id", rec.ID, "phase", p, "attempt", rec.Attempts[p]+1)
	r.tell(ctx, rec.ID, store.Event{
		Type: store.Normal, Reason: "Started", Message: fmt.Sprintf("%s (attempt %d)", p, rec.Attempts[p]+1),
	})
	r.beside(ctx, rec, true, func(ctx context.Context, rec *store.Record) error {
		return r.work(ctx, rec, p)
	})
	return nil
}

// beside does something for an order beside Reconcile, which looks at the order again when it has ended: at
// once, or a while after a failure.
func (r *Reconciler) beside(ctx context.Context, rec *store.Record, phase bool, do func(context.Context, *store.Record) error) {
	var again time.Duration
	r.under.run(ctx, rec.Name, phase, func(ctx context.Context) {
		if err := guarded(ctx, rec, v1alpha1.ReasonAgentFailed, do); err != nil {
			logr.FromContextOrDiscard(ctx).Error(err, "Not done, tried again later", "id", rec.ID)
			again = 10 * time.Second
		}
	}, func() { r.Enqueue(rec.Name, again) })
}

// work runs a phase to its end and records how it ended.
func (r *Reconciler) work(ctx context.Context, rec *store.Record, p v1alpha1.Phase) error {
	err := guarded(ctx, rec, fallbackReason(p), func(ctx context.Context, rec *store.Record) error {
		return r.Phases.Run(ctx, rec, p)
	})
	if err != nil {
		err = &discreet{err, r.Redact(err.Error())}
	}
	run := rec
	rec, updateErr := r.insist(ctx, run, func(rec *store.Record) error {
		// A write that failed at its very end may stand in the record: the attempt is settled once.
		if rec.Running == p {
			r.notePrompts(rec)
			settle(rec, p, err, r.Clock.Now(), r.Backoff)
		}
		return nil
	})
	if errors.Is(updateErr, store.ErrLost) {
		logr.FromContextOrDiscard(ctx).Info("Record is damaged or gone, so the end of a phase is not in it", "id", run.ID)
		return nil
	}
	if updateErr != nil {
		return updateErr
	}
	r.report(ctx, rec, p, err)
	return nil
}

// discreet is an error whose text has lost its secrets. What it wraps still tells its policy.
type discreet struct {
	err  error
	text string
}

func (d *discreet) Error() string { return d.text }
func (d *discreet) Unwrap() error { return d.err }

// insist records an outcome, which must not be forgotten.
func (r *Reconciler) insist(ctx context.Context, run *store.Record, change func(*store.Record) error) (rec *store.Record, err error) {
	err = r.Store.Insist(ctx, run, func() error {
		var err error
		rec, err = r.Store.Update(run.ID, change)
		return err
	})
	return rec, err
}

// guarded turns a panic into a terminal failure, so that one order cannot end the controller.
func guarded(ctx context.Context, rec *store.Record, reason string, do func(context.Context, *store.Record) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = failure.NewTerminal(reason, fmt.Errorf("panic: %v; please report this", v))
		}
	}()
	return do(ctx, rec)
}

func (r *Reconciler) notePrompts(rec *store.Record) {
	rec.PromptProblem = ""
	if err := r.Phases.PromptProblem(); err != nil {
		rec.PromptProblem = err.Error()
	}
}
