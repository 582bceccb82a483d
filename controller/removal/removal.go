// Package removal removes what an agent left, however it is made.
package removal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Tree removes a file or a tree, also one in which an agent took permissions away, or that is deeper than a path
// can be long. It follows no link. What is not there is no error.
func Tree(path string) error {
	if os.RemoveAll(path) == nil {
		return nil
	}
	if err := entry(unix.AT_FDCWD, path); err != nil {
		return fmt.Errorf("removing %s: %w", filepath.Base(path), err)
	}
	return nil
}

// Entry is Tree for an entry of an open directory.
func Entry(dir *os.File, name string) error {
	if err := entry(int(dir.Fd()), name); err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	return nil
}

// entry removes what is called name in a directory.
func entry(dir int, name string) error {
	err := remove(dir, name)
	if err == nil {
		return nil
	}
	f, openErr := openForced(dir, name)
	if errors.Is(openErr, unix.ENOENT) {
		return nil
	}
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	if err := errors.Join((&removal{top: int(f.Fd())}).run(f), f.Close()); err != nil {
		return err
	}
	return remove(dir, name)
}

// remove removes what is no directory, or an empty one. What is not there is no error.
func remove(dir int, name string) error {
	err := unix.Unlinkat(dir, name, 0)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	if asDir := unix.Unlinkat(dir, name, unix.AT_REMOVEDIR); !errors.Is(asDir, unix.ENOTDIR) {
		return os.NewSyscallError("rmdir", asDir)
	}
	return os.NewSyscallError("unlink", err)
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
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
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
	err := remove(r.top, name)
	if err == nil {
		return nil
	}
	f, openErr := openForced(r.top, name)
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	if err := errors.Join(r.empty(f), f.Close()); err != nil {
		return err
	}
	return remove(r.top, name)
}

// empty takes everything out of a directory: what is no directory, or an empty one, is removed, others go to the top.
func (r *removal) empty(dir *os.File) error {
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	fd := int(dir.Fd())
	for _, name := range names {
		err := remove(fd, name)
		if err == nil {
			continue
		}
		if moveErr := r.moveUp(fd, name); moveErr != nil {
			return errors.Join(err, moveErr)
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
		return nil, &fs.PathError{Op: "open", Path: filepath.Base(name), Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, os.NewSyscallError("stat", err)
	}
	if stat.Mode&rights != rights {
		// A descriptor like this can't be used for chmod, but names the directory whatever was put in its place.
		if err := unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), stat.Mode&mode|rights); err != nil {
			return nil, &fs.PathError{Op: "chmod", Path: filepath.Base(name), Err: err}
		}
	}
	opened, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: filepath.Base(name), Err: err}
	}
	return os.NewFile(uintptr(opened), filepath.Base(name)), nil
}
