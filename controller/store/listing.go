package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Scan lists the manifests and the records once and takes in what it finds. Commands use it where the controller
// watches: after it Lookup, Names, Problems and Records show what is there now.
func (s *Store) Scan(ctx context.Context) error {
	if !s.locked.Load() {
		if err := s.reloadRecords(); err != nil {
			return err
		}
	}
	_, err := s.list(ctx, "", true, func(string) {})
	missing := s.opts.LookOnly && errors.Is(err, fs.ErrNotExist)
	if err == nil || missing {
		s.census(err == nil)
	}
	s.setSynced()
	if err != nil && !missing {
		return fmt.Errorf("list the manifests in %s: %w", s.layout.WorkOrders(), err)
	}
	return nil
}

// reloadRecords takes in what the controller did since.
func (s *Store) reloadRecords() error {
	known := map[string]entry{}
	for _, e := range s.index.entries() {
		known[e.ID] = e
		if !s.exists(s.layout.Output(e.ID)) {
			s.index.forget(e.ID)
		}
	}
	return s.loadRecords(known)
}

func (s *Store) setSynced() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isSync {
		s.isSync = true
		s.catalog.cached = nil
	}
}

// list lists workorders/ (rel empty) or a directory below it and looks at what is new there.
func (s *Store) list(ctx context.Context, rel string, once bool, enter func(realDir string)) (result, error) {
	s.looking.Lock()
	defer s.looking.Unlock()
	found, err := walk(s.layout.WorkOrders(), rel, enter)
	if rel == "" {
		s.mu.Lock()
		s.guard.rootErr = err
		s.mu.Unlock()
	}
	if err != nil {
		return result{}, err
	}
	s.recoverTemps(ctx, found.temps)
	out := s.adopt(rel, found)
	out.add(s.lookAll(ctx, found.files, once))
	return out, nil
}

// adopt takes in what is not there any more, what is ignored, what is broken, and the directories.
func (s *Store) adopt(rel string, found listing) (out result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.catalog
	broken, ignored := maps.Clone(c.broken), maps.Clone(c.ignored)
	for _, path := range c.under(rel) {
		_, there := found.files[path]
		if !there && !underAny(path, found.broken) {
			out.names = append(out.names, c.remove(path)...)
		}
	}
	for path, err := range found.ignored {
		c.ignored[path] = s.troubleNow(err, ignored[path])
	}
	for path, err := range found.broken {
		c.broken[path] = s.troubleNow(err, broken[path])
	}
	maps.DeleteFunc(c.dirs, func(_ string, d shown) bool { return isUnder(d.rel, rel) })
	maps.Copy(c.dirs, found.dirs)
	return out
}

// troubleNow is an error since now, or since it was there before.
func (s *Store) troubleNow(err error, before trouble) trouble {
	if before.err != nil {
		return trouble{err: err, since: before.since}
	}
	return trouble{err: err, since: s.clock.Now()}
}

// underAny tells whether a path lies where nothing could be listed: then it is not known to be absent.
func underAny(path string, broken map[string]error) bool {
	for rel := range broken {
		if isUnder(path, rel) {
			return true
		}
	}
	return false
}

// lookAll looks at many files, some at a time.
func (s *Store) lookAll(ctx context.Context, files map[string]sight, once bool) (out result) {
	var group errgroup.Group
	var mu sync.Mutex
	group.SetLimit(readers)
	for rel, seen := range s.unknown(files) {
		group.Go(func() error {
			found := look{s: s, rel: rel, once: once}.at(ctx, seen)
			mu.Lock()
			defer mu.Unlock()
			out.add(found)
			return nil
		})
	}
	_ = group.Wait() // no look returns an error
	return out
}

// unknown leaves out the files that are as they are known.
func (s *Store) unknown(files map[string]sight) map[string]sight {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[string]sight{}
	for rel, seen := range files {
		_, waiting := s.catalog.pending[rel]
		f := s.catalog.files[rel]
		if f == nil || waiting || f.unproven || f.at != seen.at || f.sight.real != seen.real || f.sight.swapped != seen.swapped {
			out[rel] = seen
		}
	}
	return out
}

// lookAt looks at one path that an event named. Where that is no ordinary file, it says which directory to list.
func (s *Store) lookAt(ctx context.Context, rel string) (out result, relist string, list bool) {
	path := filepath.Join(s.layout.WorkOrders(), rel)
	info, err := os.Lstat(path)
	p := s.plan(rel)
	switch {
	case p.linked || (err != nil && p.directory):
		return out, "", true
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR):
		return s.lookGone(rel), "", false
	case err != nil || info.Mode()&fs.ModeSymlink != 0:
		return out, "", true
	case info.IsDir():
		return out, rel, true
	case !info.Mode().IsRegular() || !isManifest(rel):
		s.ignore(rel)
		return out, "", false
	}
	at, err := statStamp(path)
	if err != nil {
		return out, "", true
	}
	s.looking.Lock()
	defer s.looking.Unlock()
	return look{s: s, rel: rel}.at(ctx, sight{at: at}), "", false
}

// knownAs is what is known of a path before it is looked at.
type knownAs struct {
	directory bool
	// linked: symlinks are about, so that only a listing of everything tells what lies where.
	linked bool
}

func (s *Store) plan(rel string) knownAs {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k := knownAs{linked: s.catalog.hasLinks()}
	for _, d := range s.catalog.dirs {
		k.directory = k.directory || d.rel == rel
	}
	return k
}

func (s *Store) lookGone(rel string) result {
	s.looking.Lock()
	defer s.looking.Unlock()
	return look{s: s, rel: rel}.gone()
}

func (s *Store) ignore(rel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catalog.ignored[rel] = trouble{}
}

// brokenSummary says what of a listing could not be read; empty when all could.
func (c *catalog) brokenSummary() string {
	if len(c.broken) == 0 {
		return ""
	}
	paths := slices.Sorted(maps.Keys(c.broken))
	return "some of the directory cannot be read: " + strings.Join(paths[:min(3, len(paths))], ", ")
}
