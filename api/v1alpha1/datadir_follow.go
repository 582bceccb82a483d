package v1alpha1

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A repository can lead git elsewhere: by a file .git that names another directory, a commondir, borrowed objects
// (alternates), and links among its files. All of these are followed as git does.

// Bounds of what is followed. Git itself stops at five repositories that borrow from one another.
const (
	maxPlaces  = 64
	maxEntries = 1 << 20
	maxPointer = 64 << 10
)

// errTangled says that it was not seen to the end where a repository leads.
var errTangled = errors.New("leads on to more places, or has more files that are not packed, than are followed to see that it " +
	"stays outside of the data directory; name a repository that stands alone, and run git gc in it")

// trail follows a repository to wherever it leads.
type trail struct {
	// root is the data directory, resolved where it really lies.
	root, resolved string
	// all says to look at each file, also at those that are many: objects and refs that are not packed.
	all     bool
	seen    map[string]bool
	entries int
}

// What a place is looked at as.
const (
	asRepository = "repository "
	asObjects    = "objects "
	asLink       = "link "
)

// visit checks one place, and tells whether it was not looked at like this before.
func (t *trail) visit(as, place string) (bool, error) {
	clean := filepath.Clean(place)
	resolved := resolve(clean)
	if below(clean, t.root) || below(resolved, t.resolved) || sharesAncestor(resolved, t.root) {
		return false, errInDataDir
	}
	// Where .. follows a link, the kernel and a cleaned path disagree, and git uses both.
	if clean != place {
		if kernel, err := filepath.EvalSymlinks(place); err == nil && kernel != resolved && below(kernel, t.resolved) {
			return false, errInDataDir
		}
	}
	if t.seen[as+resolved] {
		return false, nil
	}
	t.seen[as+resolved] = true
	if len(t.seen) > maxPlaces && !t.all || len(t.seen) > maxEntries {
		return false, errTangled
	}
	return true, nil
}

// repository follows what git may take for a git directory, or for a file that names one.
func (t *trail) repository(place string) error {
	if fresh, err := t.visit(asRepository, place); !fresh || err != nil {
		return err
	}
	info, err := os.Stat(place)
	switch {
	case err != nil:
		return nil //nolint:nilerr // what cannot be looked at leads git nowhere either
	case info.IsDir():
		return t.gitDir(place)
	}
	target, is := strings.CutPrefix(pointer(place), "gitdir: ")
	if !is {
		return nil
	}
	return t.repository(from(filepath.Dir(place), strings.TrimRight(target, "\r\n")))
}

// gitDir follows what a git directory holds.
func (t *trail) gitDir(dir string) error {
	if common := strings.TrimRight(pointer(dir+"/commondir"), "\r\n"); common != "" {
		if err := t.repository(from(dir, common)); err != nil {
			return err
		}
	}
	for _, name := range []string{"HEAD", "packed-refs", "config", "refs", "objects"} {
		if err := t.entry(dir+"/"+name, true); err != nil {
			return err
		}
	}
	return t.borrowed(dir + "/objects")
}

// borrowed follows the alternates of a directory of objects.
func (t *trail) borrowed(objects string) error {
	text := pointer(objects + "/info/alternates")
	if len(text) == maxPointer {
		return errTangled
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		names := []string{line}
		if unquoted, err := strconv.Unquote(line); err == nil {
			names = append(names, unquoted)
		}
		for _, name := range names {
			if err := t.objects(from(objects, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// objects follows a directory of objects that another repository borrows from.
func (t *trail) objects(dir string) error {
	if fresh, err := t.visit(asObjects, dir); !fresh || err != nil {
		return err
	}
	if err := t.entry(dir, true); err != nil {
		return err
	}
	return t.borrowed(dir)
}

// entry looks at a file, link or directory, and at what is in it if it is to be listed.
func (t *trail) entry(place string, listed bool) error {
	if info, err := os.Lstat(place); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if fresh, err := t.visit(asLink, place); !fresh || err != nil {
			return err
		}
	}
	if !listed {
		return nil
	}
	return t.list(place)
}

// list looks at what is in a directory.
func (t *trail) list(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil //nolint:nilerr // no directory, or none that git can list either
	}
	if t.entries += len(entries); t.entries > maxEntries {
		return errTangled
	}
	for _, e := range entries {
		few := e.Name() == "pack" || e.Name() == "info" || e.Name() == "heads"
		switch listed := t.all || few; {
		case e.Type()&fs.ModeSymlink != 0:
			err = t.entry(dir+"/"+e.Name(), listed)
		case e.IsDir() && listed:
			err = t.list(dir + "/" + e.Name())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// from is a path that stands in a file of dir. It is not cleaned.
func from(dir, name string) string {
	if name, _, _ = strings.Cut(name, "\x00"); filepath.IsAbs(name) {
		return name
	}
	return dir + "/" + name
}

// pointer reads a file that names a place, as far as one may reach; empty when there is none, or none that git would use.
func pointer(file string) string {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxPointer))
	if err != nil {
		return ""
	}
	return string(text)
}
