package git

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

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
		plain := plainName(name)
		if isProtected(plain) || matchesAny(globs, plain) || matchesAny(globs, strings.ToLower(name)) {
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

// unseen are the characters that HFS+ leaves out of names.
var unseen = &unicode.RangeTable{R16: []unicode.Range16{{0x200c, 0x200f, 1}, {0x202a, 0x202e, 1}, {0x206a, 0x206f, 1}, {0xfeff, 0xfeff, 1}}}

// shortGitmodules are the names that NTFS may give .gitmodules, too.
var shortGitmodules = regexp.MustCompile(`^(gitmod~[1-4]|gi7eba~[1-9])$`)

// plainName is a path as it is on file systems that take several names for one: in small letters, without characters that
// are not seen, blanks and dots at an end, and what follows a colon.
func plainName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unseen, r) {
			return -1
		}
		return r
	}, strings.ToLower(strings.ReplaceAll(name, `\`, "/")))
	elements := strings.Split(name, "/")
	for i, e := range elements {
		e, _, _ = strings.Cut(e, ":")
		if e = strings.TrimRight(e, " ."); shortGitmodules.MatchString(e) {
			e = ".gitmodules"
		}
		elements[i] = e
	}
	return strings.Join(elements, "/")
}

func isProtected(name string) bool {
	// The repository itself under another name; git leaves out those that it knows.
	if slices.Contains(strings.Split(name, "/"), ".git") || slices.Contains(protectedFiles, name) {
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
