package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// publicMode is what the directories have that everybody may look into.
const publicMode fs.FileMode = 0o755

// modes are those that the public directories had before an agent could change them: a group that may write manifests is
// their owner's choice.
type modes struct {
	mu sync.Mutex
	of map[string]fs.FileMode
}

// RememberModes takes the modes of the public directories for what their owner wants. It is for when no agent runs.
func (l Layout) RememberModes() {
	if l.modes == nil {
		return
	}
	found := map[string]fs.FileMode{}
	for dir := range l.public() {
		if info, err := os.Lstat(dir); err == nil && info.IsDir() {
			found[dir] = info.Mode().Perm()
		}
	}
	l.modes.mu.Lock()
	defer l.modes.mu.Unlock()
	l.modes.of = found
}

// remembered is the mode that a public directory is to have again, and what others must not have of it. Where nothing is
// known of it, that is the mode that it was made with, and its group stays as it is.
func (l Layout) remembered(dir string) (mode, takes fs.FileMode) {
	if l.modes != nil {
		l.modes.mu.Lock()
		defer l.modes.mu.Unlock()
		if mode, known := l.modes.of[dir]; known {
			return mode &^ othersWrite, strangers&^mode | othersWrite
		}
	}
	return publicMode, othersWrite
}

// public are the directories that everybody may look into, with what this user needs of them.
func (l Layout) public() map[string]rights {
	return map[string]rights{
		l.Root: ownDir, l.Repositories(): ownDir, l.Mirrors(): ownDir, l.WorkOrders(): listed, l.Commands(): listed,
	}
}

// mender changes modes of what belongs to one user.
type mender struct {
	owner    int
	repaired Repaired
	failed   error
}

// fixed mends the directories that every layout has, from the outside to the inside.
func (m *mender) fixed(l Layout) {
	public := l.public()
	for _, dir := range []string{l.Root, l.Repositories(), l.Mirrors(), l.WorkOrders(), l.Commands()} {
		r := public[dir]
		r.gives, r.takes = l.remembered(dir)
		r.gives |= r.needs
		m.give(dir, r)
	}
	for _, dir := range []string{l.Outputs(), l.AgentHomes(), l.Logs(), l.indexes(), l.tombstones()} {
		m.set(dir, ownDir.gives)
	}
	m.set(l.TokenFile(), ownFile.gives)
	for _, path := range []string{
		l.ControllerLock(), l.writersLock(), l.PolicyFile(), filepath.Join(l.Root, serverAddressFile), filepath.Join(l.Root, certificatesFile),
	} {
		m.give(path, publicFile)
	}
}

// shared mends what is not below a directory that is closed to everybody else.
func (m *mender) shared(l Layout) {
	m.fixed(l)
	m.tree(l.WorkOrders(), listed, readable)
	m.tree(l.Commands(), listed, readable)
	m.tree(l.Mirrors(), objectDir, object)
}

// give gives the owner rights where some are missing, and takes what others must not have.
func (m *mender) give(path string, r rights) {
	m.change(path, func(now fs.FileMode) fs.FileMode {
		if now&r.needs != r.needs {
			now |= r.gives
		}
		return now &^ r.takes
	})
}

// set makes the mode what it has to be.
func (m *mender) set(path string, mode fs.FileMode) {
	m.change(path, func(fs.FileMode) fs.FileMode { return mode })
}

func (m *mender) change(path string, mend func(fs.FileMode) fs.FileMode) {
	info, err := os.Lstat(path)
	switch {
	case passedOver(err):
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
	before := info.Mode().Perm()
	if !ours || before == mode {
		return
	}
	// A group that new files of a directory belong to, and that only their owners delete them, is nobody's attack.
	if err := os.Chmod(path, mode|info.Mode()&(fs.ModeSetgid|fs.ModeSticky)); err != nil {
		m.failed = errors.Join(m.failed, err)
		return
	}
	m.count(path, before, mode)
}

// count counts what has come of it: there are file systems that have no modes and take every change without one.
func (m *mender) count(path string, before, mode fs.FileMode) {
	info, err := os.Lstat(path)
	switch {
	case err != nil || info.Mode().Perm() == before:
	case mode&^before != 0:
		m.repaired.Opened++
	default:
		m.repaired.Narrowed++
	}
}

// passedOver tells what is no failure: that something has vanished, or lies in a directory that is still closed after its
// mending, which is then another's.
func passedOver(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// tree gives the owner rights in a directory and all that is below it. It follows no link. What vanishes meanwhile is
// passed over.
func (m *mender) tree(dir string, directories, files rights) {
	m.give(dir, directories)
	entries, err := os.ReadDir(dir)
	if err != nil && !passedOver(err) {
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
