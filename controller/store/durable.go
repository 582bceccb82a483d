package store

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/crash"
)

// Temporary files of ours begin and end like this. The dot keeps them out of every listing.
const (
	tempPrefix = ".awo-"
	tempSuffix = ".tmp"
)

// WriteFile writes a file so that after a crash at any instant either the old content is there or the new one,
// and so that after it returned nil the new one is: temporary file in the same directory, fsync, rename, fsync
// of the directory. The mode is set as given, whatever the umask. The directory must exist.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	temp := filepath.Join(filepath.Dir(path), tempPrefix+randomHex(8)+tempSuffix)
	return writeThrough(temp, path, mode, func(f *os.File) error { return write(f, data) })
}

// WriteLarge is WriteFile for what fill writes bit by bit. Nobody else may be writing the same file: the temporary one
// has a name of its own, so that what a death leaves of it goes with the next attempt.
func WriteLarge(path string, mode fs.FileMode, fill func(*os.File) error) error {
	temp := filepath.Join(filepath.Dir(path), tempPrefix+filepath.Base(path)+tempSuffix)
	if err := removeIfThere(temp); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return writeThrough(temp, path, mode, fill)
}

// writeThrough makes a file durable under a temporary name, and then durable under its own.
func writeThrough(temp, path string, mode fs.FileMode, fill func(*os.File) error) error {
	err := makeTemp(temp, mode, fill, seal)
	if err == nil {
		err = put(path, func() error {
			err := rename(temp, path)
			if err != nil {
				_ = os.Remove(temp)
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// put moves what is staged durably to its path.
func put(path string, move func() error) error {
	crash.At("write", path, "staged")
	if err := move(); err != nil {
		return err
	}
	crash.At("write", path, "renamed")
	if err := syncDir(filepath.Dir(path)); err != nil {
		return &unsyncedError{err}
	}
	crash.At("write", path, "durable")
	return nil
}

// SaveFile writes a file that nothing depends on after a crash, such as a prompt that is kept for people: without
// waiting for the disk. The directory must exist.
func SaveFile(path string, data []byte, mode fs.FileMode) error {
	if err := os.WriteFile(path, data, mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// writeTemp creates a file that must not exist, durable in itself. Of a failed one nothing is left.
func writeTemp(temp string, data []byte, mode fs.FileMode) error {
	err := writeUnshared(temp, mode, func(f *os.File) error { return write(f, data) })
	if err != nil {
		return err
	}
	f, err := os.Open(temp)
	if err == nil {
		err = errors.Join(syncFile(f), f.Close())
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	return err
}

// writeUnshared writes a file while no process is started: until that executes its program it would have the file open for
// writing, and look like somebody who saves. The disk is not waited for.
func writeUnshared(temp string, mode fs.FileMode, fill func(*os.File) error) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return makeTemp(temp, mode, fill, setMode)
}

// makeTemp creates a file that must not exist, filled and then finished with its mode. Of a failed one nothing is left.
func makeTemp(temp string, mode fs.FileMode, fill func(*os.File) error, finish func(*os.File, fs.FileMode) error) (err error) {
	f, err := create(temp)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(temp)
		}
	}()
	if err := fill(f); err != nil {
		return err
	}
	return finish(f, mode)
}

// seal gives a written file its mode and makes it durable.
func seal(f *os.File, mode fs.FileMode) error {
	if err := setMode(f, mode); err != nil {
		return err
	}
	return syncFile(f)
}

func setMode(f *os.File, mode fs.FileMode) error {
	return errors.Join(crash.Error("chmod", f.Name()), f.Chmod(mode))
}

func syncFile(f *os.File) error {
	crash.Here("file written")
	return errors.Join(crash.Error("sync", f.Name()), f.Sync())
}

func create(temp string) (*os.File, error) {
	if err := crash.Error("create", temp); err != nil {
		return nil, err
	}
	return os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func write(f *os.File, data []byte) error {
	err := crash.Error("write", f.Name())
	if err != nil {
		data = data[:len(data)/2]
	}
	_, wrote := f.Write(data)
	return errors.Join(err, wrote)
}

func rename(from, to string) error {
	if err := crash.Error("rename", to); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// syncDir makes the entries of a directory durable. File systems that know no such thing refuse it; they have
// nothing to lose by it.
func syncDir(dir string) (err error) {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	crash.Here("directory changed")
	if err := errors.Join(crash.Error("sync directory", dir), f.Sync()); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	return nil
}

// isTemp tells whether a file name is one of our temporary files.
func isTemp(name string) bool {
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}

// randomHex returns n random bytes as hex digits. The source of randomness does not fail on Linux.
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
