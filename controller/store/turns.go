package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/crash"
)

// A record is written two dozen times a run. To make a new file each time and to remove the old one is what file systems
// are slowest at: ext4 passes over each inode that was freed lately whenever it looks for one, so that many orders slow
// down every program that makes files. So a record has two files that take turns.

// errNoTurn says that there is no second file to write to, and can be none.
var errNoTurn = errors.New("the second file is no plain file of ours")

// spareOf is the second file of a path.
func spareOf(path string) string { return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)) }

// writeInTurn is WriteFile for what one process alone writes, and often: the new content goes to a second file, which
// changes places with the first and keeps the old content for the next time. Who has the file open for longer than that
// may read half of either; what is in it has to tell.
func writeInTurn(path string, data []byte, mode fs.FileMode) error {
	spare := spareOf(path)
	err := refill(spare, data, mode)
	if errors.Is(err, errNoTurn) {
		return WriteFile(path, data, mode)
	}
	if err == nil {
		err = put(path, func() error { return takeTurn(spare, path) })
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// refill writes new content over that of the second file, durably. What stands there is nobody's any more.
func refill(spare string, data []byte, mode fs.FileMode) (err error) {
	if err := crash.Error("create", spare); err != nil {
		return err
	}
	f, err := os.OpenFile(spare, os.O_WRONLY|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return errNoTurn
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := isOwnFile(f); err != nil {
		return err
	}
	if err := errors.Join(write(f, data), f.Truncate(int64(len(data)))); err != nil {
		return err
	}
	return seal(f, mode)
}

// isOwnFile refuses what writing to would change something else.
func isOwnFile(f *os.File) error {
	var stat unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &stat); err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG || stat.Nlink != 1 || int(stat.Uid) != os.Geteuid() {
		return errNoTurn
	}
	return nil
}

// takeTurn has two files change places; where the file system knows no such thing, the first one goes.
func takeTurn(spare, path string) error {
	if err := crash.Error("rename", path); err != nil {
		return err
	}
	if err := renameExchange(spare, path); err == nil {
		return nil
	}
	return rename(spare, path)
}
