package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/removal"
)

// Collected is the work of a run as commits of the mirror.
type Collected struct {
	// Head is the newest commit; the base commit when there is no work.
	Head string
	// Commits, Files, Additions and Deletions measure base to head. Binary files count no lines.
	Commits, Files, Additions, Deletions int32
	// LeftOut lists files of the work tree that were not committed on purpose; a directory ends with a slash.
	LeftOut []string
	// Paths are all that any of the commits changed, also what a later commit changed back. Sorted.
	Paths []string
	// Links are those of the paths that are submodules, before or after.
	Links []string
}

// Collect turns the agent's work into commits. The agent's own commits are taken as they are, if they descend from the
// base commit; what else changed in the work tree, and git does not ignore, becomes one commit on top of them. Nothing
// that the agent wrote is run, and its repository is read only after it was found to be plain. Collect may be repeated;
// where nothing changed in between it gives the same commits.
func (c *Client) Collect(ctx context.Context, w Workspace, message string) (Collected, error) {
	p, own, err := c.commits(ctx, w)
	if err != nil {
		return Collected{}, err
	}
	parent := p.BaseCommit
	if len(own) > 0 {
		parent = own[0]
	}
	found, err := c.stage(ctx, p, parent)
	if err != nil {
		return Collected{}, fmt.Errorf("staging the work in %s: %w", w.Dir, stagingFailure(err))
	}
	return c.conclude(ctx, p, own, found, message)
}

// Commits returns the newest of the commits that the agent made, and the base commit when it made none. What it left
// uncommitted is not looked at, so it may be what no Collect gets through.
func (c *Client) Commits(ctx context.Context, w Workspace) (string, error) {
	p, own, err := c.commits(ctx, w)
	if err != nil {
		return "", err
	}
	if len(own) == 0 {
		return p.BaseCommit, nil
	}
	return own[0], nil
}

// commits opens a workspace and brings the agent's commits into the mirror.
func (c *Client) commits(ctx context.Context, w Workspace) (p place, own []string, err error) {
	if p, err = c.open(w); err != nil {
		return p, nil, err
	}
	if err := inspect(p); err != nil {
		return p, nil, err
	}
	if err := c.pinnedBase(ctx, p); err != nil {
		return p, nil, err
	}
	own, err = c.agentCommits(ctx, p)
	return p, own, err
}

// conclude measures, commits the tree and pins the head. own are the agent's commits, the newest first.
func (c *Client) conclude(ctx context.Context, p place, own []string, s staged, message string) (Collected, error) {
	out := Collected{Head: p.BaseCommit, LeftOut: s.leftOut}
	if len(own) > 0 {
		out.Head = own[0]
	}
	if err := c.measure(ctx, p, own, s, &out); err != nil {
		return Collected{}, fmt.Errorf("measuring the work in %s: %w", p.Dir, err)
	}
	if out.Files == 0 {
		// Commits that come to nothing are no work.
		out = Collected{Head: p.BaseCommit, LeftOut: s.leftOut}
		return out, p.mirror.pin(p.ID, pinHead, out.Head)
	}
	if s.tree != "" {
		head, err := c.commit(ctx, p, own, s.tree, message)
		crash.Here("committed")
		if err != nil {
			return Collected{}, fmt.Errorf("committing the work in %s: %w", p.Dir, err)
		}
		if head != out.Head {
			out.Head, out.Commits = head, clamp(len(own)+1)
		}
	}
	return out, p.mirror.pin(p.ID, pinHead, out.Head)
}

// agentCommits brings the commits that the agent made into the mirror and returns them, the newest first.
func (c *Client) agentCommits(ctx context.Context, p place) ([]string, error) {
	if agentHead(p.gitDir()) == p.BaseCommit {
		return nil, nil
	}
	if err := c.checkRepository(p); err != nil {
		return nil, err
	}
	if err := c.importHead(ctx, p); err != nil {
		return nil, err
	}
	crash.Here("agent's commits fetched")
	agent, err := p.mirror.pinned(p.ID, pinAgent)
	if err != nil {
		return nil, err
	}
	if agent == "" {
		return nil, unreadable(p, errors.New("git took no commit from them, and said nothing"))
	}
	list, err := c.line(ctx, p.onMirror("rev-list", "--left-right", "--topo-order", p.BaseCommit+"..."+agent))
	if err != nil {
		return nil, fmt.Errorf("listing the agent's commits: %w", err)
	}
	if strings.Contains(list, "<") {
		return nil, failure.NewTerminal(v1alpha1.ReasonAgentFailed, fmt.Errorf(
			"the agent left HEAD at %s, which does not descend from the base commit %s (a reset, a rebase or an orphan branch); "+
				"nothing was pushed, ask in the request to commit on top of the branch as it is, then retry", agent, p.BaseCommit))
	}
	return strings.Fields(strings.ReplaceAll(list, ">", " ")), c.checkCommits(ctx, p, agent)
}

