package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// QuarantineError says that the record of a run cannot be trusted. Nothing of the order is run, changed or
// deleted until a person has dealt with it.
type QuarantineError struct {
	// ID is the run, Name its order; Name is empty when nothing tells it.
	ID, Name string
	// File is the record.
	File string
	Err  error
}

// Error says what to do.
func (e *QuarantineError) Error() string {
	advice := "restore " + e.File + " from a backup, or move its directory away to let the order start afresh"
	if newer := (*NewerRecordError)(nil); errors.As(e.Err, &newer) {
		advice = "run the newer awo that wrote " + e.File + "; it stays as it is"
	}
	return fmt.Sprintf("order %s is in quarantine because of run %s: %v: %s", cmp.Or(e.Name, "(name unknown)"), e.ID, e.Err, advice)
}

// Unwrap returns what is wrong with the record.
func (e *QuarantineError) Unwrap() error { return e.Err }

func (s *Store) quarantineError(q quarantine) error {
	return &QuarantineError{ID: q.id, Name: q.name, File: s.layout.RecordFile(q.id), Err: q.err}
}

// NewID returns an id that no run has or had: wo- and 8 hex digits.
func (s *Store) NewID() (string, error) {
	for range 100 {
		id := "wo-" + randomHex(4)
		if _, err := os.Lstat(s.layout.Output(id)); errors.Is(err, fs.ErrNotExist) {
			return id, nil
		} else if err != nil {
			return "", fmt.Errorf("look for a new id in %s: %w", s.layout.Outputs(), err)
		}
	}
	return "", fmt.Errorf("no id is free in %s after 100 attempts: move old runs away", s.layout.Outputs())
}

// Current returns the record of the highest run of an order, deleted or not, read from disk. Both results are
// nil when the order never ran. An order with an untrusted record gives a *QuarantineError.
func (s *Store) Current(name string) (*Record, error) {
	if err := s.releaseQuarantine(name); err != nil {
		return nil, err
	}
	for {
		e, ok := s.index.current(name)
		if !ok {
			return nil, nil
		}
		if r, err := s.unlessMoved(e.ID); r != nil || err != nil {
			return r, err
		}
	}
}

// unlessMoved returns the record of a run; nil when somebody has moved the run away, which is then forgotten. A volume that
// is not there has moved nothing.
func (s *Store) unlessMoved(id string) (*Record, error) {
	r, err := s.Record(id)
	if errors.Is(err, fs.ErrNotExist) && !s.exists(s.layout.Output(id)) && s.exists(s.layout.Outputs()) {
		s.index.forget(id)
		return nil, nil //nolint:nilnil // there is no such run any more
	}
	return r, err
}

// releaseQuarantine looks again at the untrusted records of an order.
func (s *Store) releaseQuarantine(name string) error {
	for _, q := range s.index.quarantined(name) {
		if _, err := s.unlessMoved(q.id); err != nil {
			return err
		}
	}
	return nil
}

// exists is false only of what is known not to be there: what is closed to us may be, what no file can be called is not.
func (s *Store) exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENAMETOOLONG)
}

// Runs returns all records of an order that are there, the first run first, read from disk.
func (s *Store) Runs(name string) ([]*Record, error) {
	if err := s.releaseQuarantine(name); err != nil {
		return nil, err
	}
	ids := s.index.runs(name)
	out := make([]*Record, 0, len(ids))
	for _, id := range ids {
		r, err := s.unlessMoved(id)
		if err != nil {
			return nil, err
		}
		if r != nil {
			out = append(out, r)
		}
	}
	return out, nil
}

// Record returns the record of a run, read from disk. It is the caller's own copy. One that cannot be trusted
// gives a *QuarantineError, and its order goes into quarantine.
func (s *Store) Record(id string) (*Record, error) {
	r, _, err := s.readRecord(id)
	return r, err
}

func (s *Store) readRecord(id string) (*Record, []byte, error) {
	if !validID(id) {
		return nil, nil, fmt.Errorf("read the record of run %q: an id is wo- and 8 hex digits", id)
	}
	r, data, err := readSettled(s.layout, id, decodeRecord)
	if data == nil && err != nil && !s.exists(s.layout.nameFile(id)) {
		return nil, nil, fmt.Errorf("read the record of run %s: %w", id, err)
	}
	if err != nil {
		q := s.brokenRecord(id, data, err)
		s.index.putBroken(q)
		return nil, nil, s.quarantineError(q)
	}
	if !s.index.knows(id) {
		// Released from quarantine, or made by another process. A known entry is left to Update: this reading may
		// be older than what is written meanwhile.
		s.index.put(entryOf(r))
	}
	return r, data, nil
}

