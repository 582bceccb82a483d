package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/agent-work-orders/awo/controller/crash"
)

// Past returns the ids of the runs that nothing will become of any more: they have ended, were cleaned up after, and
// their order was deleted or has a newer run. Sorted.
func (s *Store) Past() []string {
	var out []string
	for _, e := range s.index.entries() {
		if s.isPast(e) {
			out = append(out, e.ID)
		}
	}
	return out
}

func (s *Store) isPast(e entry) bool {
	newest, ok := s.index.current(e.Name)
	return ok && e.Ended && e.Cleaned && (e.Deleted || newest.ID != e.ID)
}

// errNotPast says that a run has come back to life since it was found past.
var errNotPast = errors.New("it is the current run of its order, or has not come to its end")

// RemovePast removes outputs/<id>/ of a run that is past, with its record. Of one that is not it removes nothing and
// returns an error.
func (s *Store) RemovePast(id string) error {
	defer s.ids.lock(id)()
	r, _, err := s.readRecord(id)
	if err == nil && !s.isPast(entryOf(r)) {
		err = errNotPast
	}
	if err == nil {
		err = s.takeAway(r)
	}
	if err != nil {
		return fmt.Errorf("remove what is kept of run %s: %w", id, err)
	}
	return nil
}

// takeAway moves the directory out of sight before it is emptied, so that no start ever finds half of one. What a crash
// leaves is removed by the next start.
func (s *Store) takeAway(r *Record) error {
	aside := filepath.Join(s.layout.Outputs(), tempPrefix+randomHex(8)+tempSuffix)
	if err := os.Rename(s.layout.Output(r.ID), aside); err != nil {
		return err
	}
	crash.Here("past run taken away")
	s.index.forget(r.ID)
	s.touchName(r.Name)
	return errors.Join(syncDir(s.layout.Outputs()), os.RemoveAll(aside))
}