// importHead fetches HEAD of the workspace into the mirror. The workspace's configuration is replaced by ours before,
// and its .git is served as it is and nothing within or above it.
func (c *Client) importHead(ctx context.Context, p place) error {
	if err := c.ownSettings(p); err != nil {
		return fmt.Errorf("replacing the configuration of %s: %w", p.gitDir(), err)
	}
	server, err := c.uploadPack(p)
	if err != nil {
		return err
	}
	defer server.close()
	k := p.onMirror("fetch", "--quiet", "--no-tags", "--refmap=", "--no-write-fetch-head", "--recurse-submodules=no",
		"--negotiation-tip="+p.BaseCommit, "--upload-pack="+server.command, "--", p.gitDir(), "+HEAD:"+pinName(p.ID, pinAgent))
	k.protocol, k.files = schemeFile, server.files
	// What is large goes from file to file and never through memory whole.
	k.config = []string{"fetch.fsckObjects=true", "core.bigFileThreshold=32m"}
	_, err = c.run(ctx, k)
	if err := server.failure(err); err != nil {
		return err
	}
	return importFailure(p, err)
}

// ownSettings replaces what could make git see another history than the one that the objects have.
func (c *Client) ownSettings(p place) error {
	dir := p.gitDir()
	err := errors.Join(
		removal.Tree(filepath.Join(dir, "config.worktree")), removal.Tree(filepath.Join(dir, "shallow")),
		makeWay(filepath.Join(dir, "config"), false), makeWay(filepath.Join(dir, "info"), true),
		removeFile(filepath.Join(p.mirror.dir, filepath.FromSlash(pinName(p.ID, pinAgent))+".lock")),
	)
	if err != nil {
		return err
	}
	return errors.Join(
		removal.Tree(filepath.Join(dir, "info", "grafts")),
		replaceFile(filepath.Join(dir, "config"), c.workspaceConfig(p)),
	)
}

// makeWay removes what has a name and is of another kind than belongs there: a directory, or a file.
func makeWay(path string, directory bool) error {
	info, err := os.Lstat(path)
	if err != nil || info.IsDir() == directory {
		return ignoreMissing(err)
	}
	return removal.Tree(path)
}

// importFailure blames the agent for a repository that can't be fetched from, but not for our troubles.
func importFailure(p place, err error) error {
	stderr, timedOut, ok := said(err)
	if !ok || timedOut || kindOf(stderr) == kindDiskFull {
		return err
	}
	return unreadable(p, err)
}

func unreadable(p place, err error) error {
	return failure.NewTerminal(v1alpha1.ReasonAgentFailed, fmt.Errorf(
		"the agent's commits in %s can't be read; nothing was pushed, see `awo logs` for what the agent did, then retry: %w", p.Dir, err))
}

// commit puts a tree on top of a parent and returns the commit: the parent itself if it has that tree already, and the
// commit of an earlier Collect if that is the same but for its time and message.
func (c *Client) commit(ctx context.Context, p place, own []string, tree, message string) (string, error) {
	former, err := p.mirror.pinned(p.ID, pinHead)
	if err != nil {
		return "", err
	}
	parent := p.BaseCommit
	if len(own) > 0 {
		parent = own[0]
	}
	// The base commit itself is known to have another tree.
	if len(own) > 0 || former != "" {
		if same, err := c.sameCommit(ctx, p, commitOf{parent: parent, tree: tree, message: message}, former); same != "" || err != nil {
			return same, err
		}
	}
	k := p.onMirror("commit-tree", tree, "-p", parent, "-F", "-")
	k.stdin = strings.NewReader(message)
	k.env = []string{
		"GIT_AUTHOR_NAME=" + c.config.AuthorName, "GIT_AUTHOR_EMAIL=" + c.config.AuthorEmail,
		"GIT_COMMITTER_NAME=" + c.config.AuthorName, "GIT_COMMITTER_EMAIL=" + c.config.AuthorEmail,
	}
	return c.line(ctx, k)
}

// commitOf is what a commit is to be.
type commitOf struct{ parent, tree, message string }

// sameCommit returns the parent if it has the tree, else the former head if it is the very commit, else "".
func (c *Client) sameCommit(ctx context.Context, p place, wanted commitOf, former string) (string, error) {
	args := []string{"log", "-z", "--no-walk=unsorted", "--no-show-signature", "--format=%H %T %P%n%B", wanted.parent}
	if former != "" && former != wanted.parent {
		args = append(args, former)
	}
	list, err := c.list(ctx, p.onMirror(append(args, "--")...))
	if err != nil {
		return "", err
	}
	for _, entry := range list {
		line, message, _ := strings.Cut(entry, "\n")
		commit, rest, _ := strings.Cut(line, " ")
		tree, parents, _ := strings.Cut(rest, " ")
		same := parents == wanted.parent && strings.TrimSpace(message) == strings.TrimSpace(wanted.message)
		if tree == wanted.tree && (commit == wanted.parent || same) {
			return commit, nil
		}
	}
	return "", nil
}
