package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// inode is a file, whatever it is called.
type inode struct{ device, number uint64 }

// links remembers the other names of secret files: hard links, by which they could be read although their own names are
// closed. Only where a file has more than one name are directories gone through for them.
type links struct {
	mu    sync.Mutex
	until time.Time
	// secrets are files with several names, below where those were found, by the directory that was gone through.
	secrets map[inode]bool
	below   map[string][]string
}

// look brings up to date which files with several names there are among those that are closed, or right in a directory
// that is, and tells whether there is any. It is called with the lock held.
func (l *links) look(now time.Time, closed []string) bool {
	if !now.Before(l.until) {
		l.secrets, l.below, l.until = map[inode]bool{}, map[string][]string{}, now.Add(rememberFor)
		for _, path := range closed {
			l.add(path)
			for _, e := range entries(path) {
				l.add(filepath.Join(path, e.Name()))
			}
		}
	}
	return len(l.secrets) > 0
}

func (l *links) add(path string) {
	info, err := os.Stat(path)
	if err != nil {
		return
	}
	if id, names := inodeOf(info); names > 1 {
		l.secrets[id] = true
	}
}

// look leaves out the data directory, the first of what is closed: no name in it was made by anybody else.
func (p *Policy) look() bool { return p.links.look(p.options.Now(), p.closed[1:]) }

// inodeOf is the file that something is, and how many names it has; none for what is no file.
func inodeOf(info fs.FileInfo) (id inode, names uint64) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() {
		return inode{}, 0
	}
	return inode{uint64(stat.Dev), stat.Ino}, uint64(stat.Nlink) //nolint:unconvert // their types differ between machines
}

// named tells whether a path is a name of a secret file.
func (p *Policy) named(path string) bool {
	l := &p.links
	l.mu.Lock()
	defer l.mu.Unlock()
	if !p.look() {
		return false
	}
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	id, _ := inodeOf(info)
	return l.secrets[id]
}

// names lists the names of secret files in a directory and all that is below it.
func (p *Policy) names(dir string) []string {
	l := &p.links
	l.mu.Lock()
	defer l.mu.Unlock()
	if !p.look() {
		return nil
	}
	if found, known := l.below[dir]; known {
		return found
	}
	var found []string
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			// What cannot be read is closed to an agent as well.
			return nil //nolint:nilerr // see above
		}
		if info, err := e.Info(); err == nil {
			if id, _ := inodeOf(info); l.secrets[id] {
				found = append(found, path)
			}
		}
		return nil
	})
	l.below[dir] = found
	return found
}
