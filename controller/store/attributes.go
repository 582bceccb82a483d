package store

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// keepAttributes gives a new file owner, mode and extended attributes of the one whose place it takes. Where the owner
// cannot be kept, the former owner can still read and edit it, by the group or by an access list, and nobody can who
// could not before. An error means that this cannot be had, and that the file should be left alone.
func keepAttributes(former, fresh string, st *unix.Stat_t) error {
	if err := os.Lchown(fresh, int(st.Uid), int(st.Gid)); err != nil {
		// Without the right to give files away, the group at least, if we are in it.
		_ = os.Lchown(fresh, -1, int(st.Gid))
	}
	var now unix.Stat_t
	if err := unix.Stat(fresh, &now); err != nil {
		return err
	}
	kept := ownership{
		SameOwner: now.Uid == st.Uid, SameGroup: now.Gid == st.Gid,
		OwnerInGroup: now.Gid == st.Gid && inGroup(st.Uid, st.Gid),
	}
	copyAttributes(former, fresh)
	mode, listed := keptMode(fs.FileMode(st.Mode&0o777), kept)
	if err := os.Chmod(fresh, mode); err != nil || !listed {
		return err
	}
	if err := unix.Setxattr(fresh, accessList, listFor(mode, st.Uid), 0); err != nil {
		return fmt.Errorf("its owner, user %d, cannot be kept nor given access by a list: %w", st.Uid, unix.EPERM)
	}
	return nil
}

// ownership is what could be kept of a file's owner.
type ownership struct {
	SameOwner, SameGroup bool
	// OwnerInGroup: the former owner is a member of the file's group.
	OwnerInGroup bool
}

// keptMode is the mode that leaves everybody what they could do before and gives nobody more. What the owner could do
// moves to the group, if that reaches him; else listed tells that an access list has to name him.
func keptMode(mode fs.FileMode, o ownership) (kept fs.FileMode, listed bool) {
	if !o.SameGroup {
		// The bits of the former group do not go to another group.
		mode &^= 0o070
	}
	switch {
	case o.SameOwner:
		return mode, false
	case o.SameGroup && o.OwnerInGroup:
		return mode | (mode&0o600)>>3, false
	}
	return mode, true
}

// accessList is the extended attribute that holds a POSIX access list.
const accessList = "system.posix_acl_access"

// listFor is the access list of a mode with one user more, who may do what the owner may but execute. Source of the
// format: the kernel's linux/posix_acl_xattr.h, version 2, little endian.
func listFor(mode fs.FileMode, uid uint32) []byte {
	const owner, user, group, mask, other, nobody = 0x01, 0x02, 0x04, 0x10, 0x20, ^uint32(0)
	bits := func(shift int) uint16 { return uint16(mode >> shift & 7) }
	named := bits(6) & 6
	out := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{
		{owner, bits(6), nobody}, {user, named, uid}, {group, bits(3), nobody},
		{mask, bits(3) | named, nobody}, {other, bits(0), nobody},
	} {
		out = binary.LittleEndian.AppendUint16(out, e.tag)
		out = binary.LittleEndian.AppendUint16(out, e.perm)
		out = binary.LittleEndian.AppendUint32(out, e.id)
	}
	return out
}

func inGroup(uid, gid uint32) bool {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return false
	}
	groups, err := u.GroupIds()
	return err == nil && slices.Contains(groups, strconv.FormatUint(uint64(gid), 10))
}

// copyAttributes copies what extended attributes may be copied, access lists among them.
func copyAttributes(former, fresh string) {
	buf := make([]byte, 64<<10)
	n, err := unix.Listxattr(former, buf)
	if err != nil {
		return // a file system without them
	}
	value := make([]byte, 64<<10)
	for name := range strings.SplitSeq(strings.TrimRight(string(buf[:n]), "\x00"), "\x00") {
		if name != accessList && !strings.HasPrefix(name, "user.") {
			continue
		}
		if size, err := unix.Getxattr(former, name, value); err == nil {
			// An attribute that the file system refuses is no reason to refuse the write.
			_ = unix.Setxattr(fresh, name, value[:size], 0)
		}
	}
}
