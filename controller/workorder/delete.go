package workorder

import (
	"context"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/store"
)

// cleanUp deals with what an ended run leaves. The workspace stays; work that reached no remote is saved.
func (r *Reconciler) cleanUp(ctx context.Context, rec *store.Record) error {
	if rec.End.Phase == v1alpha1.PhaseCancelled {
		if err := r.preserve(ctx, rec); failure.Of(err, "").Policy != failure.Terminal && err != nil {
			return err
		}
	}
	if rec.End.Phase == v1alpha1.PhaseSucceeded {
		if err := r.Phases.RemoveHome(rec); err != nil {
			return err
		}
	}
	if !r.KeepTranscripts {
		if err := r.Phases.RemoveTranscripts(rec); err != nil {
			return err
		}
	}
	return r.mark(rec, func(rec *store.Record) { rec.CleanedUp = true })
}

// delete deals with what an order leaves whose manifest is gone, in all its runs: unpushed work becomes a bundle
// among the outputs, which stay, and the workspace goes, unless its work could not be saved.
func (r *Reconciler) delete(ctx context.Context, rec *store.Record) error {
	if r.Store.Lookup(rec.Name).Presence == store.Present {
		// It has come back while this waited for its turn.
		return nil
	}
	runs, err := r.Store.Runs(rec.Name)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if run.Deleted {
			continue
		}
		if err := r.deleteRun(ctx, run); err != nil {
			return err
		}
	}
	logr.FromContextOrDiscard(ctx).Info("Order deleted", "id", rec.ID)
	return r.Store.ClearTombstone(rec.Name)
}

func (r *Reconciler) deleteRun(ctx context.Context, rec *store.Record) error {
	err := r.preserve(ctx, rec)
	if err != nil && failure.Of(err, "").Policy != failure.Terminal {
		return err
	}
	if err == nil {
		if err := r.Phases.RemoveWorkspace(ctx, rec); err != nil {
			return err
		}
	} else {
		logr.FromContextOrDiscard(ctx).Info("Workspace of a deleted order kept, its work could not be saved; remove it when nobody needs it",
			"id", rec.ID, "workspace", "repositories/"+rec.ID, "cause", r.Redact(err.Error()))
	}
	if err := r.mark(rec, func(rec *store.Record) {
		if rec.End == nil {
			interrupted(rec, r.Clock.Now())
			finish(rec, deleted(rec), r.Clock.Now())
			project(rec, View{Now: r.Clock.Now()})
		}
		rec.CleanedUp, rec.Deleted = true, true
	}); err != nil {
		return err
	}
	return r.Store.Event(rec.ID, store.Event{Type: store.Normal, Reason: "Deleted", Message: "the manifest is gone"})
}

// preserve saves unpushed work, and says so among the events when that cannot be.
func (r *Reconciler) preserve(ctx context.Context, rec *store.Record) error {
	err := r.Phases.Preserve(ctx, rec)
	if err == nil {
		return nil
	}
	e := store.Event{Type: store.Warning, Reason: "NotPreserved", Message: cutMessage(r.Redact(err.Error()))}
	if eventErr := r.Store.Event(rec.ID, e); eventErr != nil {
		return eventErr
	}
	return err
}

func (r *Reconciler) mark(rec *store.Record, change func(*store.Record)) error {
	_, err := r.Store.Update(rec.ID, func(rec *store.Record) error {
		change(rec)
		return nil
	})
	return err
}
