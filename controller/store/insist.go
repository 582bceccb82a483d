package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/go-logr/logr"
)

// insistInterval is how long is waited before what could not be written is tried again.
const insistInterval = 2 * time.Second

// ErrLost says that a run cannot be written until a person has acted: its record cannot be trusted, or was moved away.
var ErrLost = errors.New("the record is damaged or gone")

// RunStopped is a cause of a context that ended for one run alone, while the process goes on.
type RunStopped interface {
	error
	RunStopped()
}

// Insist writes what came of a run and does not give up while the disk is full or failing: what was done must not be
// forgotten while this process lives. When ctx ends it tries once more, unless that is for a RunStopped. ErrLost: no
// trying again would help.
func (s *Store) Insist(ctx context.Context, run *Record, write func() error) error {
	for ended := ctx.Done(); ; {
		err := write()
		if err == nil {
			return nil
		}
		if s.lost(run, err) {
			return fmt.Errorf("%w: %w", ErrLost, err)
		}
		logr.FromContextOrDiscard(ctx).Error(err, "Not written, tried again", "id", run.ID)
		select {
		case <-ended:
			if _, goesOn := errors.AsType[RunStopped](context.Cause(ctx)); !goesOn {
				return write()
			}
			ended = nil
		case <-s.clock.After(insistInterval):
		}
	}
}

// lost tells whether an error is one that only a person can mend.
func (s *Store) lost(run *Record, err error) bool {
	if _, quarantined := errors.AsType[*QuarantineError](err); quarantined {
		return true
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	now, err := s.Current(run.Name)
	return err == nil && (now == nil || now.ID != run.ID)
}
