package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A sandbox keeps an agent from reading and writing files, but not from changing the modes of those that belong to
// its user, which is also the controller's. So what is closed is opened again, and never taken for absent, and what is
// opened to others is closed to them.

// rights are what the owner needs, what is given where that was taken away, and what is taken from others.
type rights struct{ needs, gives, takes fs.FileMode }

const (
	othersWrite fs.FileMode = 0o002
	strangers   fs.FileMode = 0o022
)

// A manifest that may not be written to, or a whole directory of them, is somebody's wish, and so is a group that may
// write there. One that its owner may not even read is not, and what it was before is not known.
var (
	ownDir   = rights{needs: 0o700, gives: 0o700}
	ownFile  = rights{needs: 0o600, gives: 0o600}
	listed   = rights{needs: 0o500, gives: 0o700, takes: othersWrite}
	readable = rights{needs: 0o400, gives: 0o600, takes: othersWrite}
	// Objects of git are read-only, and whoever borrows one relies on it.
	object    = rights{needs: 0o400, gives: 0o400, takes: othersWrite}
	objectDir = rights{needs: 0o700, gives: 0o700, takes: othersWrite}
	// publicFile is one that everybody may read and nobody else write.
	publicFile = rights{needs: 0o600, gives: 0o644, takes: strangers}
)

// Files below the data directory that other packages write.
const (
	serverAddressFile = "server-address"
	certificatesFile  = ".ca-bundle.crt"
)

// Repaired counts what was repaired: what was closed to this user and is open again, and what was open to others.
type Repaired struct{ Opened, Narrowed int }

// Any tells whether there was anything.
func (r Repaired) Any() bool { return r != Repaired{} }

// RepairModes gives the directories of the layout, and what is kept of the runs with these ids, the modes back that
// this user needs and others must not have. It is cheap enough to be called often.
func (l Layout) RepairModes(ids []string) (Repaired, error) {
	m := &mender{owner: os.Geteuid()}
	m.fixed(l)
	for _, id := range ids {
		m.tree(l.Output(id), ownDir, ownFile)
	}
	return m.repaired, m.failed
}

// RepairSharedModes does so for all that lies where other users of the machine can get to, but for workspaces. It looks
// at each manifest and each object of the mirrors; see SharedModes.
func (l Layout) RepairSharedModes() (Repaired, error) {
	m := &mender{owner: os.Geteuid()}
	m.shared(l)
	return m.repaired, m.failed
}

// RepairAllModes does so for all that is below the data directory but workspaces and agents' homes, which are mended
// where they are used.
func (l Layout) RepairAllModes() (Repaired, error) {
	m := &mender{owner: os.Geteuid()}
	m.shared(l)
	for _, dir := range []string{l.Outputs(), l.Logs(), l.indexes()} {
		m.tree(dir, ownDir, ownFile)
	}
	return m.repaired, m.failed
}

// DropSetIDs takes from the files in a run's workspace and home the right to run as their owner, whoever starts them: a
// copy of a shell with it would outlast the agent, and the sandbox. Directories that are closed to this user may be open
// to others, so they are opened.
func (l Layout) DropSetIDs(id string) (dropped int, err error) {
	for _, dir := range []string{l.Workspace(id), l.AgentHome(id)} {
		err = errors.Join(err, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return unlessGone(err)
			}
			had, err := dropSetID(path, e)
			if had {
				dropped++
			}
			return unlessGone(err)
		}))
	}
	return dropped, err
}

// dropSetID does so with one file, and opens a directory. The agent is gone by now, so nobody puts a link in its place.
func dropSetID(path string, e fs.DirEntry) (had bool, err error) {
	info, err := e.Info()
	if err != nil {
		return false, err
	}
	switch mode := info.Mode(); {
	case mode.IsDir() && mode&ownDir.needs != ownDir.needs:
		return false, os.Chmod(path, mode|ownDir.needs)
	case mode.IsRegular() && mode&(fs.ModeSetuid|fs.ModeSetgid) != 0:
		return true, os.Chmod(path, mode.Perm())
	}
	return false, nil
}

// opened reads a path, and once more when it was closed to its owner, who is this user, and could be opened.
func opened[T any](path string, r rights, read func() (T, error)) (T, error) {
	out, err := read()
	if !errors.Is(err, fs.ErrPermission) {
		return out, err
	}
	m := &mender{owner: os.Geteuid()}
	if m.give(path, r); m.repaired.Opened == 0 {
		return out, err
	}
	return read()
}

// readDir lists a directory, also one that was closed to this user.
func readDir(dir string) ([]fs.DirEntry, error) {
	return opened(dir, listed, func() ([]fs.DirEntry, error) { return os.ReadDir(dir) })
}

// readRecordFile reads a record, also of a run that was closed to this user. It waits for nobody: what lies in place of
// the record may be a pipe.
func (l Layout) readRecordFile(id string) ([]byte, error) {
	data, err := readRegular(l.RecordFile(id))
	if !errors.Is(err, fs.ErrPermission) {
		return data, err
	}
	if repaired, _ := l.RepairModes([]string{id}); repaired.Opened == 0 {
		return data, err
	}
	return readRegular(l.RecordFile(id))
}

func readRegular(path string) (_ []byte, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")})
	}
	return io.ReadAll(f)
}

// unlessGone is an error but for what vanishes while it is looked at.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
