package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/failure"
)

// Fetch brings the mirror up to date, unless it has the base commit already, and pins the base commit for the run. Of
// several runs that want the same at the same time, one fetches and the others wait for it.
func (c *Client) Fetch(ctx context.Context, url, id, base string) error {
	l, err := c.locate(url)
	if err != nil {
		return err
	}
	if err := errors.Join(checkID(id), checkObjectName("base commit", base)); err != nil {
		return fmt.Errorf("fetching %s: %w", url, err)
	}
	m := c.mirror(l, base)
	if err := m.lock(ctx); err != nil {
		return failure.NewInterrupted(fmt.Errorf("waiting for another fetch of %s: %w", url, err))
	}
	defer m.unlock()
	if err := c.obtain(ctx, l, m, id, base); err != nil {
		return err
	}
	return m.pin(id, pinBase, base)
}

// obtain sees to it that the base commit and all that belongs to it are in the mirror.
func (c *Client) obtain(ctx context.Context, l location, m *mirror, id, base string) error {
	if err := m.prepare(base); err != nil {
		return err
	}
	// The pins of others are not looked at: each past order has three, and each would be a file to read.
	if pinned, err := m.pinned(id, pinBase); pinned == base || err != nil {
		return err
	}
	if have, err := hasRefAt(m.dir, base, originRefs); have || err != nil {
		return err
	}
	if err := c.update(ctx, l, m, id, base); err != nil {
		return err
	}
	if have, err := hasRefAt(m.dir, base, originRefs); have || err != nil {
		return err
	}
	return c.obtainFormer(ctx, l, m, id, base)
}

// update fetches all branches and tags. A mirror that turns out to be damaged is built anew if nobody borrows from it.
func (c *Client) update(ctx context.Context, l location, m *mirror, id, base string) error {
	if m.interrupted {
		if err := removeFetchLocks(m.dir); err != nil {
			return fmt.Errorf("clearing the mirror %s: %w", m.dir, err)
		}
		m.interrupted = false
	}
	err := c.download(ctx, l, m, id)
	if !damaged(err) {
		return err
	}
	if borrowed, listErr := m.borrowed(); borrowed || listErr != nil {
		return fmt.Errorf("the mirror %s is damaged, but other runs borrow from it; it is rebuilt when they have ended: %w",
			m.dir, errors.Join(err, listErr))
	}
	logr.FromContextOrDiscard(ctx).Info("Rebuilding a damaged mirror", "mirror", m.dir, "error", err.Error())
	if err := errors.Join(m.discard(), m.prepare(base)); err != nil {
		return err
	}
	return c.download(ctx, l, m, id)
}

func (c *Client) download(ctx context.Context, l location, m *mirror, id string) error {
	_, statErr := os.Lstat(filepath.Join(m.dir, "packed-refs"))
	_, err := c.run(ctx, call{
		gitDir: m.dir, remote: &l, id: id, transfers: true,
		args: []string{"fetch", "--quiet", "--prune", "--no-tags", "--refmap=", "--no-write-fetch-head", "--recurse-submodules=no",
			"--", l.url, "+refs/heads/*:" + originRefs + "/*", "+refs/tags/*:" + tagRefs + "/*"},
	})
	if err != nil {
		m.interrupted = true
		return fmt.Errorf("fetching %s: %w", l.url, explain(c.access(l), v1alpha1.ReasonCloneFailed, err))
	}
	crash.Here("fetched")
	if statErr == nil {
		return nil
	}
	// Thousands of branches would otherwise be a file each. Later there are pins, which are written beside git.
	_, err = c.run(ctx, call{gitDir: m.dir, id: id, args: []string{"pack-refs", "--all"}})
	return err
}

// obtainFormer gets a base commit that no branch begins with any more: it may be a part of one, or the branch was
// rewritten and the server still has it.
func (c *Client) obtainFormer(ctx context.Context, l location, m *mirror, id, base string) error {
	out, err := c.line(ctx, call{gitDir: m.dir, id: id, args: []string{
		"for-each-ref", "--count=1", "--format=%(refname)", "--contains=" + base, originRefs}})
	if err == nil && out != "" {
		return nil
	}
	_, err = c.run(ctx, call{gitDir: m.dir, remote: &l, id: id, transfers: true, args: []string{
		"fetch", "--quiet", "--no-tags", "--refmap=", "--no-write-fetch-head", "--recurse-submodules=no",
		"--", l.url, "+" + base + ":" + pinName(id, pinBase)}})
	if err != nil {
		return fmt.Errorf("fetching commit %s, which is in no branch of %s any more: %w",
			base, l.url, explain(c.access(l), v1alpha1.ReasonCloneFailed, err))
	}
	return nil
}

// damaged tells whether git stopped at broken objects of the mirror.
func damaged(err error) bool {
	stderr, _, ok := said(err)
	return ok && kindOf(stderr) == kindCorrupt
}

// removeFetchLocks removes what a fetch that was cut off has locked. The right to fetch must be held.
func removeFetchLocks(dir string) error {
	return errors.Join(
		removeStale(filepath.Join(dir, filepath.FromSlash(originRefs))),
		removeStale(filepath.Join(dir, filepath.FromSlash(tagRefs))),
		removeFile(filepath.Join(dir, "packed-refs.lock")),
	)
}
