package phase

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/store"
)

// cloning brings the workspace to the base commit. What would make the run fail later without the agent's
// doing, such as a missing token, fails here, before an agent is paid.
func (r *Runner) cloning(ctx context.Context, rec *store.Record) error {
	if err := r.checkForge(ctx, rec); err != nil {
		return err
	}
	url := rec.Spec.Repository.URL
	remote, err := r.Git.ListRemote(ctx, url)
	if err != nil {
		return fmt.Errorf("cloning %s: %w", url, err)
	}
	ours, err := r.formerPushes(rec)
	if err != nil {
		return err
	}
	start, err := chooseStart(rec, remote, ours)
	if err != nil {
		return err
	}
	if err := r.Git.Fetch(ctx, url, rec.ID, start.commit); err != nil {
		return fmt.Errorf("cloning %s: %w", url, err)
	}
	rec, err = r.Records.Update(rec.ID, start.record)
	if err != nil {
		return err
	}
	if has(rec, v1alpha1.PhasePR) {
		if err := r.Git.CheckPush(ctx, r.workspace(rec)); err != nil {
			return err
		}
	}
	if err := r.Git.Checkout(ctx, r.workspace(rec)); err != nil {
		return err
	}
	return r.noteContent(ctx, rec)
}

// noteContent records what the repository has that is not fetched.
func (r *Runner) noteContent(ctx context.Context, rec *store.Record) error {
	content, err := r.Git.Content(ctx, r.workspace(rec))
	if err != nil {
		return err
	}
	_, err = r.Records.Update(rec.ID, func(rec *store.Record) error {
		rec.NotFetched = notFetched(content)
		return nil
	})
	return err
}

// notFetched says what the agent does not find in its workspace, and what of it cannot be changed; nil for nothing.
func notFetched(c git.Content) *store.Note {
	const (
		submodules = "submodules are not fetched, their directories are empty, and work that changes one is not pushed: "
		lfs        = "files in Git LFS are not fetched, pointer files stand in their place, and work that changes one is not pushed: see "
	)
	links, files := strings.Join(first(c.Submodules), ", "), strings.Join(first(c.LFS), ", ")
	switch {
	case links != "" && files != "":
		return &store.Note{Reason: v1alpha1.ReasonSubmodulesAndLFS, Message: submodules + links + "; " + lfs + files}
	case links != "":
		return &store.Note{Reason: v1alpha1.ReasonSubmodules, Message: submodules + links}
	case files != "":
		return &store.Note{Reason: v1alpha1.ReasonLFS, Message: lfs + files}
	}
	return nil
}

func (r *Runner) checkForge(ctx context.Context, rec *store.Record) error {
	if !has(rec, v1alpha1.PhasePR) {
		return nil
	}
	f, err := r.ForgeFor(rec.Spec.Repository.URL)
	if err != nil {
		return err
	}
	return f.Check(ctx, rec.Spec.Repository.URL)
}

// formerPushes returns the commits that runs of this order, this one included, have pushed to the branch that the spec
// names, or were about to when they were ended.
func (r *Runner) formerPushes(rec *store.Record) ([]string, error) {
	if rec.Spec.Repository.Branch == "" {
		return nil, nil
	}
	runs, err := r.Records.Runs(rec.Name)
	if err != nil {
		return nil, err
	}
	var pushed []string
	for _, o := range runs {
		if o.Spec.Repository.URL == rec.Spec.Repository.URL && o.Status.Branch == rec.Spec.Repository.Branch {
			pushed = append(pushed, o.Pushed, o.Pushing)
		}
	}
	return pushed, nil
}

// start is where a run begins.
type start struct {
	branch, baseBranch, commit, lease string
}

// record writes the start into the record.
func (s start) record(rec *store.Record) error {
	rec.Status.Branch, rec.Status.BaseBranch = s.branch, s.baseBranch
	rec.Status.BaseCommit, rec.LeaseSHA = s.commit, s.lease
	return nil
}

// chooseStart decides where the run begins and which branch it may push. A branch that stands at one of ours, the commits
// that runs of this order pushed to it, is continued; any other existing one is a stranger's.
func chooseStart(rec *store.Record, remote git.Remote, ours []string) (start, error) {
	s := start{baseBranch: rec.Spec.Repository.BaseBranch, branch: branchOf(rec)}
	if s.baseBranch == "" {
		s.baseBranch = remote.DefaultBranch
	}
	commit, ok := remote.Branches[s.baseBranch]
	if !ok {
		return s, noBaseBranch(rec, remote, s.baseBranch)
	}
	s.commit = commit
	if s.branch == s.baseBranch || s.branch == remote.DefaultBranch {
		return s, failure.NewTerminal(v1alpha1.ReasonInvalidSpec, fmt.Errorf(
			"spec.repository.branch: %q is the base or default branch of %s; name another branch, or leave the field out",
			s.branch, rec.Spec.Repository.URL))
	}
	existing, exists := remote.Branches[s.branch]
	switch {
	case !exists:
		return s, roomFor(rec, remote, s.branch)
	case slices.Contains(ours, existing):
		s.commit, s.lease = existing, existing
		return s, nil
	}
	return s, failure.NewTerminal(v1alpha1.ReasonPushRejected, fmt.Errorf(
		"branch %q exists in %s at %.12s and was not pushed by this order; delete it there or set spec.repository.branch to another name",
		s.branch, rec.Spec.Repository.URL, existing))
}

func branchOf(rec *store.Record) string {
	o := v1alpha1.WorkOrder{Spec: rec.Spec}
	o.Name = rec.Name
	return o.BranchFor(rec.ID)
}

// roomFor refuses a new branch where git can't make it: a branch is a file, so there is none below another.
func roomFor(rec *store.Record, remote git.Remote, branch string) error {
	for _, name := range slices.Sorted(maps.Keys(remote.Branches)) {
		if strings.HasPrefix(name, branch+"/") || strings.HasPrefix(branch, name+"/") {
			return failure.NewTerminal(v1alpha1.ReasonPushRejected, fmt.Errorf(
				"branch %q cannot be made in %s, for branch %q exists there, and git takes no branch below another; "+
					"delete that one or set spec.repository.branch to another name", branch, rec.Spec.Repository.URL, name))
		}
	}
	return nil
}

// noBaseBranch names the branches that there are, ten at most.
func noBaseBranch(rec *store.Record, remote git.Remote, wanted string) error {
	names := slices.Sorted(maps.Keys(remote.Branches))
	if len(names) > 10 {
		names = append(names[:10], "...")
	}
	problem := fmt.Sprintf("base branch %q does not exist in %s", wanted, rec.Spec.Repository.URL)
	if wanted == "" {
		problem = "HEAD of " + rec.Spec.Repository.URL + " names no branch that exists, so the base branch is unknown"
	}
	return failure.NewTerminal(v1alpha1.ReasonCloneFailed, fmt.Errorf(
		"%s; set spec.repository.baseBranch to one of: %s", problem, strings.Join(names, ", ")))
}
