package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// askGit bounds how long git may take to list what it tracks, askPatience how long anybody waits for that: a work tree
// on a slow network must not hold up the orders of others.
const (
	askGit      = 30 * time.Second
	askPatience = time.Second
)

// staleLock is how old the lock of an index is that a git which died has left.
const staleLock = 10 * time.Minute

// trackedFiles remembers what git tracks in each work tree, for as long as the index of that stays as it is.
type trackedFiles struct {
	mu    sync.Mutex
	trees map[string]*trackedTree // by the path of the index
}

// trackedTree is what git tracks in one work tree, by path relative to its top.
type trackedTree struct {
	at stamp
	// known is closed when git has answered, and only then the answer is to be read; late when nobody waits any more.
	known, late chan struct{}
	cancel      context.CancelFunc
	files       map[string]bool
	err         error
	// again is until when a failure counts that came when nobody waited for it any more.
	again time.Time
}

// isTracked tells whether git tracks a manifest, in whatever work tree its file really lies. ErrBusy: git is just
// changing that work tree and writes down only at the end what it tracks, or has not yet told.
func (s *Store) isTracked(rel string) (bool, error) {
	if s.opts.Tracked == nil {
		return false, nil
	}
	path, err := filepath.EvalSymlinks(filepath.Join(s.layout.WorkOrders(), rel))
	if err != nil {
		return false, err
	}
	top, index, ok := gitIndex(filepath.Dir(path))
	if !ok {
		return false, nil
	}
	if info, err := os.Stat(index + ".lock"); err == nil && s.wall().Sub(info.ModTime()) < staleLock {
		return false, fmt.Errorf("git is at work in %s: %w", top, ErrBusy)
	}
	files, err := s.trackedIn(top, index)
	if err != nil {
		return false, err
	}
	inTree, err := filepath.Rel(top, path)
	return files[filepath.ToSlash(inTree)], err
}

// trackedIn lists what git tracks in a work tree, asking git only when the index has changed.
func (s *Store) trackedIn(top, index string) (map[string]bool, error) {
	at, err := statStamp(index)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // a repository to which nothing was ever added
	}
	if err != nil {
		return nil, err
	}
	tree := s.tracked.tree(index, at, func(ctx context.Context) (map[string]bool, error) { return s.opts.Tracked(ctx, top) })
	select {
	case <-tree.known:
		return tree.files, tree.err
	default:
	}
	select {
	case <-tree.known:
		return tree.files, tree.err
	case <-tree.late:
		return nil, fmt.Errorf("git is slow to tell what it tracks in %s: %w", top, ErrBusy)
	}
}

// tree returns what git tracks in the work tree with an index in a state, known or being asked for; ask is called
// once for a state, and again after it has failed.
func (t *trackedFiles) tree(index string, at stamp, ask func(context.Context) (map[string]bool, error)) *trackedTree {
	t.mu.Lock()
	defer t.mu.Unlock()
	if tree := t.trees[index]; tree != nil && tree.at == at && !tree.failed() {
		return tree
	}
	tree := &trackedTree{at: at, known: make(chan struct{}), late: make(chan struct{})}
	ctx, cancel := context.WithTimeout(context.Background(), askGit)
	tree.cancel = cancel
	if t.trees == nil {
		t.trees = map[string]*trackedTree{}
	}
	t.trees[index] = tree
	late := time.AfterFunc(askPatience, func() { close(tree.late) })
	go func() {
		defer close(tree.known)
		defer cancel()
		tree.files, tree.err = ask(ctx)
		if !late.Stop() {
			tree.again = time.Now().Add(askGit)
		}
	}()
	return tree
}

// failed tells whether git could not tell and is to be asked again.
func (t *trackedTree) failed() bool {
	select {
	case <-t.known:
		return t.err != nil && time.Now().After(t.again)
	default:
		return false
	}
}

// stop ends what git is asked just now.
func (t *trackedFiles) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tree := range t.trees {
		tree.cancel()
	}
}

// gitIndex finds the work tree of git that a directory belongs to, and its index. git writes the index anew whenever it
// begins or ceases to track a file.
func gitIndex(dir string) (top, index string, ok bool) {
	for {
		dotGit := filepath.Join(dir, ".git")
		if info, err := os.Stat(dotGit); err == nil {
			if info.IsDir() {
				return dir, filepath.Join(dotGit, "index"), true
			}
			index, ok = linkedIndex(dotGit)
			return dir, index, ok
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", "", false
		}
		dir = parent
	}
}

// linkedIndex follows the file that a linked work tree or a submodule has in place of a directory.
func linkedIndex(dotGit string) (string, bool) {
	data, err := os.ReadFile(dotGit)
	target, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "gitdir: ")
	if err != nil || !ok {
		return "", false
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(dotGit), target)
	}
	return filepath.Join(target, "index"), true
}
