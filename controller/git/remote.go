package git

import (
	"context"
	"fmt"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
)

// Remote is what a remote repository has.
type Remote struct {
	// DefaultBranch is the branch that HEAD names. It is empty when HEAD names no branch or one that does not exist;
	// it is never guessed.
	DefaultBranch string
	// Branches are the commits of all branches by name.
	Branches map[string]string
}

// ListRemote asks a repository for its branches. Its failures are typed: AuthenticationFailed and RepositoryNotFound
// are terminal, so is a repository without a branch (CloneFailed); an unreachable host is a retry (CloneFailed).
func (c *Client) ListRemote(ctx context.Context, url string) (Remote, error) {
	l, err := c.locate(url)
	if err != nil {
		return Remote{}, err
	}
	out, err := c.lsRemote(ctx, l, v1alpha1.ReasonCloneFailed, "HEAD", "refs/heads/*")
	if err != nil {
		return Remote{}, fmt.Errorf("listing the branches of %s: %w", url, err)
	}
	r := parseRemote(out)
	if len(r.Branches) == 0 {
		return Remote{}, failure.NewTerminal(v1alpha1.ReasonCloneFailed, fmt.Errorf(
			"%s has no branch to start from: push a first commit to it, or check that the URL is that of a git repository", url))
	}
	return r, nil
}

// RemoteBranch asks for the commit of one branch; "" when there is no such branch.
func (c *Client) RemoteBranch(ctx context.Context, url, branch string) (string, error) {
	l, err := c.locate(url)
	if err != nil {
		return "", err
	}
	return c.remoteBranch(ctx, l, v1alpha1.ReasonCloneFailed, branch)
}

func (c *Client) remoteBranch(ctx context.Context, l location, reason, branch string) (string, error) {
	ref, err := branchRef(branch)
	if err != nil {
		return "", err
	}
	out, err := c.lsRemote(ctx, l, reason, ref)
	if err != nil {
		return "", fmt.Errorf("looking for branch %s in %s: %w", branch, l.url, err)
	}
	return parseRemote(out).Branches[branch], nil
}

func (c *Client) lsRemote(ctx context.Context, l location, reason string, patterns ...string) (string, error) {
	args := append([]string{"ls-remote", "--symref", "--quiet", "--", l.url}, patterns...)
	out, err := c.line(ctx, call{remote: &l, args: args})
	if err != nil {
		return "", explain(c.access(l), reason, err)
	}
	return out, nil
}

// parseRemote reads the output of git ls-remote --symref. A pattern also finds refs that merely end with it, which
// are passed over.
func parseRemote(out string) Remote {
	r := Remote{Branches: map[string]string{}}
	head := ""
	for line := range strings.SplitSeq(out, "\n") {
		value, ref, _ := strings.Cut(line, "\t")
		if target, ok := strings.CutPrefix(value, "ref: refs/heads/"); ok && ref == "HEAD" {
			head = target
		}
		if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok && isObjectName(value) {
			r.Branches[branch] = value
		}
	}
	if _, exists := r.Branches[head]; exists {
		r.DefaultBranch = head
	}
	return r
}
