package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sync/errgroup"
)

// readers is how many files are read at a time when many are.
const readers = 8

// loadRecords fills the index from outputs/, reading only what the cache does not know.
func (s *Store) loadRecords(cached map[string]entry) error {
	dirs, err := os.ReadDir(s.layout.Outputs())
	if s.opts.LookOnly && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the records in %s: %w", s.layout.Outputs(), err)
	}
	var group errgroup.Group
	group.SetLimit(readers)
	for _, d := range dirs {
		if id := d.Name(); d.IsDir() && validID(id) {
			group.Go(func() error {
				s.loadRecord(id, cached)
				return nil
			})
		}
	}
	return group.Wait()
}

func (s *Store) loadRecord(id string, cached map[string]entry) {
	at, err := statStamp(s.layout.RecordFile(id))
	if known, ok := cached[id]; ok && err == nil && known.at == at {
		s.index.put(known)
		return
	}
	e, data, err := readSettled(s.layout, id, decodeEntry)
	if errors.Is(err, fs.ErrNotExist) && !s.exists(s.layout.nameFile(id)) {
		// Not a run: no run is ever there without its name.
		return
	}
	if err != nil {
		s.index.putBroken(s.brokenRecord(id, data, err))
		return
	}
	e.at = at
	s.index.put(e)
}

// namePattern finds the order's name in what is left of a record: it stands right after the id.
var namePattern = regexp.MustCompile(`"record":\s*\{\s*"id":\s*"wo-[0-9a-f]{8}",\s*"name":\s*"([^"]+)"`)

// brokenRecord finds out whose a record was that cannot be trusted.
func (s *Store) brokenRecord(id string, data []byte, err error) quarantine {
	q := quarantine{id: id, err: err, since: s.clock.Now()}
	if name, err := os.ReadFile(s.layout.nameFile(id)); err == nil {
		q.name = strings.TrimSpace(string(name))
	}
	if m := namePattern.FindSubmatch(data); q.name == "" && m != nil {
		q.name = string(m[1])
	}
	return q
}

// sweep removes the temporary files that a crash has left beside records. Only the controller does so, before it writes.
func (s *Store) sweep() error {
	ids := s.IDs()
	dirs := make([]string, 0, len(ids)+2)
	dirs = append(dirs, s.layout.Outputs(), s.layout.tombstones())
	for _, id := range ids {
		dirs = append(dirs, s.layout.Output(id))
	}
	var failed error
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		failed = errors.Join(failed, err)
		for _, e := range entries {
			if isTemp(e.Name()) {
				failed = errors.Join(failed, os.RemoveAll(filepath.Join(dir, e.Name())))
			}
		}
	}
	return failed
}
