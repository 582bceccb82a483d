package store

import (
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
	mode := fs.FileMode(st.Mode & 0o777)
	if kept.SameOwner && kept.SameGroup {
		return os.Chmod(fresh, mode)
	}
	// Where there is a list, the mode shows its mask in the group's place.
	listed := readList(former)
	a := keptAccess(listed.mode(mode), kept)
	if err := os.Chmod(fresh, a.mode); err != nil || a.user < 0 && a.group < 0 && len(listed) == 0 {
		return err
	}
	if err := unix.Setxattr(fresh, accessList, a.list(listed, st.Uid, st.Gid).encode(), 0); err != nil {
		return fmt.Errorf("user %d and group %d, whose it is, cannot be kept nor given access by a list: %w", st.Uid, st.Gid, err)
	}
	return nil
}

// ownership is what could be kept of a file's owner.
type ownership struct {
	SameOwner, SameGroup bool
	// OwnerInGroup: the former owner is a member of the file's group.
	OwnerInGroup bool
}

// access is who may do what with a file: its mode, and what an access list gives to the former owner and to the former group,
// as the last digit of a mode; -1 for no entry.
type access struct {
	mode        fs.FileMode
	user, group int
}

// keptAccess leaves everybody what they could do before and gives nobody more. What the owner could do moves to the group,
// if that reaches him; else an access list has to name him, and the former group where it could do other things than
// everybody.
func keptAccess(mode fs.FileMode, o ownership) access {
	out := access{mode: mode, user: -1, group: -1}
	if !o.SameGroup {
		// The bits of the former group do not go to another group.
		out.mode &^= 0o070
		if group := mode >> 3 & 7; group != mode&7 {
			out.group = int(group)
		}
	}
	switch {
	case o.SameOwner:
	case o.SameGroup && o.OwnerInGroup:
		out.mode |= (mode & 0o600) >> 3
	default:
		out.user = int(mode >> 6 & 6)
	}
	return out
}

// list is the access list of the new file: who was named before stays so, beside the former owner and group.
func (a access) list(former accessEntries, uid, gid uint32) accessEntries {
	out := accessEntries{
		{aclOwner, uint16(a.mode >> 6 & 7), nobody}, {aclGroup, uint16(a.mode >> 3 & 7), nobody}, {aclOther, uint16(a.mode & 7), nobody},
	}
	if a.user >= 0 {
		out = append(out, accessEntry{aclUser, uint16(a.user), uid}) //nolint:gosec // the digit of a mode
	}
	if a.group >= 0 {
		out = append(out, accessEntry{aclNamedGroup, uint16(a.group), gid}) //nolint:gosec // the digit of a mode
	}
	for _, e := range former.named() {
		if !slices.ContainsFunc(out, func(o accessEntry) bool { return o.tag == e.tag && o.id == e.id }) {
			out = append(out, e)
		}
	}
	return out.masked()
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
