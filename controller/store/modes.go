package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A sandbox keeps an agent from reading and writing files, but not from changing the modes of those that belong to
// its user, which is also the controller's. So what is closed is opened again, and never taken for absent.

// rights are what the owner needs, and what is given back where that was taken away.
type rights struct{ needs, gives fs.FileMode }

// A manifest that may not be written to, or a whole directory of them, is somebody's wish. One that its owner may not
// even read is not, and what it was before is not known.
var (
	ownDir   = rights{0o700, 0o700}
	ownFile  = rights{0o600, 0o600}
	listed   = rights{0o500, 0o700}
	readable = rights{0o400, 0o600}
	// Objects of git are read-only.
	object = rights{0o400, 0o400}
)

// RepairModes gives the directories of the layout, and what is kept of the runs with these ids, the modes back that
// this user needs. It is cheap enough to be called often. It returns how many it changed.
func (l Layout) RepairModes(ids []string) (int, error) {
	m := &mender{owner: os.Geteuid()}
	m.fixed(l)
	for _, id := range ids {
		m.tree(l.Output(id), ownDir, ownFile)
	}
	return m.changed, m.failed
}

// RepairAllModes does so for all that is below the data directory but workspaces and agents' homes, which are mended
// where they are used.
func (l Layout) RepairAllModes() (int, error) {
	m := &mender{owner: os.Geteuid()}
	m.fixed(l)
	m.tree(l.WorkOrders(), listed, readable)
	m.tree(l.Commands(), listed, readable)
	m.tree(l.Mirrors(), ownDir, object)
	for _, dir := range []string{l.Outputs(), l.Logs(), l.indexes()} {
		m.tree(dir, ownDir, ownFile)
	}
	return m.changed, m.failed
}

// mender changes modes of what belongs to one user.
type mender struct {
	owner   int
	changed int
	failed  error
}

// fixed mends the directories that every layout has, from the outside to the inside.
func (m *mender) fixed(l Layout) {
	for _, dir := range []string{l.Root, l.Repositories(), l.Mirrors()} {
		m.give(dir, ownDir)
	}
	m.give(l.WorkOrders(), listed)
	m.give(l.Commands(), listed)
	for _, dir := range []string{l.Outputs(), l.AgentHomes(), l.Logs(), l.indexes(), l.tombstones()} {
		m.set(dir, ownDir.gives)
	}
	m.set(l.TokenFile(), ownFile.gives)
	for _, path := range []string{l.ControllerLock(), l.writersLock(), l.PolicyFile()} {
		m.give(path, ownFile)
	}
}

// give gives the owner rights where some are missing.
func (m *mender) give(path string, r rights) {
	m.change(path, func(now fs.FileMode) fs.FileMode {
		if now&r.needs == r.needs {
			return now
		}
		return now | r.gives
	})
}

// set makes the mode what it has to be.
func (m *mender) set(path string, mode fs.FileMode) {
	m.change(path, func(fs.FileMode) fs.FileMode { return mode })
}

func (m *mender) change(path string, mend func(fs.FileMode) fs.FileMode) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		m.failed = errors.Join(m.failed, err)
	default:
		m.mend(path, info, mend(info.Mode().Perm()))
	}
}

// mend changes the mode of a file or directory of ours; links and what belongs to others stays as it is.
func (m *mender) mend(path string, info fs.FileInfo, mode fs.FileMode) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	ours := ok && int(stat.Uid) == m.owner && (info.IsDir() || info.Mode().IsRegular())
	if !ours || info.Mode().Perm() == mode {
		return
	}
	if err := os.Chmod(path, mode); err != nil {
		m.failed = errors.Join(m.failed, err)
		return
	}
	m.changed++
}

// tree gives the owner rights in a directory and all that is below it. It follows no link. What vanishes meanwhile is
// passed over.
func (m *mender) tree(dir string, directories, files rights) {
	m.give(dir, directories)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.failed = errors.Join(m.failed, err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			m.tree(path, directories, files)
		} else {
			m.give(path, files)
		}
	}
}

// opened reads a path, and once more when it was closed to its owner, who is this user, and could be opened.
func opened[T any](path string, r rights, read func() (T, error)) (T, error) {
	out, err := read()
	if !errors.Is(err, fs.ErrPermission) {
		return out, err
	}
	m := &mender{owner: os.Geteuid()}
	if m.give(path, r); m.changed == 0 {
		return out, err
	}
	return read()
}

// readDir lists a directory, also one that was closed to this user.
func readDir(dir string) ([]fs.DirEntry, error) {
	return opened(dir, listed, func() ([]fs.DirEntry, error) { return os.ReadDir(dir) })
}

// readRecordFile reads a record, also of a run that was closed to this user.
func (l Layout) readRecordFile(id string) ([]byte, error) {
	data, err := os.ReadFile(l.RecordFile(id))
	if !errors.Is(err, fs.ErrPermission) {
		return data, err
	}
	if changed, _ := l.RepairModes([]string{id}); changed == 0 {
		return data, err
	}
	return os.ReadFile(l.RecordFile(id))
}