// Create begins the record of a new run: outputs/<id>/ with the record appears whole and durably, or not at all.
func (s *Store) Create(r *Record) error {
	if !validID(r.ID) || r.Name == "" {
		return fmt.Errorf("create the record of run %q of order %q: it needs an id (wo- and 8 hex digits) and a name", r.ID, r.Name)
	}
	err := s.create(r)
	s.noteWritten(r, err)
	if err != nil {
		return fmt.Errorf("create the record of run %s of order %s: %w", r.ID, r.Name, err)
	}
	return nil
}

// entryOnDisk is the entry of a record that was just written.
func (s *Store) entryOnDisk(r *Record) entry {
	e := entryOf(r)
	// Without the stamp the next start reads the record, and nothing else is lost.
	e.at, _ = statStamp(s.layout.RecordFile(r.ID))
	return e
}

func (s *Store) create(r *Record) error {
	data, err := encodeRecord(r)
	if err != nil {
		return err
	}
	text, err := manifestOf(r)
	if err != nil {
		return err
	}
	staged := filepath.Join(s.layout.Outputs(), tempPrefix+randomHex(8)+tempSuffix)
	if err := stageRun(staged, map[string][]byte{
		"record.json": data, "workorder.yaml": text, ".name": []byte(r.Name + "\n"),
	}); err != nil {
		return errors.Join(err, os.RemoveAll(staged))
	}
	crash.Here("run staged")
	// A rename onto a directory that is not empty fails, so an id is never used twice.
	if err := rename(staged, s.layout.Output(r.ID)); err != nil {
		return errors.Join(err, os.RemoveAll(staged))
	}
	crash.Here("run begun")
	if err := syncDir(s.layout.Outputs()); err != nil {
		return &unsyncedError{err}
	}
	return nil
}

// manifestOf is what the run works with, as a manifest that could be applied again.
func manifestOf(r *Record) ([]byte, error) {
	order := &v1alpha1.WorkOrder{Spec: r.Spec}
	order.Name, order.Namespace = r.Name, r.Namespace
	return manifest.Marshal(order)
}

func stageRun(dir string, files map[string][]byte) error {
	for _, d := range []string{dir, filepath.Join(dir, "prompts"), filepath.Join(dir, "transcripts")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return err
		}
	}
	for name, data := range files {
		if err := writeTemp(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// Update reads a record fresh, lets change work on it and writes it durably if that made a difference. One
// Update at a time works on a run. When change fails nothing is written. It returns the record as it is now.
func (s *Store) Update(id string, change func(*Record) error) (*Record, error) {
	defer s.ids.lock(id)()
	if err := s.syncLate(id); err != nil {
		return nil, err
	}
	r, before, err := s.readRecord(id)
	if err != nil {
		return nil, err
	}
	name := r.Name
	if err := change(r); err != nil {
		return nil, err
	}
	if r.ID != id || r.Name != name {
		return nil, fmt.Errorf("update the record of run %s: id and name of a run never change", id)
	}
	after, err := encodeRecord(r)
	if err != nil || bytes.Equal(before, after) {
		return r, err
	}
	err = writeInTurn(s.layout.RecordFile(id), after, 0o600)
	s.noteWritten(r, err)
	if err != nil {
		return nil, fmt.Errorf("update the record of run %s of order %s: %w", id, name, err)
	}
	s.touchName(name)
	return r, nil
}

// Records returns the current record of every order that was not deleted, by name, read from disk. An order
// in quarantine is left out; Problems tells of it.
func (s *Store) Records() ([]*Record, error) {
	live := s.index.live()
	slices.SortFunc(live, func(a, b entry) int { return cmp.Compare(a.Name, b.Name) })
	out := make([]*Record, len(live))
	var group errgroup.Group
	group.SetLimit(readers)
	for i, e := range live {
		group.Go(func() error {
			r, err := s.Record(e.ID)
			if skippable(err) {
				return nil
			}
			out[i] = r
			return err
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(out, func(r *Record) bool { return r == nil }), err
}

// skippable tells whether a list goes on without a record: it is in quarantine, or was just moved away.
func skippable(err error) bool {
	var q *QuarantineError
	return errors.As(err, &q) || errors.Is(err, fs.ErrNotExist)
}

// IDs returns the ids of all runs that have not come to their end, or not been cleaned up after it: those of which
// something may still be running or lie about. Sorted.
func (s *Store) IDs() []string {
	var out []string
	for _, e := range s.index.entries() {
		if !e.Ended || !e.Cleaned {
			out = append(out, e.ID)
		}
	}
	return out
}

// validID keeps paths made from an id inside outputs.
func validID(id string) bool {
	hex, ok := strings.CutPrefix(id, "wo-")
	return ok && len(hex) == 8 && strings.Trim(hex, "0123456789abcdef") == ""
}
