package v1alpha1

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// errInDataDir is deliberately without a path: the way into the data directory may be a symlink.
var errInDataDir = errors.New("must not lie in the data directory of the controller, nor lead into it by links, alternates or a file .git; name a repository outside of it")

// outsideDataDir refuses a repository in the data directory: as it is written, through symlinks, by the identity of the
// directories above it (a bind mount), and by what the repository itself leads to. Git also looks for DIR/.git and
// DIR.git, so these too.
func outsideDataDir(repository, dataDir string) error { return followed(repository, dataDir, false) }

// CheckFileRepository is the check of a validation once more, for the moment before git is started, when links may have
// changed. It looks at each file of the repository, which takes too long for a validation.
func CheckFileRepository(path, dataDir string) error { return followed(path, dataDir, true) }

func followed(repository, dataDir string, all bool) error {
	if dataDir == "" {
		return nil
	}
	root, err := filepath.Abs(dataDir)
	if err != nil {
		return errInDataDir
	}
	t := &trail{root: root, resolved: resolve(root), all: all, seen: map[string]bool{}}
	for _, suffix := range []string{"", "/.git", ".git", ".git/.git"} {
		if err := t.repository(filepath.Clean(repository + suffix)); err != nil {
			return err
		}
	}
	return nil
}

// below tells whether a clean path is the root or lies below it.
func below(p, root string) bool {
	return p == root || strings.HasPrefix(p, strings.TrimSuffix(root, "/")+"/")
}

// maxLinks is how many symlinks in a row are followed to where nothing is.
const maxLinks = 40

// resolve follows the symlinks of a path, also of one that leads to what does not exist yet.
func resolve(p string) string {
	for range maxLinks {
		next, done := resolveOnce(p)
		if done {
			return next
		}
		p = next
	}
	return p
}

// resolveOnce resolves the part of a path that exists. It is not done when the first part that does not exist is a
// symlink: then it returns where that leads.
func resolveOnce(p string) (next string, done bool) {
	rest := ""
	for dir := p; ; dir = filepath.Dir(dir) {
		found, err := filepath.EvalSymlinks(dir)
		if err == nil {
			return filepath.Join(found, rest), true
		}
		if target, err := os.Readlink(dir); err == nil {
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(dir), target)
			}
			return filepath.Join(target, rest), false
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return p, true
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}

// sharesAncestor tells whether a directory above p is the root under another name.
func sharesAncestor(p, root string) bool {
	want, err := os.Stat(root)
	if err != nil {
		return false
	}
	for dir := p; ; dir = filepath.Dir(dir) {
		if got, err := os.Stat(dir); err == nil && os.SameFile(got, want) {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}
