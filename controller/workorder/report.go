package workorder

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/store"
)

// tell adds to the events of a run. They are a tale: what cannot be told must not keep anything from being done.
func (r *Reconciler) tell(ctx context.Context, id string, e store.Event) {
	if err := r.Store.Event(id, e); err != nil {
		logr.FromContextOrDiscard(ctx).Error(err, "Event not written", "id", id)
	}
}

// report tells log and events how an attempt of a phase ended.
func (r *Reconciler) report(ctx context.Context, rec *store.Record, p v1alpha1.Phase, err error) {
	log := logr.FromContextOrDiscard(ctx).WithValues("id", rec.ID, "phase", p)
	if err == nil {
		log.Info("Phase succeeded")
		r.tell(ctx, rec.ID, store.Event{Type: store.Normal, Reason: "Succeeded", Message: string(p)})
		return
	}
	f := failureOf(err, p, r.Clock.Now())
	e := store.Event{Type: store.Warning, Reason: f.Reason, Message: fmt.Sprintf("%s: %s", p, cutMessage(f.Error()))}
	if f.Policy == failure.Interrupted {
		log.Info("Phase interrupted", "cause", f.Error())
		e.Type = store.Normal
	} else {
		log.Info("Phase failed", "reason", f.Reason, "message", f.Error(), "end", rec.End != nil)
	}
	r.tell(ctx, rec.ID, e)
}

// announce tells log and events of a change of the record that people want to know of.
func (r *Reconciler) announce(ctx context.Context, rec *store.Record, a Action) error {
	log := logr.FromContextOrDiscard(ctx).WithValues("id", rec.ID)
	e := store.Event{Type: store.Normal, Reason: string(a.Kind)}
	switch a.Kind {
	case Finish:
		log.Info("Order ended", "phase", rec.End.Phase, "reason", rec.End.Reason, "message", rec.End.Message)
		e.Reason, e.Message = string(rec.End.Phase), rec.End.Message
		if rec.End.Phase == v1alpha1.PhaseFailed {
			e.Type, e.Reason = store.Warning, rec.End.Reason
		}
	case Retry:
		log.Info("Order is retried", "phase", NextPhase(rec))
		e.Message = fmt.Sprintf("%s starts again", NextPhase(rec))
	case Interrupt:
		log.Info("Order is resumed", "phase", NextPhase(rec))
		e.Reason, e.Message = v1alpha1.ReasonInterrupted, fmt.Sprintf("the controller ended during %s, which is resumed", NextPhase(rec))
	case Observe, Reopen:
		e.Message = fmt.Sprintf("generation %d of the spec", rec.Status.ObservedGeneration)
	default:
		return nil
	}
	return r.Store.Event(rec.ID, e)
}

// writeStatus works out the status of the order as it is now and shows it in the manifest, where it may stand. later
// is when to show what is held back for now; 0: nothing is.
func (r *Reconciler) writeStatus(name string, s Situation, a Action) (later time.Duration, err error) {
	rec, err := r.fresh(name, s, a)
	if err != nil || rec == nil || rec.Deleted {
		r.shown.forget(name)
		return 0, err
	}
	if rec, err = r.derive(rec, s, a); err != nil {
		return 0, err
	}
	if rec.End != nil {
		r.shown.forget(name)
	} else if wait := r.shown.wait(name, r.Clock.Now()); wait > 0 {
		return wait, nil
	}
	shown, err := r.Store.Project(rec)
	if err != nil {
		return 0, err
	}
	if shown.Written && rec.End == nil {
		r.shown.note(name, r.Clock.Now())
	}
	if note := noteOf(shown); !shown.Skipped && !sameNote(note, rec.StatusKeptOut) {
		err = r.noteKeptOut(rec, note, s, a)
	}
	return keptOutDelay(rec, shown.KeptOut), err
}

// keptOutDelay is when to look again whether a status may stand in its manifest: no event tells that a directory can
// be written to again. There may be thousands of orders that have ended, so they take their time.
func keptOutDelay(rec *store.Record, reason string) time.Duration {
	switch {
	case reason != v1alpha1.ReasonReadOnly && reason != v1alpha1.ReasonNotWritable:
		return 0
	case rec.End != nil:
		return 30 * time.Minute
	}
	return 30 * time.Second
}

// fresh is the record after the act: the one that was decided on where nothing was done.
func (r *Reconciler) fresh(name string, s Situation, a Action) (*store.Record, error) {
	if a.Kind == Nothing {
		return s.Record, nil
	}
	return r.Store.Current(name)
}

// derive works the status out anew and returns the record with it, which is read again and written only if that changes
// it.
func (r *Reconciler) derive(rec *store.Record, s Situation, a Action) (*store.Record, error) {
	before := *rec
	before.Status = *rec.Status.DeepCopy()
	if r.show(rec, s, a); reflect.DeepEqual(before, *rec) {
		return rec, nil
	}
	return r.Store.Update(rec.ID, func(rec *store.Record) error {
		r.show(rec, s, a)
		return nil
	})
}

// show works out what a record's status says in a situation in which an act was chosen.
func (r *Reconciler) show(rec *store.Record, s Situation, a Action) {
	v := View{Now: r.Clock.Now(), Queued: a.Kind == Queue}
	if a.Kind == WaitForRoom {
		v.Short = s.Short
	}
	if o := s.Seen.Object; o != nil {
		v.Refused = refused(rec, &o.Spec)
		for _, p := range s.Seen.Invalid {
			v.Invalid = append(v.Invalid, p.String())
		}
	}
	if s.Seen.Path != "" {
		rec.Path, rec.Document = s.Seen.Path, s.Seen.Document
	}
	project(rec, v)
}

// noteKeptOut records why the status is not in the manifest, or that it may be again, and then shows it.
func (r *Reconciler) noteKeptOut(rec *store.Record, note *store.Note, s Situation, a Action) error {
	rec, err := r.Store.Update(rec.ID, func(rec *store.Record) error {
		rec.StatusKeptOut = note
		r.show(rec, s, a)
		return nil
	})
	if err != nil {
		return err
	}
	_, err = r.Store.Project(rec)
	return err
}

func noteOf(p store.Projection) *store.Note {
	if p.KeptOut == "" {
		return nil
	}
	return &store.Note{Reason: p.KeptOut, Message: p.Message}
}

func sameNote(a, b *store.Note) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
