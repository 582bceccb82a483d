package git

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// protectedFiles are files that run, or decide, with a repository's secrets as soon as a branch is pushed.
var protectedFiles = []string{
	".gitlab-ci.yml", ".gitmodules", "codeowners", "docs/codeowners", ".gitlab/codeowners",
}

// protectedDirs are directories of such files.
var protectedDirs = []string{".github/"}

// Protected returns those of the paths that are protected: .github/**, .gitlab-ci.yml, .gitmodules and CODEOWNERS where
// a forge looks for it, and what matches one of the globs. Case is ignored, for there are file systems and forges that
// ignore it. A glob that matches a directory covers what lies in it. Paths are relative to the repository, with slashes; the order stays.
func Protected(paths []string, globs ...string) []string {
	var out []string
	for _, name := range paths {
		if lower := strings.ToLower(name); isProtected(lower) || matchesAny(globs, lower) {
			out = append(out, name)
		}
	}
	return out
}

// CheckGlob tells what is wrong with a glob of paths.
func CheckGlob(glob string) error {
	if strings.HasPrefix(glob, "!") || strings.Contains(glob, `\`) || slices.Contains(strings.Split(glob, "/"), "..") || globOf(glob) == "" ||
		!doublestar.ValidatePattern(glob) {
		return fmt.Errorf("%q is no glob of paths; write it as deploy/** or **/*.tf", glob)
	}
	return nil
}

// globOf is a glob however it is written: relative to the repository, case ignored.
func globOf(glob string) string { return strings.Trim(path.Clean(strings.ToLower("/"+glob)), "/") }

// matchesAny tells whether a path, or a directory that it lies in, matches.
func matchesAny(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		glob = globOf(glob)
		for at := name; at != "."; at = path.Dir(at) {
			if ok, err := doublestar.Match(glob, at); err == nil && ok {
				return true
			}
		}
		return false
	})
}

func isProtected(name string) bool {
	if slices.Contains(protectedFiles, name) {
		return true
	}
	for _, dir := range protectedDirs {
		// The directory itself may be a link or a submodule.
		if strings.HasPrefix(name, dir) || name+"/" == dir {
			return true
		}
	}
	return false
}
