package phase

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

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
	return removeTree(r.Layout.AgentHome(rec.ID))
}

// RemoveTranscripts removes what the agents printed.
func (r *Runner) RemoveTranscripts(rec *store.Record) error {
	return removeTree(r.Layout.Transcripts(rec.ID))
}

// RemoveWorkspace removes everything a run had but its outputs, and lets the mirror forget it.
func (r *Runner) RemoveWorkspace(ctx context.Context, rec *store.Record) error {
	if err := errors.Join(
		removeTree(r.Layout.Workspace(rec.ID)), removeTree(r.Layout.Index(rec.ID)), r.RemoveHome(rec),
	); err != nil {
		return err
	}
	if rec.Status.BaseCommit == "" {
		return nil
	}
	return r.Git.Release(ctx, rec.Spec.Repository.URL, rec.ID)
}

// removeTree removes a tree in which an agent may have taken write permission from directories.
func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err := makeWritable(dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

func makeWritable(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return root.Chmod(path, 0o700)
	})
}
