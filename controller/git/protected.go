package git

import (
	"slices"
	"strings"
)

// protectedFiles are files that run, or decide, with a repository's secrets as soon as a branch is pushed.
var protectedFiles = []string{
	".gitlab-ci.yml", ".gitmodules", "codeowners", "docs/codeowners", ".gitlab/codeowners",
}

// protectedDirs are directories of such files.
var protectedDirs = []string{".github/"}

// Protected returns those of the paths that are protected: .github/**, .gitlab-ci.yml, .gitmodules and CODEOWNERS where
// a forge looks for it. Case is ignored, for there are file systems and forges that ignore it. Paths are relative to the
// repository, with slashes; the order stays.
func Protected(paths []string) []string {
	var out []string
	for _, name := range paths {
		if isProtected(strings.ToLower(name)) {
			out = append(out, name)
		}
	}
	return out
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
