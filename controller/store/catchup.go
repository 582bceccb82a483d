package store

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// catchUp takes in the files that have come since they were listed. It asks for no file's state, so that the next of many
// new orders costs little where there are ten thousand: whoever writes under the lock of writers puts a name that was free
// into a new file or a broken one.
func (s *Store) catchUp() error {
	fresh, plain, err := s.unseen()
	if err == nil && !plain {
		_, err = s.list(context.Background(), "", true, func(string) {})
	}
	if err != nil {
		return fmt.Errorf("list the manifests in %s: %w", s.layout.WorkOrders(), err)
	}
	s.looking.Lock()
	defer s.looking.Unlock()
	for _, rel := range fresh {
		at, err := statStamp(filepath.Join(s.layout.WorkOrders(), rel))
		if err == nil { // else it has just gone
			look{s: s, rel: rel, once: true}.at(context.Background(), sight{at: at})
		}
	}
	return nil
}

// unseen finds the files that are not known, or known as broken. Where symlinks are about, only a listing of everything
// tells what lies where, and it is not plain.
func (s *Store) unseen() (fresh []string, plain bool, err error) {
	root, err := filepath.EvalSymlinks(s.layout.WorkOrders())
	if err != nil {
		return nil, false, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	plain = !s.catalog.hasLinks()
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		rel := strings.TrimPrefix(path[len(root):], "/")
		switch hidden := rel != "" && strings.HasPrefix(filepath.Base(rel), "."); {
		case err != nil && rel == "":
			return err
		case err != nil: // what is in there can be neither read nor taken
		case hidden && entry.IsDir():
			return fs.SkipDir
		case hidden:
		case entry.Type()&fs.ModeSymlink != 0:
			plain = false
			return fs.SkipAll
		case entry.Type().IsRegular() && isManifest(rel) && !s.catalog.knowsGood(rel):
			fresh = append(fresh, rel)
		}
		return nil //nolint:nilerr // an error of an entry is dealt with above
	})
	return fresh, plain, err
}
