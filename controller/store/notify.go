package store

import (
	"errors"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
	"github.com/go-logr/logr"
	"golang.org/x/sys/unix"
)

// notifier tells of changes in directories. It is what the kernel's watches allow: where they do not suffice, blind
// is set and only rescans are left.
type notifier struct {
	log     logr.Logger
	watcher *fsnotify.Watcher // nil when there is none to be had
	watched map[string]bool
	blind   bool
}

func newNotifier(log logr.Logger) *notifier {
	n := &notifier{log: log, watched: map[string]bool{}}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		n.degrade("", err)
		return n
	}
	n.watcher = w
	return n
}

// add watches a directory, if that is possible. Watching it again does no harm.
func (n *notifier) add(dir string) {
	if n.watcher == nil {
		return
	}
	if err := n.watcher.Add(dir); err != nil {
		// What is gone has nothing to watch, and what is closed is told of where it is listed.
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.EACCES) {
			n.degrade(dir, err)
		}
		return
	}
	n.watched[dir] = true
}

// degrade says once that changes are now found by rescans only.
func (n *notifier) degrade(dir string, err error) {
	if !n.blind {
		n.log.Info("Directories cannot be watched, changes are found by rescans",
			"directory", dir, "error", err.Error(),
			"hint", "raise fs.inotify.max_user_watches and fs.inotify.max_user_instances")
	}
	n.blind = true
}

// keep ends the watches of directories that are not wanted any more. The kernel knows a moved directory as the one
// it was, so the others are watched again after that.
func (n *notifier) keep(wanted map[string]bool) {
	removed := false
	for dir := range n.watched {
		if !wanted[dir] {
			// Its directory is gone, and most often the watch with it.
			_ = n.watcher.Remove(dir)
			delete(n.watched, dir)
			removed = true
		}
	}
	if removed {
		for dir := range wanted {
			n.add(dir)
		}
	}
}

func (n *notifier) events() <-chan fsnotify.Event {
	if n.watcher == nil {
		return nil
	}
	return n.watcher.Events
}

func (n *notifier) errors() <-chan error {
	if n.watcher == nil {
		return nil
	}
	return n.watcher.Errors
}

func (n *notifier) close() {
	if n.watcher != nil {
		// Closing it ends its goroutine; there is nothing to be done about an error.
		_ = n.watcher.Close()
	}
}

// route says what an event in a directory is about.
func (s *Store) route(path string) (looks []string, everything bool, order string) {
	dir, base := filepath.Dir(path), filepath.Base(path)
	if isTemp(base) {
		return nil, false, ""
	}
	if dir == s.layout.tombstones() {
		return nil, false, base
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if dir == s.layout.Root {
		return nil, path == s.layout.WorkOrders(), ""
	}
	if len(s.catalog.targets[dir]) > 0 {
		everything = true
	}
	at, known := s.catalog.dirs[dir]
	switch {
	case !known:
		// A directory that is listed soon, or one that a link leads to.
	case base[0] == '.':
		everything = everything || s.catalog.hasLinks()
	default:
		looks = append(looks, joinRel(at.rel, base))
	}
	return looks, everything, ""
}
