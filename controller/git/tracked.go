package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Tracked returns the files below a directory that git tracks there, by slash-separated path relative to it. It is nil
// when the directory is in no git work tree. The repository is a person's: nothing in it is changed, and its
// configuration starts nothing.
func (c *Client) Tracked(ctx context.Context, dir string) (map[string]bool, error) {
	inside, err := inWorkTree(dir)
	if err != nil || !inside {
		return nil, err
	}
	files, err := c.list(ctx, call{dir: dir, config: []string{"safe.directory=*"}, args: []string{"ls-files", "-z", "--"}})
	if stderr, _, ok := said(err); ok && strings.Contains(ownWords(stderr), "not a git repository") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the files that git tracks in %s: %w", dir, err)
	}
	out := make(map[string]bool, len(files))
	for _, name := range files {
		out[name] = true
	}
	return out, nil
}

// inWorkTree tells whether the directory or one above it has a .git, which spares most directories a process.
func inWorkTree(dir string) (bool, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false, fmt.Errorf("looking for a git repository around %s: %w", dir, err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true, nil
		}
		if dir == filepath.Dir(dir) {
			return false, nil
		}
	}
}
