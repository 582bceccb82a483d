package store

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// errChanging says that a file changed while it was read.
var errChanging = errors.New("the file changes while it is read")

// content is what one reading of a file found.
type content struct {
	data []byte
	at   stamp
	stat unix.Stat_t
	// busy tells that some process has the file open for writing.
	busy bool
}

// readContent reads a regular file in one state. It never waits, not for a pipe's writer either.
func readContent(path string) (c content, err error) {
	f, err := opened(path, readable, func() (*os.File, error) { return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) })
	if err != nil {
		return content{}, err
	}
	defer func() { _ = f.Close() }()
	if err := unix.Fstat(int(f.Fd()), &c.stat); err != nil {
		return content{}, fmt.Errorf("stat %s: %w", path, err)
	}
	if err := checkReadable(&c.stat); err != nil {
		return content{}, err
	}
	c.at, c.busy = stampOf(&c.stat), openForWriting(f)
	if c.data, err = io.ReadAll(io.LimitReader(f, manifest.MaxSize+1)); err != nil {
		return content{}, fmt.Errorf("read %s: %w", path, err)
	}
	var after unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &after); err != nil {
		return content{}, fmt.Errorf("stat %s: %w", path, err)
	}
	if stampOf(&after) != c.at {
		return content{}, errChanging
	}
	return c, nil
}

func checkReadable(st *unix.Stat_t) error {
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errors.New("not a regular file")
	}
	if st.Size > manifest.MaxSize {
		return fmt.Errorf("larger than %d MiB, which no manifest should be", manifest.MaxSize>>20)
	}
	return nil
}

// openForWriting tells whether some process has the file open for writing: then it may be half written however
// long it has been quiet. The kernel grants a read lease only when nobody has. Where leases are not to be had
// (another's file, a network file system), nobody can tell and the answer is no.
func openForWriting(f *os.File) bool {
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		return errors.Is(err, unix.EAGAIN)
	}
	_, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	return false
}
