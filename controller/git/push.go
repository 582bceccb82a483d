package git

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/failure"
)

// Push sets the workspace's branch at the remote to head, provided that the branch is at lease there, or does not exist
// when lease is empty; then it looks whether the remote has it. A branch that is at head already is a success. A
// rejection is terminal (PushRejected), so is a refused token (AuthenticationFailed); a remote that can't be reached is
// a retry.
func (c *Client) Push(ctx context.Context, w Workspace, head, lease string) error {
	p, err := c.open(w)
	if err != nil {
		return err
	}
	ref, err := branchRef(w.Branch)
	if err != nil {
		return err
	}
	err = checkObjectName("head commit", head)
	if lease != "" {
		err = errors.Join(err, checkObjectName("lease", lease))
	}
	if err != nil {
		return fmt.Errorf("pushing branch %s: %w", w.Branch, err)
	}
	k := p.onMirror("push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no",
		"--force-with-lease="+ref+":"+lease, "--", p.location.url, head+":"+ref)
	k.remote, k.transfers = &p.location, true
	crash.Here("about to push")
	res, err := c.run(ctx, k)
	crash.Here("pushed")
	if err != nil {
		// A push of a former life, or one that was cut off, may arrive late and be what this one met.
		if at, lookErr := c.remoteBranch(ctx, p.location, v1alpha1.ReasonPushRejected, p.Branch); lookErr == nil && at == head {
			return nil
		}
		return fmt.Errorf("pushing branch %s to %s: %w", w.Branch, w.URL, c.pushFailure(p, string(res.Stdout), err))
	}
	err = c.confirm(ctx, p, head)
	crash.Here("push confirmed")
	return err
}

// CheckPush asks the remote whether the token may push, without pushing: a dry run that sets the workspace's branch to
// its base. Reading proves nothing, for a public repository is read with any token or none. On disk there is no token
// to check. Failures are those of Push.
func (c *Client) CheckPush(ctx context.Context, w Workspace) error {
	p, err := c.open(w)
	if err != nil || p.location.scheme == schemeFile {
		return err
	}
	ref, err := branchRef(w.Branch)
	if err != nil {
		return err
	}
	k := p.onMirror("push", "--dry-run", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed",
		"--recurse-submodules=no", "--", p.location.url, "+"+w.BaseCommit+":"+ref)
	k.remote = &p.location
	res, err := c.run(ctx, k)
	if err != nil {
		return fmt.Errorf("checking that %s may be pushed to: %w", w.URL, c.pushFailure(p, string(res.Stdout), err))
	}
	return nil
}

// confirm believes the remote only after asking it.
func (c *Client) confirm(ctx context.Context, p place, head string) error {
	at, err := c.remoteBranch(ctx, p.location, v1alpha1.ReasonPushRejected, p.Branch)
	if err != nil {
		return fmt.Errorf("checking the push: %w", err)
	}
	if at != head {
		return failure.NewRetry(v1alpha1.ReasonPushRejected, fmt.Errorf(
			"branch %s of %s is at %q after a push of %s; somebody may have changed it at the same time", p.Branch, p.URL, at, head))
	}
	return nil
}

// rejection is the reason that git push --porcelain gives for a ref that was not updated.
func rejection(porcelain string) string {
	for line := range strings.SplitSeq(porcelain, "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) >= 3 && fields[0] == "!" {
			return strings.TrimSpace(fields[2])
		}
	}
	return ""
}

// pushFailure gives a failed push its policy.
func (c *Client) pushFailure(p place, porcelain string, err error) error {
	reason := rejection(porcelain)
	if reason == "" || strings.HasPrefix(reason, "[remote failure]") {
		return explain(c.access(p.location), v1alpha1.ReasonPushRejected, err)
	}
	stderr, _, _ := said(err)
	if strings.Contains(reason, "failed to update ref") && !strings.Contains(stderr, "cannot create") {
		// Somebody, perhaps a push of ours, is changing the branch just now; a branch that can't be beside another is not that.
		return failure.NewRetry(v1alpha1.ReasonPushRejected, fmt.Errorf("%s%s", clean(reason), quoteRemote(stderr)))
	}
	return failure.NewTerminal(v1alpha1.ReasonPushRejected, fmt.Errorf("%s%s; %s",
		clean(reason), quoteRemote(stderr), nextAfterRejection(p, reason, stderr)))
}

// nextAfterRejection says what to do. It reads the server's text, but only to choose among hints.
func nextAfterRejection(p place, reason, stderr string) string {
	switch all := strings.ToLower(reason + stderr); {
	case strings.Contains(all, "cannot create"):
		return "a branch there stands in the way of one with this name: set spec.repository.branch to another name"
	case strings.Contains(reason, "stale info") || strings.Contains(reason, "fetch first") || strings.Contains(reason, "non-fast-forward"):
		return fmt.Sprintf("branch %s has commits there that are not from this order: delete it or set spec.repository.branch to another name",
			p.Branch)
	case strings.Contains(all, "workflow"):
		return "give the token the right to change workflows (scope workflow, or permission Workflows), or keep .github/workflows out of the work"
	case strings.Contains(all, "protected branch") || strings.Contains(all, "gh006") || strings.Contains(all, "rule violations"):
		return "the server protects this branch: set spec.repository.branch to another name, or change the rule there"
	case strings.Contains(reason, "hook declined"):
		return "a hook of the server declined it: meet its rule or have it changed, then run `awo retry`"
	case strings.Contains(reason, "currently checked out"):
		return "the remote is not a bare repository and has this branch checked out: check out another one there"
	}
	return "change what the server objects to, then run `awo retry`"
}

// quoteRemote returns what the server said, cut to some lines.
func quoteRemote(stderr string) string {
	const most, width = 5, 200
	var lines []string
	for line := range strings.SplitSeq(stderr, "\n") {
		text, ok := strings.CutPrefix(line, "remote:")
		if text = clean(text); ok && text != "" && len(lines) < most {
			lines = append(lines, text[:min(len(text), width)])
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return ", the server says: " + strings.ToValidUTF8(strings.Join(lines, " / "), "")
}

// clean takes control characters out of what a server wrote.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return ' '
		}
		return r
	}, s))
}
