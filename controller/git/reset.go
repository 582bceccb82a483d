package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/controller/removal"
)

// Reset brings the workspace back to the base commit: the work tree with all ignored and untracked files gone, and a
// repository as Checkout makes it. It costs little where little was changed. A workspace that can't be reset is made
// anew.
func (c *Client) Reset(ctx context.Context, w Workspace) error {
	p, err := c.open(w)
	if err != nil {
		return err
	}
	err = c.reset(ctx, p)
	if err == nil || ctx.Err() != nil {
		return err
	}
	logr.FromContextOrDiscard(ctx).Info("Making the workspace anew", "dir", w.Dir, "cause", err.Error())
	return c.Checkout(ctx, w)
}

func (c *Client) reset(ctx context.Context, p place) error {
	info, err := os.Lstat(p.Dir)
	if err != nil || !info.IsDir() {
		return errors.Join(err, fmt.Errorf("%s is no directory", p.Dir))
	}
	// The agent's links go first: read-tree trusts the file times that it sees through them.
	entries, err := readIndex(p.Index, p.BaseCommit)
	if err != nil {
		return err
	}
	if err := newKeep(entries).clean(p.Dir, ""); err != nil {
		return err
	}
	if err := removal.Tree(p.gitDir()); err != nil {
		return err
	}
	if err := c.makeRepository(ctx, p); err != nil {
		return err
	}
	return c.restore(ctx, p)
}

// keep is what belongs into a work tree, by slash-separated path.
type keep struct {
	files, directories map[string]bool
}

func newKeep(entries []entry) keep {
	k := keep{files: make(map[string]bool, len(entries)), directories: map[string]bool{"": true}}
	for _, e := range entries {
		if e.submodule {
			// A submodule's directory is empty as long as nobody filled it.
			k.directories[e.path] = true
		} else {
			k.files[e.path] = true
		}
		for dir := path.Dir(e.path); dir != "." && !k.directories[dir]; dir = path.Dir(dir) {
			k.directories[dir] = true
		}
	}
	return k
}

// clean removes from a directory all that does not belong there. It follows no link; the repository at the root is left
// to others.
func (k keep) clean(root, dir string) error {
	full := filepath.Join(root, filepath.FromSlash(dir))
	if err := openDirectory(full); err != nil {
		return err
	}
	entries, err := os.ReadDir(full)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case name == ".git":
		case e.IsDir() && k.directories[name]:
			err = k.clean(root, name)
		case e.IsDir() || !k.files[name] || isSpecial(e.Type()):
			err = removal.Tree(filepath.Join(full, e.Name()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
