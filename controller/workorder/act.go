package workorder

import (
	"context"
	"errors"
	"fmt"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// act does or begins one act and tells whether to look again at once.
func (r *Reconciler) act(ctx context.Context, name string, s Situation, a Action) (again bool, err error) {
	if a.Kind != Run && a.Kind != Queue && !s.Busy {
		r.slots.Leave(name)
	}
	switch a.Kind {
	case Nothing, WaitForRoom:
		return false, nil
	case Create:
		return true, r.create(s)
	case Revive:
		return true, r.revive(s, a.Earlier)
	case Stop:
		r.under.stop(name, a.Why)
		return false, nil
	case Run:
		return false, r.begin(ctx, s, a)
	case Queue:
		r.slots.Queue(name)
		return false, nil
	case CleanUp:
		r.beside(ctx, s.Record, false, r.cleanUp)
		return false, nil
	case Delete:
		r.beside(ctx, s.Record, false, r.delete)
		return false, nil
	case Forget:
		return false, r.Store.ClearTombstone(name)
	default:
		return true, r.change(ctx, s, a)
	}
}

// change does an act that is nothing but a change of the record.
func (r *Reconciler) change(ctx context.Context, s Situation, a Action) error {
	rec, err := r.Store.Update(s.Record.ID, func(rec *store.Record) error {
		if overtaken(s.Record, rec) {
			return errOvertaken
		}
		switch a.Kind {
		case Observe:
			observe(rec, &s.Seen.Object.Spec, len(s.Seen.Invalid) == 0)
		case Reopen:
			rec.End, rec.CleanedUp = nil, false
			if rec.SpecHash != s.Seen.Object.Spec.SpecHash() {
				observe(rec, &s.Seen.Object.Spec, len(s.Seen.Invalid) == 0)
			}
		case Retry:
			adopt(rec, &s.Seen.Object.Spec, len(s.Seen.Invalid) == 0)
			retry(rec, s.Seen.Object.Annotations[v1alpha1.AnnotationRetriedAt])
		case AnswerRetry:
			answerRetry(rec, s.Seen.Object.Annotations[v1alpha1.AnnotationRetriedAt])
		case Interrupt:
			interrupted(rec, s.Now)
		case Finish:
			end := *a.End
			end.Message = r.Redact(end.Message)
			finish(rec, &end, s.Now)
		default:
			return fmt.Errorf("act %q is not a change of the record", a.Kind)
		}
		r.show(rec, s, a)
		return nil
	})
	if errors.Is(err, errOvertaken) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.announce(ctx, rec, a)
}

// errOvertaken says that a phase has begun or ended since the decision, which has to be made again.
var errOvertaken = errors.New("the run has gone on")

func overtaken(decidedOn, now *store.Record) bool {
	return decidedOn.Begun != now.Begun || decidedOn.Running != now.Running || (decidedOn.End == nil) != (now.End == nil)
}

// answerRetry notes a retry that nothing is done for, except that a waiting order does not wait any longer.
func answerRetry(rec *store.Record, handled string) {
	rec.Status.LastHandledRetry = handled
	if rec.End == nil && rec.Running == "" {
		rec.Status.NextAttemptAt = nil
		delete(rec.Attempts, NextPhase(rec))
	}
}

// create begins the first or the next run of an order.
func (r *Reconciler) create(s Situation) error {
	id, err := r.Store.NewID()
	if err != nil {
		return err
	}
	rec := newRecord(id, s)
	if rec.UID == "" {
		rec.UID = r.NewUID()
	}
	if err := r.Store.Create(rec); err != nil {
		return err
	}
	return r.Store.Event(id, store.Event{
		Type: store.Normal, Reason: "Created", Message: fmt.Sprintf("run %d from %s", rec.Run, rec.Path),
	})
}

// newRecord is the record of a run that has not begun.
func newRecord(id string, s Situation) *store.Record {
	o := s.Seen.Object
	rec := &store.Record{
		ID: id, Name: o.Name, Namespace: o.NamespaceOrDefault(), Run: 1, CreatedAt: *timeOf(s.Now),
		Path: s.Seen.Path, Document: s.Seen.Document,
		SpecHash: o.Spec.SpecHash(), Spec: *o.Spec.DeepCopy(),
	}
	rec.Status.ObservedGeneration = 1
	rec.Status.LastHandledRetry = o.Annotations[v1alpha1.AnnotationRetriedAt]
	former := s.Record
	if former == nil {
		return rec
	}
	rec.Run = former.Run + 1
	rec.Status.ObservedGeneration = nextGeneration(former, rec.SpecHash)
	if !former.Deleted {
		rec.UID, rec.CreatedAt = former.UID, former.CreatedAt
	}
	return rec
}

func nextGeneration(former *store.Record, specHash string) int64 {
	if former.SpecHash == specHash {
		return former.Status.ObservedGeneration
	}
	return former.Status.ObservedGeneration + 1
}

// revive makes an earlier run that did this very work the current one again.
func (r *Reconciler) revive(s Situation, earlier string) error {
	if err := r.supersede(s.Record, earlier); err != nil {
		return err
	}
	_, err := r.Store.Update(earlier, func(rec *store.Record) error {
		rec.Status.ObservedGeneration = nextGeneration(s.Record, s.Seen.Object.Spec.SpecHash())
		rec.SpecHash = s.Seen.Object.Spec.SpecHash()
		rec.Status.LastHandledRetry = s.Seen.Object.Annotations[v1alpha1.AnnotationRetriedAt]
		rec.Path, rec.Document, rec.Deleted = s.Seen.Path, s.Seen.Document, false
		if rec.ID != s.Record.ID {
			rec.Run = s.Record.Run + 1
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.Store.Event(earlier, store.Event{
		Type: store.Normal, Reason: "Revived", Message: "this work was done by this run; `awo retry` does it again",
	})
}

// supersede ends a run that has not begun and that an earlier one takes the place of: nobody would look for it any more.
func (r *Reconciler) supersede(current *store.Record, earlier string) error {
	if current.ID == earlier || current.End != nil {
		return nil
	}
	_, err := r.Store.Update(current.ID, func(rec *store.Record) error {
		finish(rec, superseded(earlier), r.Clock.Now())
		rec.CleanedUp = true
		return nil
	})
	return err
}
