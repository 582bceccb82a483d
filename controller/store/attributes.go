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

// keepAttributes gives a new file owner, group, mode and extended attributes of the one whose place it takes. Where owner or
// group cannot be kept, the former ones can still read and edit it, by the group or by an access list, and nobody can who
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
	a := keptAccess(fs.FileMode(st.Mode&0o777), kept)
	if err := os.Chmod(fresh, a.mode); err != nil || a.user == 0 && a.group == 0 {
		return err
	}
	if err := unix.Setxattr(fresh, accessList, a.list(st.Uid, st.Gid), 0); err != nil {
		return fmt.Errorf("its owner, user %d of group %d, cannot be kept nor given access by a list: %w", st.Uid, st.Gid, unix.EPERM)
	}
	return nil
}

// ownership is what could be kept of a file's owner.
type ownership struct {
	SameOwner, SameGroup bool
	// OwnerInGroup: the former owner is a member of the file's group.
	OwnerInGroup bool
}

// access is who may do what with a file: its mode, and what an access list gives to the former owner and to the former
// group, as the last digit of a mode; 0 for nothing.
type access struct{ mode, user, group fs.FileMode }

// keptAccess leaves everybody what they could do before and gives nobody more. What the owner could do moves to the group,
// if that reaches him; else an access list has to name him, and the former group where it could do more than everybody.
func keptAccess(mode fs.FileMode, o ownership) access {
	out := access{mode: mode}
	if !o.SameGroup {
		// The bits of the former group do not go to another group.
		out.mode &^= 0o070
		if group := mode >> 3 & 7; group&^mode&7 != 0 {
			out.group = group
		}
	}
	switch {
	case o.SameOwner:
	case o.SameGroup && o.OwnerInGroup:
		out.mode |= (mode & 0o600) >> 3
	default:
		out.user = mode >> 6 & 6
	}
	return out
}

// accessList is the extended attribute that holds a POSIX access list.
const accessList = "system.posix_acl_access"

// list is the access list that names a user, a group or both. Source of the format: the kernel's
// linux/posix_acl_xattr.h, version 2, little endian.
func (a access) list(uid, gid uint32) []byte {
	const owner, user, group, namedGroup, mask, other, nobody = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, ^uint32(0)
	type entry struct {
		tag  uint16
		perm fs.FileMode
		id   uint32
	}
	entries := []entry{{owner, a.mode >> 6 & 7, nobody}}
	if a.user != 0 {
		entries = append(entries, entry{user, a.user, uid})
	}
	entries = append(entries, entry{group, a.mode >> 3 & 7, nobody})
	if a.group != 0 {
		entries = append(entries, entry{namedGroup, a.group, gid})
	}
	entries = append(entries, entry{mask, a.mode>>3&7 | a.user | a.group, nobody}, entry{other, a.mode & 7, nobody})
	out := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range entries {
		out = binary.LittleEndian.AppendUint16(out, e.tag)
		out = binary.LittleEndian.AppendUint16(out, uint16(e.perm&7))
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
