package git

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// The controller's index of a workspace is read here without git, for Reset and Collect of a small repository cost
// little else than the start of processes. Its format is fixed by index.version=2.

// errIndex says that an index is damaged or of another version.
var errIndex = errors.New("this is no complete index of version 2")

// Sizes in an index: the header, the part of an entry before the object name, and the flags after it.
const (
	indexHeader = 12
	entryStat   = 40
	entryFlags  = 2
)

// entry is one path of an index.
type entry struct {
	path string
	// submodule says that another repository belongs there.
	submodule bool
	// size is what the file held when git last looked at it, in bytes; 0 when it did not yet.
	size int64
	// object is the content of an attribute file, which git reads out of the index where the file is gone.
	object string
}

// readIndex returns the entries of an index whose object names have as many hex digits as base.
func readIndex(file, base string) ([]entry, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	out, err := parseIndex(data, len(base)/2)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return out, nil
}

// parseIndex reads gitformat-index, version 2: 40 bytes of stat (the mode at 24, the size at 36), object name, flags, the
// path, and 1 to 8 NUL bytes up to a multiple of 8.
func parseIndex(data []byte, hash int) ([]entry, error) {
	const align, modeAt, sizeAt, typeBits, gitlink = 8, 24, 36, 0o170000, 0o160000
	if len(data) < indexHeader+hash || string(data[:4]) != "DIRC" || binary.BigEndian.Uint32(data[4:]) != 2 {
		return nil, errIndex
	}
	count, rest := int(binary.BigEndian.Uint32(data[8:])), data[indexHeader:len(data)-hash]
	fixed := entryStat + hash + entryFlags
	if count > len(rest)/fixed {
		return nil, errIndex
	}
	out := make([]entry, 0, count)
	for range count {
		if len(rest) <= fixed {
			return nil, errIndex
		}
		length := bytes.IndexByte(rest[fixed:], 0)
		size := (fixed + length + align) / align * align
		if length <= 0 || size > len(rest) {
			return nil, errIndex
		}
		e := entry{
			path:      string(rest[fixed : fixed+length]),
			submodule: binary.BigEndian.Uint32(rest[modeAt:])&typeBits == gitlink,
			size:      int64(binary.BigEndian.Uint32(rest[sizeAt:])),
		}
		if isAttributes(e.path) {
			e.object = hex.EncodeToString(rest[entryStat : entryStat+hash])
		}
		out = append(out, e)
		rest = rest[size:]
	}
	return out, nil
}

// stamp tells one state of a file from another.
type stamp struct {
	inode        uint64
	size         int64
	mtime, ctime syscall.Timespec
}

func stampOf(file string) (stamp, bool) {
	info, err := os.Lstat(file)
	if err != nil {
		return stamp{}, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp{}, false
	}
	return stamp{inode: s.Ino, size: s.Size, mtime: s.Mtim, ctime: s.Ctim}, true
}

// setFresh remembers that a run's index holds the base commit and nothing else.
func (c *Client) setFresh(p place) {
	if s, ok := stampOf(p.Index); ok {
		c.fresh.Store(p.ID, s)
	}
}

// takeFresh tells whether the index still is what setFresh saw, and forgets it, for it will be changed.
func (c *Client) takeFresh(p place) bool {
	seen, ok := c.fresh.LoadAndDelete(p.ID)
	now, exists := stampOf(p.Index)
	return ok && exists && seen == now
}
