package retention

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/volume"
)

// Store is where the runs are.
type Store interface {
	Layout() store.Layout
	Past() []string
	Record(id string) (*store.Record, error)
	RemovePast(id string) error
}

// Workspaces removes what a run has beside its outputs.
type Workspaces interface {
	RemoveWorkspace(ctx context.Context, r *store.Record) error
}

// Keeper carries a policy out. All fields are required.
type Keeper struct {
	Store      Store
	Workspaces Workspaces
	Policy     Policy
	Clock      clock.PassiveClock
}

// Sweep removes what the policy does not keep. What cannot be removed is left for the next time; the error names it.
func (k *Keeper) Sweep(ctx context.Context) error {
	if k.Policy == (Policy{}) {
		return nil
	}
	past, total, err := k.look()
	failed := []error{err}
	for _, id := range Choose(past, total, k.Policy, k.Clock.Now()) {
		if ctx.Err() != nil {
			break
		}
		if err := k.remove(ctx, id); err != nil {
			failed = append(failed, fmt.Errorf("removing the outputs of run %s: %w", id, err))
			continue
		}
		logr.FromContextOrDiscard(ctx).Info("Outputs of a past run removed", "id", id)
	}
	return errors.Join(failed...)
}

// remove takes away the workspace before the record, which is what leads to it.
func (k *Keeper) remove(ctx context.Context, id string) error {
	rec, err := k.Store.Record(id)
	if err != nil {
		return err
	}
	if err := k.Workspaces.RemoveWorkspace(ctx, rec); err != nil {
		return err
	}
	return k.Store.RemovePast(id)
}

// look finds the past runs and adds up all outputs. A run that cannot be looked at is passed over.
func (k *Keeper) look() (past []Kept, total int64, err error) {
	if k.Policy.Bytes > 0 {
		if total, err = volume.SizeOf(k.Store.Layout().Outputs()); err != nil {
			return nil, 0, err
		}
	}
	var failed []error
	for _, id := range k.Store.Past() {
		one, err := k.kept(id)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		past = append(past, one)
	}
	return past, total, errors.Join(failed...)
}

func (k *Keeper) kept(id string) (Kept, error) {
	rec, err := k.Store.Record(id)
	if err != nil {
		return Kept{}, err
	}
	if rec.End == nil {
		return Kept{}, fmt.Errorf("run %s has not come to its end", id)
	}
	out := Kept{ID: id, Ended: rec.End.At.Time, Unpushed: unpushed(k.Store.Layout(), rec)}
	if k.Policy.Bytes > 0 {
		out.Bytes, err = volume.SizeOf(k.Store.Layout().Output(id))
	}
	return out, err
}

// unpushed tells whether a run may have work that is nowhere else: a bundle of it, or a workspace whose head was not
// seen at the remote.
func unpushed(l store.Layout, rec *store.Record) bool {
	// The bundle of an attempt that was given up stays when a later one is pushed.
	pushed := rec.Pushed != "" && rec.Pushed == rec.Status.HeadCommit
	return !pushed && (exists(l.Bundle(rec.ID)) || exists(l.Workspace(rec.ID)))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
