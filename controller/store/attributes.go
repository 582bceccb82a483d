package store

import (
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// keepAttributes gives a new file owner, mode and extended attributes of the one whose place it takes. Where the owner
// cannot be kept, the former owner can still read and edit it.
func keepAttributes(former, fresh string, st *unix.Stat_t) error {
	if err := os.Lchown(fresh, int(st.Uid), int(st.Gid)); err != nil {
		// Without the right to give files away, the group at least, if we are in it.
		_ = os.Lchown(fresh, -1, int(st.Gid))
	}
	var now unix.Stat_t
	if err := unix.Stat(fresh, &now); err != nil {
		return err
	}
	mode := keptMode(fs.FileMode(st.Mode&0o777), ownership{
		SameOwner: now.Uid == st.Uid, SameGroup: now.Gid == st.Gid,
		OwnerInGroup: now.Gid == st.Gid && inGroup(st.Uid, st.Gid),
	})
	copyAttributes(former, fresh)
	return os.Chmod(fresh, mode)
}

// ownership is what could be kept of a file's owner.
type ownership struct {
	SameOwner, SameGroup bool
	// OwnerInGroup: the former owner is a member of the file's group.
	OwnerInGroup bool
}

// keptMode is the mode that leaves everybody what they could do before. What the owner could do moves to the group,
// if that reaches him, or else to everybody.
func keptMode(mode fs.FileMode, o ownership) fs.FileMode {
	if !o.SameGroup {
		// The bits of the former group do not go to another group.
		mode &^= 0o070
	}
	if o.SameOwner {
		return mode
	}
	owner := mode & 0o600
	if o.SameGroup && o.OwnerInGroup {
		return mode | owner>>3
	}
	return mode | owner>>6
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
		if name != "system.posix_acl_access" && !strings.HasPrefix(name, "user.") {
			continue
		}
		if size, err := unix.Getxattr(former, name, value); err == nil {
			// An attribute that the file system refuses is no reason to refuse the write.
			_ = unix.Setxattr(fresh, name, value[:size], 0)
		}
	}
}
