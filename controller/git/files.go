package git

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ignoreMissing makes nil of the error that something does not exist.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// removeFile removes a file that may not be there.
func removeFile(file string) error { return ignoreMissing(os.Remove(file)) }

// isTooLong tells whether a path, or a name in it, is longer than the system takes.
func isTooLong(err error) bool { return errors.Is(err, syscall.ENAMETOOLONG) }

// withShortPath shortens the path that an error of the system names.
func withShortPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: e.Op, Path: shortened(e.Path), Err: e.Err}
	}
	return err
}

// shortened cuts a path for a message in its middle.
func shortened(path string) string {
	const most = 200
	if len(path) <= most {
		return path
	}
	return strings.ToValidUTF8(path[:most/2], "") + "..." + strings.ToValidUTF8(path[len(path)-most/2:], "")
}

// openDirectories gives the owner all rights in every directory of a tree. It follows no link.
func openDirectories(path string) error {
	if err := openDirectory(path); err != nil {
		return err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := openDirectories(filepath.Join(path, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// openTree gives the owner all rights in every directory of a tree, and the right to read every file. It follows no
// link. A tree that is not there is no error.
func openTree(path string) error {
	const read = 0o400
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return ignoreMissing(err)
	}
	if err := openDirectories(path); err != nil {
		return err
	}
	return filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Mode().Perm()&read != 0 {
			return err
		}
		//nolint:gosec // a link in its place by now gives its owner the right to read what it names, nobody else
		return os.Chmod(file, info.Mode().Perm()|read)
	})
}

// openDirectory gives the owner all rights in a directory.
func openDirectory(path string) error {
	const rights = 0o700
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm()&rights == rights {
		return err
	}
	return os.Chmod(path, info.Mode().Perm()|rights)
}

// copyFile copies a file under a name that does not exist yet.
func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}
