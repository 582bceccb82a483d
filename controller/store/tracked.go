package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// askGit bounds how long git may take to list what it tracks.
const askGit = 30 * time.Second

// trackedFiles remembers what git tracks for as long as its index stays as it is.
type trackedFiles struct {
	mu    sync.Mutex
	known bool
	path  string
	at    stamp
	files map[string]bool
}

// isTracked tells whether git tracks a manifest.
func (s *Store) isTracked(rel string) (bool, error) {
	if s.opts.Tracked == nil {
		return false, nil
	}
	root, err := filepath.EvalSymlinks(s.layout.WorkOrders())
	if err != nil {
		return false, err
	}
	index, ok := gitIndex(root)
	if !ok {
		return false, nil
	}
	at, err := statStamp(index)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil // a repository to which nothing was ever added
	}
	if err != nil {
		return false, err
	}
	t := &s.tracked
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known || t.path != index || t.at != at {
		ctx, cancel := context.WithTimeout(context.Background(), askGit)
		defer cancel()
		files, err := s.opts.Tracked(ctx, s.layout.WorkOrders())
		if err != nil {
			return false, err
		}
		t.known, t.path, t.at, t.files = true, index, at, files
	}
	return t.files[rel], nil
}

// gitIndex finds the index of the git work tree that a directory belongs to. git writes it anew whenever it begins or
// ceases to track a file.
func gitIndex(dir string) (string, bool) {
	for {
		dotGit := filepath.Join(dir, ".git")
		if info, err := os.Stat(dotGit); err == nil {
			if info.IsDir() {
				return filepath.Join(dotGit, "index"), true
			}
			return linkedIndex(dotGit)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
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
