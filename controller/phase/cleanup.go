package phase

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/removal"
	"github.com/agent-work-orders/awo/controller/store"
)

// Preserve saves commits that reached no remote, and what was not committed yet, as a bundle in outputs/<id>.
// It does nothing where there is nothing to save. An error means that the workspace must stay: where only what was not
// committed is in the way, the agent's own commits are saved all the same.
func (r *Runner) Preserve(ctx context.Context, rec *store.Record) error {
	if _, err := os.Lstat(r.Layout.Workspace(rec.ID)); errors.Is(err, fs.ErrNotExist) || rec.Status.BaseCommit == "" {
		return nil
	}
	with, err := r.committed(ctx, rec)
	switch {
	case err == nil:
		err = r.bundle(ctx, with, with.Status.HeadCommit)
	case failure.Of(err, "").Policy == failure.Terminal:
		if head, own := r.Git.Commits(ctx, r.workspace(rec)); own == nil {
			err = errors.Join(err, r.bundle(ctx, rec, head))
		}
	}
	if err != nil {
		return fmt.Errorf("saving unpushed work: %w", err)
	}
	return nil
}

// bundle saves what led to a commit, if it is not at the remote.
func (r *Runner) bundle(ctx context.Context, rec *store.Record, head string) error {
	if head == rec.Status.BaseCommit || head == rec.Pushed {
		return nil
	}
	return r.Git.Bundle(ctx, r.workspace(rec), head, r.Layout.Bundle(rec.ID))
}

// committed sees to it that the work is a commit. The one that Implementing ended with stays what it is: it may be on its way
// to the remote, and a retry goes on with it.
func (r *Runner) committed(ctx context.Context, rec *store.Record) (*store.Record, error) {
	message := unfinishedMessage(rec)
	if slices.Contains(rec.Done, v1alpha1.PhaseImplementing) {
		kept, err := r.Git.Kept(r.workspace(rec), rec.Status.HeadCommit)
		if kept || err != nil {
			return rec, err
		}
		message = commitMessage(rec)
	}
	return r.Collect(ctx, rec, r.Redact(message))
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
