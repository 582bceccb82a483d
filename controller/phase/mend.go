package phase

import (
	"context"
	"fmt"
	"slices"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/store"
)

// recollect makes the head commit anew from the workspace if the mirror was removed since it was made, or if other paths
// are protected by now, which the work is to be held against. One that the remote has is not made again: it would be
// another commit.
func (r *Runner) recollect(ctx context.Context, rec *store.Record) (*store.Record, error) {
	head := rec.Status.HeadCommit
	if rec.Pushed == head {
		return rec, nil
	}
	kept, err := r.Git.Kept(r.workspace(rec), head)
	if err != nil || kept && slices.Equal(rec.ProtectedBy, r.Settings.ProtectedPaths) {
		return rec, err
	}
	if rec.Pushing == head {
		there, err := r.Git.RemoteBranch(ctx, rec.Spec.Repository.URL, rec.Status.Branch)
		if err != nil {
			return nil, err
		}
		if there == head {
			return r.notePush(rec, head)
		}
	}
	if rec, err = r.Collect(ctx, rec, r.Redact(commitMessage(rec))); err != nil {
		return nil, err
	}
	if rec.Status.HeadCommit == rec.Status.BaseCommit {
		return nil, failure.NewTerminal(v1alpha1.ReasonAgentFailed, fmt.Errorf(
			"the work of order %s is lost: commit %s was removed with the mirror, and the workspace holds no changes; do it again by an edit of the order",
			rec.Name, head))
	}
	return rec, nil
}

// planAgain sends a run back to Planning whose plan.md is gone. It counts as an attempt, so that nobody can have an agent
// plan for ever by removing it.
func (r *Runner) planAgain(rec *store.Record) error {
	_, err := r.Records.Update(rec.ID, func(rec *store.Record) error {
		rec.Done = slices.DeleteFunc(slices.Clone(rec.Done), func(p v1alpha1.Phase) bool { return p == v1alpha1.PhasePlanning })
		delete(rec.Sessions, v1alpha1.PhasePlanning)
		delete(rec.Sessions, v1alpha1.PhaseImplementing)
		rec.Reported, rec.StartAfresh = "", true
		return nil
	})
	if err != nil {
		return err
	}
	return failure.NewRetry(v1alpha1.ReasonAgentFailed, fmt.Errorf(
		"somebody removed %s, the plan of order %s; it is planned again", r.Layout.Plan(rec.ID), rec.Name))
}
