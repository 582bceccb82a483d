package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Error says why the data directory cannot be used, in words for whoever can mend it.
type Error struct {
	// Path is what could not be used.
	Path string
	// Facts say what was tried, whose the path is, and who tried; Advice what mends it.
	Facts, Advice string
	// Err is what the system said.
	Err error
}

// Error tells all of it on one line.
func (e *Error) Error() string { return e.Facts + "; " + e.Advice }

// Unwrap returns what the system said.
func (e *Error) Unwrap() error { return e.Err }

// image is the image that the advice for containers names: any with chown would do.
const image = "archon-awo"

// scene is everything that the explanation of a failure depends on.
type scene struct {
	// Tried is what was done to Path: "create", "write into". Err is what the system said to it.
	Tried, Path string
	Err         error
	// Root is the data directory, WorkOrders the watched one in it, which may be somebody else's.
	Root, WorkOrders string
	// Seen is Path, or what is there of the way to it. The rest is its.
	Seen       string
	Owner      identity
	Mode       fs.FileMode
	Free, Size uint64
	// Self is who this process is.
	Self identity
	// Visitor tells that this process is a command, and the data directory perhaps that of a controller which runs as
	// its owner and must go on.
	Visitor bool
	// Container tells that this process runs in one, Mount what is mounted there.
	Container bool
	Mount     mount
}

// identity is a user and a group.
type identity struct{ UID, GID uint32 }

func (i identity) String() string {
	return strconv.FormatUint(uint64(i.UID), 10) + ":" + strconv.FormatUint(uint64(i.GID), 10)
}

// mount is where a path is mounted from.
type mount struct {
	// Point is where, "/" for the root file system.
	Point string
	// Volume is the name of the Docker volume, if it is one.
	Volume string
}

// explain says what is wrong and what mends it.
func (s scene) explain() *Error {
	facts := fmt.Sprintf("cannot %s %s: %s", s.Tried, s.Path, reasonOf(s.Err))
	e := &Error{Path: s.Path, Err: s.Err}
	switch {
	case errors.Is(s.Err, unix.ENOSPC), errors.Is(s.Err, unix.EDQUOT):
		e.Facts = fmt.Sprintf("%s (%s free of %s in the file system of %s)", facts, Bytes(s.Free), Bytes(s.Size), s.Seen)
		e.Advice = fmt.Sprintf("free space there or enlarge it; `du -xsh %s/*` shows what takes it, and `awo delete` removes the workspaces of orders", s.Root)
	case errors.Is(s.Err, unix.EROFS):
		e.Facts, e.Advice = facts+s.ownership(), s.adviseReadOnly()
	case errors.Is(s.Err, fs.ErrPermission):
		e.Facts, e.Advice = facts+s.ownership(), s.advisePermission()
	case errors.Is(s.Err, unix.ENOTDIR), errors.Is(s.Err, fs.ErrExist):
		e.Facts, e.Advice = facts+s.ownership(), "move what is there away, or name another data directory with --data-dir or AWO_DATA_DIR"
	default:
		e.Facts, e.Advice = facts+s.ownership(), "look at the device or server that holds it (`dmesg`, `mount`), or name another data directory with --data-dir or AWO_DATA_DIR"
	}
	return e
}

// reasonOf takes the path out of an error that stands beside that path anyway.
func reasonOf(err error) string {
	if wrapped, ok := errors.AsType[*fs.PathError](err); ok {
		err = wrapped.Err
	}
	return err.Error()
}

// ownership tells whose the path is and who we are.
func (s scene) ownership() string {
	return fmt.Sprintf("; %s belongs to %s (mode %#o), this process runs as %s", s.Seen, s.Owner, s.Mode.Perm(), s.Self)
}

func (s scene) adviseReadOnly() string {
	if s.Container && s.Mount.Point == "/" {
		return fmt.Sprintf("no volume is mounted there and the container's own file system is read-only: mount one, as by `-v awo-data:%s`", s.Root)
	}
	return fmt.Sprintf("the file system of %s is mounted read-only: mount it for writing (in Docker without :ro), or name another data directory with --data-dir or AWO_DATA_DIR", s.Seen)
}

// advisePermission is the command that lets this process at it: by the owner where that is another, by the mode where
// that is what is in the way.
func (s scene) advisePermission() string {
	switch {
	case s.Visitor && s.Owner.UID != s.Self.UID && (s.Tried == lookAt || below(s.Seen, s.Root)):
		return s.adviseVisitor()
	case !below(s.Seen, s.Root):
		return s.adviseOutside()
	case below(s.Seen, s.WorkOrders):
		return "let this process read it, its owner stays: chmod -R a+rX " + s.Seen
	case s.Owner.UID != s.Self.UID:
		return s.adviseOwner()
	case s.Mode.Perm()&0o600 != 0o600 || s.Mode.IsDir() && s.Mode.Perm()&0o700 != 0o700:
		return "give its owner the rights back: chmod -R u+rwX " + s.Seen
	}
	return fmt.Sprintf("owner and mode allow it, so something else denies it: an access list (`getfacl %[1]s`), an immutable file (`lsattr -d %[1]s`) or "+
		"a security module such as SELinux (`ls -dZ %[1]s`; in Docker, the mount option :Z)", s.Seen)
}

// adviseOutside is for a data directory that is not there and whose parent is somebody else's.
func (s scene) adviseOutside() string {
	return fmt.Sprintf("make it as root: mkdir -p %[1]s && chown %[2]s %[1]s; or name another data directory with --data-dir or AWO_DATA_DIR", s.Root, s.Self)
}

// adviseVisitor leaves the data directory to its owner: taking it away would stop the controller.
func (s scene) adviseVisitor() string {
	if s.Container {
		return fmt.Sprintf("run awo as its owner: docker exec --user %s CONTAINER awo ...; or name another data directory with --data-dir or AWO_DATA_DIR", s.Owner)
	}
	return fmt.Sprintf("run awo as its owner: sudo -u '#%d' awo ...; or name another data directory with --data-dir or AWO_DATA_DIR", s.Owner.UID)
}

func (s scene) adviseOwner() string {
	command := fmt.Sprintf("chown -R %s %s", s.Self, s.Seen)
	switch {
	case !s.Container:
		return "give it to this user, as root: " + command
	case s.Mount.Point == "/":
		return fmt.Sprintf("no volume is mounted there: mount one, run as the owner (--user %s), or give it to this user, as root: %s", s.Owner, command)
	case s.Mount.Volume == "":
		return fmt.Sprintf("give it to this user: docker run --rm --user 0 -v VOLUME:%s %s %s, where VOLUME is the volume or the host's directory",
			s.Mount.Point, image, command)
	}
	return fmt.Sprintf("give it to this user: docker run --rm --user 0 -v %s:%s %s %s", s.Mount.Volume, s.Mount.Point, image, command)
}

// below tells whether a clean path is the root or lies below it.
func below(path, root string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}
