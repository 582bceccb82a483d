package phase

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/store"
)

// implementing has the agent carry out the plan and turns what it left into commits.
func (r *Runner) implementing(ctx context.Context, rec *store.Record) error {
	rec, err := r.readyWorkspace(ctx, rec)
	if err != nil {
		return err
	}
	if rec.Reported != v1alpha1.PhaseImplementing {
		if rec, err = r.implement(ctx, rec); err != nil {
			return err
		}
	}
	if rec, err = r.Collect(ctx, rec, r.Redact(commitMessage(rec))); err != nil {
		return err
	}
	if rec.Status.HeadCommit == rec.Status.BaseCommit {
		return failure.NewTerminal(v1alpha1.ReasonNoChanges, fmt.Errorf(
			"the agent of order %s changed no file that git does not ignore; see `awo logs %s`, make the request clearer, then `awo retry %s`",
			rec.Name, rec.Name, rec.Name))
	}
	if has(rec, v1alpha1.PhasePR) {
		return nil
	}
	return r.keep(ctx, rec)
}

// keep leaves the branch of an order without a pull request in the workspace, and a bundle of it in the outputs.
func (r *Runner) keep(ctx context.Context, rec *store.Record) error {
	head := rec.Status.HeadCommit
	if err := r.Git.Bundle(ctx, r.workspace(rec), head, r.Layout.Bundle(rec.ID)); err != nil {
		return err
	}
	w := r.workspace(rec)
	w.BaseCommit = head
	return r.Git.Reset(ctx, w)
}

// readyWorkspace makes a workspace anew that somebody removed, repairs one, and cleans one in which a phase starts afresh.
func (r *Runner) readyWorkspace(ctx context.Context, rec *store.Record) (*store.Record, error) {
	_, err := os.Lstat(r.Layout.Workspace(rec.ID))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = r.Git.Checkout(ctx, r.workspace(rec))
	case err == nil && rec.StartAfresh:
		err = r.Git.Reset(ctx, r.workspace(rec))
	case err == nil:
		err = r.Git.Mend(ctx, r.workspace(rec))
	}
	if err != nil || !rec.StartAfresh {
		return rec, err
	}
	return r.Records.Update(rec.ID, func(rec *store.Record) error {
		rec.StartAfresh = false
		return nil
	})
}

func (r *Runner) implement(ctx context.Context, rec *store.Record) (*store.Record, error) {
	plan, err := r.readPlan(rec)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, r.planAgain(rec)
	}
	if err != nil {
		return nil, err
	}
	prompt := func() ([]byte, error) { return r.Prompts.Implementing(promptData(rec, plan)) }
	return r.runAgent(ctx, rec, v1alpha1.PhaseImplementing, prompt, func(string) error { return nil })
}

// readPlan returns plan.md, or nothing for an order that has no Planning.
func (r *Runner) readPlan(rec *store.Record) (string, error) {
	if !has(rec, v1alpha1.PhasePlanning) {
		return "", nil
	}
	data, err := os.ReadFile(r.Layout.Plan(rec.ID))
	if err != nil {
		return "", fmt.Errorf("reading the plan of order %s: %w", rec.Name, err)
	}
	return string(data), nil
}

// Collect turns the work tree and the agent's own commits into the head commit of the run and records it.
func (r *Runner) Collect(ctx context.Context, rec *store.Record, message string) (*store.Record, error) {
	c, err := r.Git.Collect(ctx, r.workspace(rec), message)
	if err != nil {
		return nil, fmt.Errorf("committing the work of order %s: %w", rec.Name, err)
	}
	return r.Records.Update(rec.ID, func(rec *store.Record) error {
		rec.Status.HeadCommit = c.Head
		rec.Status.Changes = &v1alpha1.Changes{
			Commits: c.Commits, Files: c.Files, Additions: c.Additions, Deletions: c.Deletions,
		}
		rec.LeftOut = r.named(c.LeftOut)
		rec.Protected, rec.ProtectedBy = r.named(protectedOf(c, r.Settings.ProtectedPaths)), r.Settings.ProtectedPaths
		return nil
	})
}

// protectedOf lists the paths of the work that need the controller's word: those by name, and submodules, of which the
// new commit could be anything.
func protectedOf(c git.Collected, globs []string) []string {
	out := slices.Concat(git.Protected(c.Paths, globs...), c.Links)
	slices.Sort(out)
	return slices.Compact(out)
}

// maxNamed bounds the lists of names that a record keeps.
const maxNamed = 20

// named is a list of file names for a record. An agent chooses them, so they can hold anything.
func (r *Runner) named(list []string) []string {
	out := slices.Clone(first(list))
	for i := range out {
		out[i] = r.Redact(out[i])
	}
	return out
}

// first cuts a list to maxNamed names and says how many more there are.
func first(list []string) []string {
	if len(list) > maxNamed {
		return append(list[:maxNamed:maxNamed], fmt.Sprintf("and %d more", len(list)-maxNamed))
	}
	return list
}

// maxSubject is the customary width of a commit's subject line, in runes.
const maxSubject = 72

// subject is the first line of the request, cut to the customary width.
func subject(rec *store.Record) string {
	line, _, _ := strings.Cut(strings.TrimSpace(rec.Spec.Request), "\n")
	runes := []rune(strings.Join(strings.Fields(line), " "))
	if len(runes) <= maxSubject {
		return string(runes)
	}
	return strings.TrimSpace(string(runes[:maxSubject-3])) + "..."
}

// title is the pull request's title.
func title(rec *store.Record) string {
	if t := rec.Spec.PullRequest.Title; t != "" {
		return t
	}
	return subject(rec)
}

// commitMessage is that of a run's work.
func commitMessage(rec *store.Record) string { return messageOf(rec, subject(rec)) }

// unfinishedMessage is that of what a run had come to when it ended.
func unfinishedMessage(rec *store.Record) string {
	return messageOf(rec, "Unfinished work of order "+rec.Name)
}

// messageOf names the order, so that a commit can be traced to it.
func messageOf(rec *store.Record, subject string) string {
	return fmt.Sprintf("%s\n\nWork-Order: %s (%s)\n", subject, rec.Name, rec.ID)
}
