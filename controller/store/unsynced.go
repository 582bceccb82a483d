package store

import (
	"errors"
	"fmt"
)

// unsyncedError says that something is in its place, and that a power failure may still undo it.
type unsyncedError struct{ error }

func (e *unsyncedError) Unwrap() error { return e.error }

// placed tells whether what was written is in its place, durable or not.
func placed(err error) bool {
	_, unsynced := errors.AsType[*unsyncedError](err)
	return err == nil || unsynced
}

// noteWritten takes in what a writing has put in its place, also if it may not last yet.
func (s *Store) noteWritten(r *Record, err error) {
	if !placed(err) {
		return
	}
	s.index.put(s.entryOnDisk(r))
	if err != nil {
		s.unsynced.Store(r.ID, true)
	}
}

// syncLate makes durable what an earlier writing of a run could not, before anything is built on it.
func (s *Store) syncLate(id string) error {
	if _, late := s.unsynced.Load(id); !late {
		return nil
	}
	if err := errors.Join(syncDir(s.layout.Output(id)), syncDir(s.layout.Outputs())); err != nil {
		return fmt.Errorf("update the record of run %s: %w", id, err)
	}
	s.unsynced.Delete(id)
	return nil
}
