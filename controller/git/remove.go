package git

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// RemoveTree removes a file or a tree, also one in which an agent took permissions away, or that is deeper than a path
// can be long. It follows no link.
func RemoveTree(path string) error {
	if os.RemoveAll(path) == nil {
		return nil
	}
	f, err := openForced(unix.AT_FDCWD, path)
	switch {
	case err == nil:
		err = errors.Join((&removal{top: int(f.Fd())}).run(f), f.Close())
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		err = nil
	}
	if err := ignoreMissing(err); err != nil {
		return fmt.Errorf("removing %s: %w", shortened(path), err)
	}
	// What is left is an empty directory, or what could not be removed for another reason than what is in it.
	return os.RemoveAll(path)
}

// removal empties a directory. Directories are moved up into it before they are emptied in turn, so that a tree of
// whatever depth takes no long path and few descriptors.
type removal struct {
	top   int
	moved int
}

func (r *removal) run(top *os.File) error {
	for {
		// The names as they are now: the list of a directory that changes meanwhile is none.
		if _, err := top.Seek(0, 0); err != nil {
			return err
		}
		const most = 1024
		names, err := top.Readdirnames(most)
		if len(names) == 0 {
			return ignoreEnd(err)
		}
		for _, name := range names {
			if err := r.remove(name); err != nil {
				return err
			}
		}
	}
}

// remove removes an entry of the top directory.
func (r *removal) remove(name string) error {
	err := unix.Unlinkat(r.top, name, 0)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	if unix.Unlinkat(r.top, name, unix.AT_REMOVEDIR) == nil {
		return nil
	}
	f, openErr := openForced(r.top, name)
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	if err := errors.Join(r.empty(f), f.Close()); err != nil {
		return err
	}
	return os.NewSyscallError("rmdir", unix.Unlinkat(r.top, name, unix.AT_REMOVEDIR))
}

// empty takes everything out of a directory: what is no directory, or an empty one, is removed, others go to the top.
func (r *removal) empty(dir *os.File) error {
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	fd := int(dir.Fd())
	for _, name := range names {
		err := unix.Unlinkat(fd, name, 0)
		if err == nil || unix.Unlinkat(fd, name, unix.AT_REMOVEDIR) == nil {
			continue
		}
		if moveErr := r.moveUp(fd, name); moveErr != nil {
			return errors.Join(os.NewSyscallError("unlink", err), moveErr)
		}
	}
	return nil
}

// moveUp moves a directory to the top under a name that is free there. For that it has to be open itself, since its
// parent is an entry of it.
func (r *removal) moveUp(dir int, name string) error {
	f, err := openForced(dir, name)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	for {
		r.moved++
		// It may take the place of an empty directory there, and of nothing else.
		err := unix.Renameat(dir, name, r.top, ".awo-removed-"+strconv.Itoa(r.moved))
		if !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.ENOTDIR) {
			return os.NewSyscallError("rename", err)
		}
	}
}

// openForced opens a directory, and no link to one, after it has given its owner all rights in it.
func openForced(parent int, name string) (*os.File, error) {
	const rights, mode = 0o700, 0o7777
	fd, err := unix.Openat(parent, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: shortened(name), Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, os.NewSyscallError("stat", err)
	}
	if stat.Mode&rights != rights {
		// A descriptor like this can't be used for chmod, but names the directory whatever was put in its place.
		if err := unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), stat.Mode&mode|rights); err != nil {
			return nil, &os.PathError{Op: "chmod", Path: shortened(name), Err: err}
		}
	}
	opened, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: shortened(name), Err: err}
	}
	return os.NewFile(uintptr(opened), shortened(name)), nil
}
