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

// Workspace is the repository in which the agent of one run works.
type Workspace struct {
	// ID is the run, URL its repository.
	ID, URL string
	// Dir is the workspace, Index the controller's index of it, a file outside of Dir.
	Dir, Index string
	// Branch is checked out at BaseCommit. BaseBranch is the branch that the work is for; it need not stand at
	// BaseCommit.
	Branch, BaseBranch, BaseCommit string
	// Full makes a repository that stands alone; otherwise it borrows the mirror's objects.
	Full bool
}

// place is a workspace whose fields were checked, with its mirror.
type place struct {
	Workspace
	location location
	mirror   *mirror
}

// open checks a workspace's fields and makes its mirror usable.
func (c *Client) open(w Workspace) (place, error) {
	l, err := c.locate(w.URL)
	if err != nil {
		return place{}, err
	}
	if _, err := branchRef(w.Branch); err != nil {
		return place{}, err
	}
	err = errors.Join(checkID(w.ID), checkObjectName("base commit", w.BaseCommit))
	if err == nil && (!filepath.IsAbs(w.Dir) || !filepath.IsAbs(w.Index)) {
		err = errors.New("its directory or its index is no absolute path")
	}
	if err != nil {
		return place{}, fmt.Errorf("workspace of run %q: %w", w.ID, err)
	}
	p := place{Workspace: w, location: l, mirror: c.mirror(l, w.BaseCommit)}
	return p, p.mirror.prepare(w.BaseCommit)
}

// gitDir is the workspace's own repository, which belongs to the agent.
func (p place) gitDir() string { return filepath.Join(p.Dir, ".git") }

// onTree is a call that works on the files of the workspace with the controller's repository and index.
func (p place) onTree(args ...string) call {
	return call{gitDir: p.mirror.dir, workTree: p.Dir, dir: p.Dir, index: p.Index, id: p.ID, args: args}
}

// onMirror is a call that works on the mirror alone.
func (p place) onMirror(args ...string) call {
	return call{gitDir: p.mirror.dir, id: p.ID, args: args}
}

// Checkout makes the workspace: a repository of its own with Branch checked out at BaseCommit. Whatever is in its place
// is removed before. The workspace appears under its name when it is complete.
func (c *Client) Checkout(ctx context.Context, w Workspace) error {
	p, err := c.open(w)
	if err != nil {
		return err
	}
	if err := c.pinnedBase(ctx, p); err != nil {
		return err
	}
	made := p
	made.Dir = halfMade(w.Dir)
	if err := c.make(ctx, made); err != nil {
		return fmt.Errorf("making the workspace %s: %w", w.Dir, errors.Join(err, removal.Tree(made.Dir)))
	}
	crash.Here("workspace made")
	if err := errors.Join(removal.Tree(w.Dir), os.Rename(made.Dir, w.Dir)); err != nil {
		return fmt.Errorf("putting the workspace into its place: %w", err)
	}
	crash.Here("workspace in its place")
	return nil
}

// halfMade is where the workspace in dir is made.
func halfMade(dir string) string {
	return filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".new")
}

// RemoveWorkspace removes a workspace and its index, whole, half made or locked by a git that died.
func RemoveWorkspace(dir, index string) error {
	return errors.Join(removal.Tree(dir), removal.Tree(halfMade(dir)), removal.Tree(index), removeFile(index+".lock"))
}

// RemoveHalfMade removes the workspaces in a directory that a dead controller was making. Their runs may never come back
// to it, for they may have been cancelled. None may be in the making.
func RemoveHalfMade(dir string) error {
	entries, err := os.ReadDir(dir)
	failed := []error{err}
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".new") {
			failed = append(failed, removal.Tree(filepath.Join(dir, name)))
		}
	}
	return errors.Join(failed...)
}

// pinnedBase fetches the base commit if the mirror was removed since it was fetched.
func (c *Client) pinnedBase(ctx context.Context, p place) error {
	pinned, err := p.mirror.pinned(p.ID, pinBase)
	if err != nil || pinned == p.BaseCommit {
		return err
	}
	return c.Fetch(ctx, p.URL, p.ID, p.BaseCommit)
}

func (c *Client) make(ctx context.Context, p place) error {
	err := errors.Join(removal.Tree(p.Dir), removeFile(p.Index), os.MkdirAll(p.Dir, 0o755), os.MkdirAll(filepath.Dir(p.Index), 0o755))
	if err != nil {
		return err
	}
	if err := c.makeRepository(ctx, p); err != nil {
		return err
	}
	return c.restore(ctx, p)
}

