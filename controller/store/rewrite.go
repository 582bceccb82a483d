package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// maxRewrites bounds how often a change is made anew because somebody else changed the file first.
const maxRewrites = 50

// edited is what a change makes of a manifest: its new bytes, nil to remove the file, the same ones to leave it.
type edited struct {
	data []byte
	// status tells that nothing was changed but the status of one document, and doc what that decodes to now.
	status bool
	doc    manifest.Document
}

// rewrite changes a manifest. When somebody else changes the file meanwhile, edit gets the new content. The caller holds
// the writers' lock.
func (s *Store) rewrite(rel string, edit func(c content) (edited, error)) (written bool, err error) {
	for range maxRewrites {
		written, err = s.rewriteOnce(rel, edit)
		if !errors.Is(err, errDisturbed) {
			return written, err
		}
	}
	return false, fmt.Errorf("change %s: %w", rel, ErrBusy)
}

func (s *Store) rewriteOnce(rel string, edit func(c content) (edited, error)) (bool, error) {
	shown := filepath.Join(s.layout.WorkOrders(), rel)
	path, err := filepath.EvalSymlinks(shown)
	if errors.Is(err, fs.ErrNotExist) {
		return false, ErrNotFound
	}
	if err != nil {
		return false, fmt.Errorf("change %s: %w", rel, err)
	}
	before, err := readContent(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, ErrNotFound
	case errors.Is(err, errChanging) || before.busy:
		return false, fmt.Errorf("change %s: %w", rel, ErrBusy)
	case err != nil:
		return false, fmt.Errorf("change %s: %w", rel, err)
	}
	after, err := edit(before)
	if err != nil || bytes.Equal(before.data, after.data) {
		return false, err
	}
	if after.data == nil {
		return s.removeFile(rel, shown, path, before)
	}
	at, err := s.swapper.swap(path, before, after.data)
	if err != nil {
		return false, fmt.Errorf("change %s: %w", rel, err)
	}
	if after.status {
		s.halves.note(rel, before.data, after.data, s.clock.Now())
	}
	s.learn(rel, path, before.data, after, at)
	return true, nil
}

// removeFile removes a manifest; of one that a symlink leads to, only the symlink.
func (s *Store) removeFile(rel, shown, path string, before content) (bool, error) {
	var err error
	if info, statErr := os.Lstat(shown); statErr == nil && info.Mode()&fs.ModeSymlink != 0 {
		err = os.Remove(shown)
	} else {
		err = takeAway(path, before)
	}
	if err != nil {
		return false, fmt.Errorf("remove %s: %w", rel, err)
	}
	s.touched.file(rel)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catalog.remove(rel)
	return true, nil
}

// learn takes in what we have written ourselves, unless somebody has already changed it. It stays to be proven by a
// look after a while of quiet: a change in the same tick of the file system's clock would not show in the stamp. Where
// what we changed was a save that no look had seen yet, the orders in it are told of now; a later look would find
// nothing new.
func (s *Store) learn(rel, path string, before []byte, after edited, staged stamp) {
	at, err := statStamp(path)
	if err != nil || at.Ino != staged.Ino || at.Mtime != staged.Mtime || at.Size != staged.Size {
		s.touched.file(rel)
		return
	}
	r := s.read(rel, before, after, at)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.catalog.files[rel]; old != nil && !r.bad() {
		seen := old.sight
		seen.at = at
		unseen := old.sum != sha256.Sum256(before)
		names := s.catalog.put(rel, &file{at: at, sum: r.sum, unproven: true, docs: r.docs, since: s.clock.Now(), sight: seen})
		for _, name := range names {
			// Also those that the save has taken out of the file.
			if unseen && name != "" {
				s.touched.name(name)
			}
		}
	}
	s.touched.file(rel)
}

// read decodes what a file was changed to, and of many documents only what has changed.
func (s *Store) read(rel string, before []byte, after edited, at stamp) reading {
	s.mu.RLock()
	old := s.catalog.files[rel]
	var known []doc
	if after.status && old != nil && len(old.problems) == 0 && old.sum == sha256.Sum256(before) {
		known = old.docs
	}
	s.mu.RUnlock()
	if known == nil {
		return s.decoder.read(after.data, at)
	}
	return s.decoder.reread(known, after.doc, manifest.Lines(after.data)-manifest.Lines(before), after.data, at)
}

// documentOf finds the document of an order among those of its file: where it was, or else by its name.
func documentOf(docs []manifest.Document, problems []manifest.Problem, name string, p place) (manifest.Document, error) {
	found := -1
	for i, d := range docs {
		if d.Name == name && (found < 0 || d.Index == p.Document) {
			found = i
		}
	}
	switch {
	case found >= 0 && docs[found].Object != nil:
		return docs[found], nil
	case len(problems) > 0:
		return manifest.Document{}, fmt.Errorf("%s is broken (%s): correct it first", p.Path, problems[0])
	}
	return manifest.Document{}, ErrNotFound
}
