// Package workorder decides what happens to a WorkOrder. A key comes off a queue, Reconcile reads manifest and
// record afresh, Decide names the one next act, and the act is done or begun. Nothing depends on which event
// came, and phases run beside it.
package workorder

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// Store is what the reconciler needs of manifests and records.
type Store interface {
	Lookup(name string) store.Observation
	Current(name string) (*store.Record, error)
	Runs(name string) ([]*store.Record, error)
	NewID() (string, error)
	Create(r *store.Record) error
	Update(id string, change func(*store.Record) error) (*store.Record, error)
	Insist(ctx context.Context, run *store.Record, write func() error) error
	Project(r *store.Record) (store.Projection, error)
	Event(id string, e store.Event) error
	ClearTombstone(name string) error
}

// Phases does the work of a phase, and what is left to do after a run.
type Phases interface {
	Run(ctx context.Context, r *store.Record, p v1alpha1.Phase) error
	PromptProblem() error
	Preserve(ctx context.Context, r *store.Record) error
	RemoveHome(r *store.Record) error
	RemoveTranscripts(r *store.Record) error
	RemoveWorkspace(ctx context.Context, r *store.Record) error
}

// Options configure a Reconciler. All fields but KeepTranscripts, Room and Forbids are required.
type Options struct {
	Store  Store
	Phases Phases
	Clock  clock.WithTicker
	// MaxConcurrent is how many orders may have a phase under way.
	MaxConcurrent int
	Backoff       Backoff
	// KeepTranscripts keeps what agents print after the end of a run.
	KeepTranscripts bool
	// Room says what the disk lacks for another phase to start; empty when there is room. Default: there always is.
	Room func(ctx context.Context) string
	// Forbids says what a spec asks for that the controller does not allow. Default: nothing.
	Forbids func(spec *v1alpha1.WorkOrderSpec) []string
	// Redact takes secrets out of what a failure says before it is recorded, told and logged.
	Redact func(text string) string
	// NewUID returns a fresh UUID for an order.
	NewUID func() string
	// Enqueue asks for another look at an order, after a while.
	Enqueue func(name string, after time.Duration)
}

// Reconciler drives orders to their end.
type Reconciler struct {
	Options
	slots *Slots
	under *activities
	shown lastShown
}

// New makes a Reconciler.
func New(o Options) *Reconciler {
	if o.Room == nil {
		o.Room = func(context.Context) string { return "" }
	}
	if o.Forbids == nil {
		o.Forbids = func(*v1alpha1.WorkOrderSpec) []string { return nil }
	}
	r := &Reconciler{Options: o, under: newActivities(), shown: lastShown{at: map[string]time.Time{}}}
	r.slots = NewSlots(o.MaxConcurrent, func(name string) { o.Enqueue(name, 0) })
	return r
}

// quietBetween is how long the status in a manifest stays as it is, at least, while the order is under way: a person
// reads no faster, and an editor that has the file open is disturbed less. An end is shown at once.
const quietBetween = 200 * time.Millisecond

// busyDelay is how long to leave a manifest alone that somebody is writing just now.
const busyDelay = 100 * time.Millisecond

// maxActs bounds the acts of one look; no chain of acts is this long.
const maxActs = 20

// Reconcile brings one order a step further. It is quick: phases and clean-ups run beside it and ask for
// another look when they end. It is called for one name at a time.
func (r *Reconciler) Reconcile(ctx context.Context, name string) (reconcile.Result, error) {
	log := logr.FromContextOrDiscard(ctx).WithValues("workOrder", name)
	ctx = logr.NewContext(ctx, log)
	for range maxActs {
		s, err := r.look(ctx, name)
		if _, quarantined := errors.AsType[*store.QuarantineError](err); quarantined {
			return r.rest(name), nil
		}
		if err != nil {
			r.giveWay(name)
			return reconcile.Result{}, err
		}
		action := Decide(s)
		if action.Kind != Nothing {
			log.V(1).Info("Decided", "action", action.Kind, "phase", action.Phase)
		}
		again, err := r.act(ctx, name, s, action)
		if err != nil {
			return reconcile.Result{}, fmt.Errorf("order %s: %s: %w", name, action.Kind, err)
		}
		if !again {
			return r.conclude(name, s, action)
		}
	}
	return reconcile.Result{}, fmt.Errorf("order %s: no rest after %d acts; please report this", name, maxActs)
}

// restDelay is when to look again at an order in quarantine: no event tells that its record was restored.
const restDelay = 10 * time.Second

// rest leaves an order in quarantine alone. What is under way is stopped: its record can neither say what became of it
// nor, from then on, that it was cancelled or deleted.
func (r *Reconciler) rest(name string) reconcile.Result {
	r.under.stop(name, ForQuarantine)
	r.giveWay(name)
	return reconcile.Result{RequeueAfter: restDelay}
}

// giveWay lets others pass an order that cannot be looked at.
func (r *Reconciler) giveWay(name string) {
	if !r.under.busy(name) {
		r.slots.Leave(name)
	}
}

// conclude writes the status once and says when to look again.
func (r *Reconciler) conclude(name string, s Situation, a Action) (reconcile.Result, error) {
	later, err := r.writeStatus(name, s, a)
	if errors.Is(err, store.ErrBusy) {
		later, err = busyDelay, nil
	}
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("order %s: writing status: %w", name, err)
	}
	return reconcile.Result{RequeueAfter: soonest(later, a.At, r.Clock.Now())}, nil
}

// soonest is the delay to the next look that is due by itself: after a while, at a time, or never (0 and 0).
func soonest(after time.Duration, at, now time.Time) time.Duration {
	if at.IsZero() {
		return after
	}
	until := max(at.Sub(now), time.Millisecond)
	if after > 0 {
		return min(after, until)
	}
	return until
}

// look reads everything fresh.
func (r *Reconciler) look(ctx context.Context, name string) (Situation, error) {
	// Who is busy may end before the record is read, and is then looked at again. The other way round a phase would seem to
	// have been left by a controller that died.
	s := Situation{Now: r.Clock.Now(), Seen: r.Store.Lookup(name), Busy: r.under.busy(name)}
	var err error
	if s.Record, err = r.Store.Current(name); err != nil {
		return s, err
	}
	s.Slot, s.Short = r.slots.Available(name), r.Room(ctx)
	if s.Record != nil && !s.Busy && (s.Record.End == nil || untouched(s.Record)) {
		s.Forbidden = r.Forbids(&s.Record.Spec)
	}
	if s.Record != nil && s.Seen.Object != nil && startsOver(s) {
		s.Runs, err = r.Store.Runs(name)
	}
	return s, err
}

// startsOver tells that a decision may need the earlier runs, which are not read otherwise.
func startsOver(s Situation) bool {
	ended := s.Record.End != nil || untouched(s.Record)
	return s.Record.Deleted || ended && s.Record.SpecHash != s.Seen.Object.Spec.SpecHash()
}