// restore puts the files of the base commit into the work tree and the index into both repositories.
func (c *Client) restore(ctx context.Context, p place) error {
	if err := removeFile(p.Index + ".lock"); err != nil {
		return err
	}
	if _, err := c.run(ctx, p.onTree("read-tree", "-u", "--reset", p.BaseCommit)); err != nil {
		return checkoutFailure(p, err)
	}
	c.setFresh(p)
	return copyFile(p.Index, filepath.Join(p.gitDir(), "index"))
}

// checkoutFailure says which failures are the repository's and will not go away.
func checkoutFailure(p place, err error) error {
	stderr, _, ok := said(err)
	if ok && (strings.Contains(stderr, "File name too long") || strings.Contains(stderr, "invalid path")) {
		return failure.NewTerminal(v1alpha1.ReasonCloneFailed, fmt.Errorf(
			"commit %s of %s has a path that can't be written here: %w", p.BaseCommit, p.URL, err))
	}
	return err
}

// makeRepository writes the workspace's own repository without an index. In Full mode it fetches the objects, through
// git and never by links, which the agent could damage the mirror through.
func (c *Client) makeRepository(ctx context.Context, p place) error {
	refs, err := workspaceRefs(p)
	if err != nil {
		return err
	}
	files := map[string]string{
		"HEAD":         "ref: refs/heads/" + p.Branch + "\n",
		"config":       c.workspaceConfig(p),
		"info/exclude": excludeText,
	}
	if !p.Full {
		files["packed-refs"], files["objects/info/alternates"] = refs, alternatesText(p.mirror)
		return writeGitDir(p.gitDir(), files)
	}
	if err := writeGitDir(p.gitDir(), files); err != nil {
		return err
	}
	_, err = c.run(ctx, call{
		gitDir: p.gitDir(), protocol: schemeFile, id: p.ID,
		args: []string{"fetch", "--quiet", "--no-write-fetch-head", "--refmap=", "--recurse-submodules=no", "--update-head-ok", "--", p.mirror.dir,
			pinName(p.ID, pinBase) + ":refs/heads/" + p.Branch,
			"+" + c.baseSource(p) + ":" + originRefs + "/" + p.BaseBranch},
	})
	if err != nil {
		return fmt.Errorf("copying the objects of %s: %w", p.mirror.dir, err)
	}
	return nil
}

// baseSource is the ref of the mirror that the workspace's remote branch begins with.
func (c *Client) baseSource(p place) string {
	followed := originRefs + "/" + p.BaseBranch
	if object, err := readRef(p.mirror.dir, followed); err == nil && object != "" {
		return followed
	}
	return pinName(p.ID, pinBase)
}

func (c *Client) workspaceConfig(p place) string {
	return workspaceConfig(p.Workspace, p.location.url, c.config.AuthorName, c.config.AuthorEmail)
}

// excludeText keeps the agent's own git add away from what the controller would leave out.
const excludeText = ".claude/\n.env*\n!.env*/\n.env/\n"

// alternatesText is the only content that a workspace's alternates may have.
func alternatesText(m *mirror) string { return filepath.Join(m.dir, "objects") + "\n" }

// workspaceRefs writes the workspace's packed-refs: its branch, the base branch as the remote has it, all tags.
func workspaceRefs(p place) (string, error) {
	base, err := readRef(p.mirror.dir, originRefs+"/"+p.BaseBranch)
	if err != nil {
		return "", err
	}
	if base == "" {
		base = p.BaseCommit
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s refs/heads/%s\n%s %s/%s\n", p.BaseCommit, p.Branch, base, originRefs, p.BaseBranch)
	loose := map[string]bool{}
	err = looseRefs(p.mirror.dir, tagRefs, func(value, name string) bool {
		loose[name] = true
		fmt.Fprintf(&b, "%s %s\n", value, name)
		return true
	})
	if err != nil {
		return "", err
	}
	err = packedRefs(p.mirror.dir, func(value, name string) bool {
		if strings.HasPrefix(name, tagRefs+"/") && !loose[name] {
			fmt.Fprintf(&b, "%s %s\n", value, name)
		}
		return true
	})
	return b.String(), err
}
