package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/store"
)

// Explain returns an *Error in place of an error about a file of the data directory that has to do with rights, space
// or the file system. Any other error it returns as it is.
func Explain(layout store.Layout, err error) error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	path, ok := pathOf(layout, err)
	if !ok {
		return err
	}
	return explain(layout, verbOf(path.Op), path.Path, err)
}

// ExplainToVisitor is Explain for a command, which need not be the one to whom the data directory belongs. It speaks of
// directories where a file of our own is in question, of which a visitor knows nothing.
func ExplainToVisitor(layout store.Layout, err error) error {
	path, ok := pathOf(layout, err)
	if !ok {
		return err
	}
	tried, at := verbOf(path.Op), path.Path
	if hidden := strings.HasPrefix(filepath.Base(at), "."); hidden && at != layout.Root {
		tried, at = "write into", filepath.Dir(at)
	}
	s := newScene(layout, tried, at, err)
	s.Visitor = true
	return s.explain()
}

// lookAt is the verb for the calls that only look whether something is there.
const lookAt = "look at"

// verbOf says in words what a system call does.
func verbOf(op string) string {
	if strings.HasSuffix(op, "stat") {
		return lookAt
	}
	return strings.TrimSuffix(op, "at")
}

// pathOf finds the file of the data directory that an error is about, if it is one that a person mends.
func pathOf(layout store.Layout, err error) (*fs.PathError, bool) {
	path, ok := errors.AsType[*fs.PathError](err)
	return path, ok && ours(err) && (below(path.Path, layout.Root) || below(layout.Root, path.Path))
}

// ours tells the errors that a person mends outside of this program.
func ours(err error) bool {
	for _, each := range []error{fs.ErrPermission, unix.ENOSPC, unix.EDQUOT, unix.EROFS, unix.ENOTDIR, unix.EIO, unix.ESTALE} {
		if errors.Is(err, each) {
			return true
		}
	}
	return false
}

// explain sets the scene and explains it.
func explain(layout store.Layout, tried, path string, err error) error {
	return newScene(layout, tried, path, err).explain()
}

// newScene looks at all that the explanation depends on.
func newScene(layout store.Layout, tried, path string, err error) scene {
	s := scene{
		Tried: tried, Path: path, Err: err, Root: layout.Root, WorkOrders: layout.WorkOrders(),
		Self:      identity{uint32(os.Geteuid()), uint32(os.Getegid())}, //nolint:gosec // ids of 32 bits
		Container: InContainer(), Mount: mountAt(layout.Root),
	}
	s.look()
	return s
}

// look finds out what there is at the path, or on the way to it.
func (s *scene) look() {
	s.Seen = s.Path
	for !s.see() && s.Seen != filepath.Dir(s.Seen) {
		s.Seen = filepath.Dir(s.Seen)
	}
	var space unix.Statfs_t
	if unix.Statfs(s.Seen, &space) == nil {
		block := uint64(space.Bsize) //nolint:gosec // no block has a negative size
		s.Free, s.Size = space.Bavail*block, space.Blocks*block
	}
}

// see notes owner and mode of what is there, and tells whether something is.
func (s *scene) see() bool {
	info, err := os.Stat(s.Seen)
	if err != nil {
		return false
	}
	s.Mode = info.Mode()
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Owner = identity{st.Uid, st.Gid}
	}
	return true
}
