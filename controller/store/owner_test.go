package store_test

import (
	"io/fs"
	"syscall"
)

// ownerOf returns user and group of a file.
func ownerOf(info fs.FileInfo) [2]uint32 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return [2]uint32{}
	}
	return [2]uint32{st.Uid, st.Gid}
}
