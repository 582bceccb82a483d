package store

import (
	"cmp"
	"encoding/binary"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"
)

// accessList is the extended attribute that holds a POSIX access list. Source of its format: the kernel's
// linux/posix_acl_xattr.h, version 2, little endian, the entries sorted by tag and id.
const (
	accessList        = "system.posix_acl_access"
	accessListVersion = 2
	accessEntrySize   = 8
)

// The tags of its entries, and the id of those that need none.
const (
	aclOwner, aclUser, aclGroup, aclNamedGroup, aclMask, aclOther = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20

	nobody = ^uint32(0)
)

// accessEntry gives rights, the digit of a mode, to whom tag and id name.
type accessEntry struct {
	tag, perm uint16
	id        uint32
}

type accessEntries []accessEntry

// readList reads the access list of a file; empty when it has none.
func readList(path string) accessEntries {
	buf := make([]byte, 64<<10)
	n, err := unix.Getxattr(path, accessList, buf)
	if err != nil || n < 4 || binary.LittleEndian.Uint32(buf) != accessListVersion {
		return nil
	}
	var out accessEntries
	for rest := buf[4:n]; len(rest) >= accessEntrySize; rest = rest[accessEntrySize:] {
		out = append(out, accessEntry{binary.LittleEndian.Uint16(rest), binary.LittleEndian.Uint16(rest[2:]), binary.LittleEndian.Uint32(rest[4:])})
	}
	return out
}

// encode returns the attribute's value.
func (l accessEntries) encode() []byte {
	slices.SortFunc(l, func(a, b accessEntry) int { return cmp.Or(cmp.Compare(a.tag, b.tag), cmp.Compare(a.id, b.id)) })
	out := binary.LittleEndian.AppendUint32(nil, accessListVersion)
	for _, e := range l {
		out = binary.LittleEndian.AppendUint16(out, e.tag)
		out = binary.LittleEndian.AppendUint16(out, e.perm)
		out = binary.LittleEndian.AppendUint32(out, e.id)
	}
	return out
}

// mask is what users and groups that are named, and the file's group, can do at most.
func (l accessEntries) mask() uint16 {
	for _, e := range l {
		if e.tag == aclMask {
			return e.perm
		}
	}
	return 7
}

// mode is the mode of a file with what its group can really do; the mode as it is where there is no list.
func (l accessEntries) mode(shown fs.FileMode) fs.FileMode {
	for _, e := range l {
		if e.tag == aclGroup {
			return shown&^0o070 | fs.FileMode(e.perm&l.mask())<<3
		}
	}
	return shown
}

// named are the entries of users and groups, with what they can really do.
func (l accessEntries) named() accessEntries {
	var out accessEntries
	for _, e := range l {
		if e.tag == aclUser || e.tag == aclNamedGroup {
			e.perm &= l.mask()
			out = append(out, e)
		}
	}
	return out
}

// masked adds the mask that leaves every entry what it gives.
func (l accessEntries) masked() accessEntries {
	var mask uint16
	for _, e := range l {
		if e.tag == aclUser || e.tag == aclGroup || e.tag == aclNamedGroup {
			mask |= e.perm
		}
	}
	return append(l, accessEntry{aclMask, mask, nobody})
}
