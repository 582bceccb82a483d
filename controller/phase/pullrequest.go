package phase

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/forge"
	"github.com/agent-work-orders/awo/controller/store"
)

// pullRequest pushes the head commit and sees to it that exactly one pull request of this run is there. Each
// outward act is recorded before it begins; both look first whether they were done already.
func (r *Runner) pullRequest(ctx context.Context, rec *store.Record) error {
	rec, err := r.recollect(ctx, rec)
	if err != nil {
		return err
	}
	if len(rec.Protected) > 0 && !r.Settings.AllowProtectedPaths {
		return protected(rec)
	}
	f, err := r.ForgeFor(rec.Spec.Repository.URL)
	if err != nil {
		return err
	}
	if rec, err = r.push(ctx, rec); err != nil {
		return err
	}
	return r.open(ctx, rec, f)
}

func protected(rec *store.Record) error {
	return failure.NewTerminal(v1alpha1.ReasonProtectedPath, fmt.Errorf(
		"the work of order %s touches paths that run with the repository's secrets: %s; nothing was pushed. "+
			"Take them out of the request, or start the controller with --allow-protected-paths and run `awo retry %s`",
		rec.Name, strings.Join(rec.Protected, ", "), rec.Name))
}

// push brings the head commit to the remote. A push that an earlier attempt recorded is looked up: a branch that somebody
// has deleted since is pushed again, one with further commits is theirs.
func (r *Runner) push(ctx context.Context, rec *store.Record) (*store.Record, error) {
	head, lease := rec.Status.HeadCommit, rec.LeaseSHA
	if rec.Pushed == head {
		there, err := r.Git.RemoteBranch(ctx, rec.Spec.Repository.URL, rec.Status.Branch)
		if err != nil || there == head {
			return rec, err
		}
		if there == "" {
			lease = ""
		}
	}
	if err := r.checkSecrets(ctx, rec); err != nil {
		return nil, err
	}
	rec, err := r.Records.Update(rec.ID, func(rec *store.Record) error {
		rec.Pushing = head
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := r.Git.Push(ctx, r.workspace(rec), head, lease); err != nil {
		return nil, err
	}
	return r.notePush(rec, head)
}

// notePush records a push. What follows it is the creation of the pull request: its intent is recorded in the same write.
func (r *Runner) notePush(rec *store.Record, head string) (*store.Record, error) {
	return r.Records.Update(rec.ID, func(rec *store.Record) error {
		rec.Pushing, rec.Pushed, rec.LeaseSHA = "", head, head
		rec.OpeningPullRequest = true
		return nil
	})
}

// checkSecrets refuses to publish what the controller itself keeps secret, as an agent that found it somewhere would
// have it.
func (r *Runner) checkSecrets(ctx context.Context, rec *store.Record) error {
	leak, err := r.Git.FindLeak(ctx, r.workspace(rec), rec.Status.HeadCommit)
	if err != nil || leak == nil {
		return err
	}
	where := fmt.Sprintf("the message or a file name of commit %.12s", leak.Commit)
	if leak.Path != "" {
		where = fmt.Sprintf("%s, line %d, of commit %.12s", leak.Path, leak.Line, leak.Commit)
	}
	return failure.NewTerminal(v1alpha1.ReasonSecretInDiff, fmt.Errorf(
		"the work of order %s holds a secret of the controller in %s; nothing was pushed. Find out how the agent came by it and replace the "+
			"secret; then have the work done anew, by an edit of spec.request or an order under another name", rec.Name, where))
}

func (r *Runner) open(ctx context.Context, rec *store.Record, f Forge) error {
	request, err := r.describe(rec)
	if err != nil {
		return err
	}
	opened, err := f.Ensure(ctx, request)
	if err != nil {
		return fmt.Errorf("opening the pull request of order %s: %w", rec.Name, err)
	}
	_, err = r.Records.Update(rec.ID, func(rec *store.Record) error {
		rec.OpeningPullRequest = false
		rec.Status.PullRequest = &v1alpha1.PullRequest{URL: opened.URL, Number: opened.Number}
		rec.PullRequestNote = r.Redact(opened.Incomplete)
		return nil
	})
	return err
}

// describe writes pull-request.md and returns what the forge needs to know.
func (r *Runner) describe(rec *store.Record) (forge.PullRequest, error) {
	plan, err := os.ReadFile(r.Layout.Plan(rec.ID))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return forge.PullRequest{}, fmt.Errorf("reading the plan of order %s: %w", rec.Name, err)
	}
	// Before the body is cut to what a forge takes: of a secret that stands across the cut nothing may stay.
	data := bodyData(rec, r.Redact(forge.Visible(string(plan))))
	data.Summary = r.Redact(forge.Visible(data.Summary))
	body := forge.Body(data)
	file := r.Layout.PullRequestFile(rec.ID)
	if err := store.SaveFile(file, []byte(body), 0o600); err != nil {
		return forge.PullRequest{}, fmt.Errorf("writing %s: %w", file, err)
	}
	pr := rec.Spec.PullRequest
	return forge.PullRequest{
		Repository: rec.Spec.Repository.URL,
		Base:       rec.Status.BaseBranch, Head: rec.Status.Branch, HeadSHA: rec.Status.HeadCommit,
		Title: r.Redact(title(rec)), BodyFile: file, Marker: forge.Marker(rec.Name, rec.ID, rec.Run),
		Draft: pr.Draft, Labels: pr.Labels, Reviewers: pr.Reviewers,
	}, nil
}

// bodyData is what the text of the pull request tells.
func bodyData(rec *store.Record, plan string) forge.BodyData {
	st := rec.Status
	d := forge.BodyData{
		Name: rec.Name, ID: rec.ID, Run: rec.Run, Summary: rec.Summary, Plan: plan,
		BaseBranch: st.BaseBranch, BaseCommit: st.BaseCommit, Branch: st.Branch, HeadCommit: st.HeadCommit,
		Agent: agentName(rec), LeftOut: rec.LeftOut,
	}
	if c := st.Changes; c != nil {
		d.Commits, d.Files, d.Additions, d.Deletions = c.Commits, c.Files, c.Additions, c.Deletions
	}
	if st.Usage != nil {
		d.CostUSD = st.Usage.CostUSD
	}
	return d
}

func agentName(rec *store.Record) string {
	if m := rec.Spec.Agent.Model; m != "" {
		return string(rec.Spec.AgentType()) + ", model " + m
	}
	return string(rec.Spec.AgentType())
}
