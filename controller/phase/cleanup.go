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
// committed is in the way, the commits are saved all the same.
func (r *Runner) Preserve(ctx context.Context, rec *store.Record) error {
	if rec.Status.BaseCommit == "" {
		return nil
	}
	head, err := r.unsaved(ctx, rec)
	if head != "" && head != rec.Status.BaseCommit && head != rec.Pushed {
		if failed := r.Git.Bundle(ctx, r.workspace(rec), head, r.Layout.Bundle(rec.ID)); failed != nil {
			err = failed
		}
	}
	if err != nil {
		return fmt.Errorf("saving unpushed work: %w", err)
	}
	return nil
}

// unsaved returns the commit that there is to save, empty for none. The one that Implementing ended with stays what it is
// where nothing was added to it: it may be on its way to the remote, and a retry goes on with it.
func (r *Runner) unsaved(ctx context.Context, rec *store.Record) (head string, err error) {
	done, message := slices.Contains(rec.Done, v1alpha1.PhaseImplementing), unfinishedMessage(rec)
	if done {
		message = commitMessage(rec)
		kept, err := r.Git.Kept(r.workspace(rec), rec.Status.HeadCommit)
		if err != nil || !kept && rec.Pushed == rec.Status.HeadCommit {
			return "", err
		}
		if kept {
			head = rec.Status.HeadCommit
		}
	}
	if _, err := os.Lstat(r.Layout.Workspace(rec.ID)); errors.Is(err, fs.ErrNotExist) {
		return head, nil
	}
	collected, err := r.Collect(ctx, rec, r.Redact(message))
	switch {
	case err == nil:
		return collected.Status.HeadCommit, nil
	case failure.Of(err, "").Policy != failure.Terminal:
		return "", err
	case head != "":
		return head, err
	}
	head, failed := r.Git.Commits(ctx, r.workspace(rec))
	if failed != nil && failure.Of(failed, "").Policy != failure.Terminal {
		return "", failed
	}
	return head, err
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
