package phase

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/removal"
	"github.com/agent-work-orders/awo/controller/store"
)

// Preserve saves commits that reached no remote, and what was not committed yet, as a bundle in outputs/<id>.
// It does nothing where there is nothing to save. An error means that the workspace must stay.
func (r *Runner) Preserve(ctx context.Context, rec *store.Record) error {
	if _, err := os.Lstat(r.Layout.Workspace(rec.ID)); errors.Is(err, fs.ErrNotExist) || rec.Status.BaseCommit == "" {
		return nil
	}
	rec, err := r.Collect(ctx, rec, "Unfinished work of order "+rec.Name+"\n\nWork-Order: "+rec.Name+" ("+rec.ID+")\n")
	if err != nil {
		return fmt.Errorf("saving unpushed work: %w", err)
	}
	head := rec.Status.HeadCommit
	if head == rec.Status.BaseCommit || head == rec.Pushed {
		return nil
	}
	if err := r.Git.Bundle(ctx, r.workspace(rec), head, r.Layout.Bundle(rec.ID)); err != nil {
		return fmt.Errorf("saving unpushed work: %w", err)
	}
	return nil
}

// RemoveHome removes the home of the run's agents; no session can be resumed after that.
func (r *Runner) RemoveHome(rec *store.Record) error {
	return removal.Tree(r.Layout.AgentHome(rec.ID))
}

// RemoveTranscripts removes what the agents printed.
func (r *Runner) RemoveTranscripts(rec *store.Record) error {
	return removal.Tree(r.Layout.Transcripts(rec.ID))
}

// RemoveWorkspace removes everything a run had but its outputs, and lets the mirror forget it.
func (r *Runner) RemoveWorkspace(ctx context.Context, rec *store.Record) error {
	if err := errors.Join(git.RemoveWorkspace(r.Layout.Workspace(rec.ID), r.Layout.Index(rec.ID)), r.RemoveHome(rec)); err != nil {
		return err
	}
	crash.Here("workspace removed")
	if rec.Status.BaseCommit == "" {
		return nil
	}
	return r.Git.Release(ctx, rec.Spec.Repository.URL, rec.ID)
}
