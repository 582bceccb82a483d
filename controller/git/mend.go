package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/removal"
)

// Mend repairs what somebody has removed of a workspace, and keeps the files that are there. The base commit is fetched again
// if the mirror is gone: a workspace that borrows its objects is whole again with that. A repository that is gone is
// made anew; commits in it that were not collected are lost, what they changed is in the files.
func (c *Client) Mend(ctx context.Context, w Workspace) error {
	p, err := c.open(w)
	if err != nil {
		return err
	}
	if err := c.pinnedBase(ctx, p); err != nil {
		return err
	}
	_, err = os.Lstat(p.gitDir())
	if !errors.Is(err, fs.ErrNotExist) || plainDirectory(p.Dir, "the workspace") != nil {
		return nil //nolint:nilerr // what else may be wrong with it is told when the work is collected
	}
	logr.FromContextOrDiscard(ctx).Info("The workspace's repository is gone and is made anew", "dir", w.Dir)
	if err := c.remake(ctx, p); err != nil {
		return fmt.Errorf("making the repository of the workspace %s anew: %w", w.Dir, err)
	}
	return nil
}

// remake makes the workspace's repository without touching the files. It appears when it is complete.
func (c *Client) remake(ctx context.Context, p place) error {
	made := p
	made.Dir = filepath.Join(filepath.Dir(p.Dir), "."+filepath.Base(p.Dir)+".new")
	err := errors.Join(removal.Tree(made.Dir), os.MkdirAll(made.Dir, 0o755))
	if err == nil {
		err = c.makeRepository(ctx, made)
	}
	if err == nil {
		// The controller's index may name what is in no repository any more.
		k := p.onMirror("read-tree", p.BaseCommit)
		k.index = filepath.Join(made.gitDir(), "index")
		_, err = c.run(ctx, k)
	}
	if err == nil {
		err = os.Rename(made.gitDir(), p.gitDir())
	}
	crash.Here("repository made anew")
	return errors.Join(err, removal.Tree(made.Dir))
}

// Kept tells whether the mirror has the head that Collect gave.
func (c *Client) Kept(w Workspace, head string) (bool, error) {
	p, err := c.open(w)
	if err != nil {
		return false, err
	}
	pinned, err := p.mirror.pinned(p.ID, pinHead)
	return pinned == head, err
}
