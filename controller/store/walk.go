package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// sight is a manifest file as a listing sees it.
type sight struct {
	at stamp
	// real is where the file really lies when a symlink leads to it, else empty.
	real string
	// swapped tells that the way to it leads through a hidden directory which is swapped as a whole, as
	// Kubernetes does with ..data.
	swapped bool
}

// listing is what a walk of workorders/, or of a part of it, found. Paths are relative to workorders/, slashes.
type listing struct {
	files map[string]sight
	// ignored are files of other kinds. Those that are called like a manifest and cannot be one have an error.
	ignored map[string]error
	// temps are temporary files of ours, absolute.
	temps []string
	// broken names what could not be read.
	broken map[string]error
	// dirs maps each directory, by its real path, to where it is shown.
	dirs map[string]shown
}

// walker lists a tree of manifests.
type walker struct {
	root     string // as configured
	realRoot string
	// enter is called with each directory before it is read, so that a watch misses nothing.
	enter func(realDir string)
	out   listing
	seen  map[string]bool // real paths of linked files and directories
}

// walk lists workorders/ (rel empty) or a directory below it. The root itself must be readable.
func walk(root, rel string, enter func(realDir string)) (listing, error) {
	realRoot, err := filepath.EvalSymlinks(root)
	if err != nil {
		return listing{}, err
	}
	w := &walker{root: root, realRoot: realRoot, enter: enter, seen: map[string]bool{}}
	w.out = listing{files: map[string]sight{}, ignored: map[string]error{}, broken: map[string]error{}, dirs: map[string]shown{}}
	dir := filepath.Join(realRoot, rel)
	if rel == "" {
		if _, err := readDir(dir); err != nil {
			return listing{}, err
		}
	}
	w.dir(dir, rel, false)
	return w.out, nil
}

// dir lists one directory. It is shown at rel and really lies at realDir.
func (w *walker) dir(realDir, rel string, swapped bool) {
	w.enter(realDir)
	entries, err := readDir(realDir)
	if errors.Is(err, fs.ErrNotExist) && rel != "" {
		return
	}
	w.out.dirs[realDir] = shown{rel: rel, swapped: swapped}
	if err != nil {
		w.out.broken[rel] = err
	}
	for _, e := range entries {
		w.entry(realDir, joinRel(rel, e.Name()), e, swapped)
	}
}

func (w *walker) entry(realDir, rel string, e fs.DirEntry, swapped bool) {
	path := filepath.Join(realDir, e.Name())
	switch {
	case isTemp(e.Name()):
		w.out.temps = append(w.out.temps, path)
	case strings.HasPrefix(e.Name(), "."):
	case e.Type()&fs.ModeSymlink != 0:
		w.link(path, rel)
	case e.IsDir():
		w.dir(path, rel, swapped)
	case !isManifest(e.Name()):
		w.out.ignored[rel] = nil
	case !e.Type().IsRegular():
		w.out.ignored[rel] = errNoFile
	default:
		w.file(path, rel, sight{swapped: swapped})
	}
}

func (w *walker) file(path, rel string, s sight) {
	at, err := statStamp(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		w.out.broken[rel] = err
	default:
		s.at = at
		w.out.files[rel] = s
	}
}

// link follows a symlink, unless what it leads to is listed anyway, or is a directory elsewhere.
func (w *walker) link(path, rel string) {
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrPermission) {
		// There may be something behind it.
		w.out.broken[rel] = err
		return
	}
	if err != nil {
		// Dangling or a loop: there is nothing behind it.
		w.out.ignored[rel] = onlyManifest(rel, fmt.Errorf("is a link that leads nowhere: %w", RootCause(err)))
		return
	}
	info, err := os.Stat(real)
	inside, hidden := w.below(real)
	switch {
	case err != nil || w.seen[real] || (inside && !hidden && !w.skipped(real, info)):
		w.out.ignored[rel] = nil
	case info.IsDir() && inside && hidden:
		w.seen[real] = true
		w.dir(real, rel, w.swapped(real))
	case info.Mode().IsRegular() && isManifest(rel):
		w.seen[real] = true
		w.file(real, rel, sight{real: real, swapped: w.swapped(real)})
	case !info.Mode().IsRegular() && !info.IsDir():
		w.out.ignored[rel] = onlyManifest(rel, errNoFile)
	default:
		w.out.ignored[rel] = nil
	}
}

// errNoFile says that something is a pipe, a socket or a device.
var errNoFile = errors.New("is no regular file: take it out of the directory")

// onlyManifest returns the error of what is called like a manifest, and nil for anything else.
func onlyManifest(rel string, err error) error {
	if isManifest(rel) {
		return err
	}
	return nil
}

// skipped tells whether a walk passes over a file below the root, so that a link may show it.
func (w *walker) skipped(real string, info fs.FileInfo) bool {
	return info.Mode().IsRegular() && !isManifest(filepath.Base(real))
}

// below tells whether a real path lies below the root, and whether something on the way there is hidden.
func (w *walker) below(real string) (inside, hidden bool) {
	rel, err := filepath.Rel(w.realRoot, real)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return false, false
	}
	for part := range strings.SplitSeq(rel, "/") {
		if part != "." && strings.HasPrefix(part, ".") {
			return true, true
		}
	}
	return true, false
}

// swapped tells whether a real path leads through a directory that Kubernetes swaps as a whole, such as
// ..2026_11_23, to which ..data points.
func (w *walker) swapped(real string) bool {
	for part := range strings.SplitSeq(strings.TrimPrefix(real, w.realRoot), "/") {
		if strings.HasPrefix(part, "..") {
			return true
		}
	}
	return false
}

// isManifest tells whether a file name is one that we read.
func isManifest(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// joinRel joins relative paths, slashes.
func joinRel(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// device returns the device that a directory lies on.
func device(dir string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return 0, err
	}
	return st.Dev, nil
}
