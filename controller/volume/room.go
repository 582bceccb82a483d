package volume

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sys/unix"
	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/controller/store"
)

// AutoReserve is a reserve that is chosen by the size of the file system: 512 MiB, or a twentieth of a small one.
const AutoReserve = -1

// Bounds of what is kept free.
const (
	usualReserve = 512 << 20
	smallShare   = 20
	// usualInodes is how many files must still fit, fewer where the file system holds few.
	usualInodes = 10_000
)

// Space is what there is of a file system, and what is left of it for this process.
type Space struct {
	// Free and Size are in bytes.
	Free, Size uint64
	// FreeInodes and Inodes count files; both are 0 where the file system has no such limit.
	FreeInodes, Inodes uint64
}

// SpaceAt asks the system for the file system that a path lies in.
func SpaceAt(path string) (Space, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return Space{}, fmt.Errorf("ask for the space at %s: %w", path, err)
	}
	block := uint64(s.Bsize) //nolint:gosec // no block has a negative size
	return Space{Free: s.Bavail * block, Size: s.Blocks * block, FreeInodes: s.Ffree, Inodes: s.Files}, nil
}

// Room tells whether there is room in the data directory for another phase: better that orders wait than that a disk is
// full while a record has to be written. It looks at most once a second.
type Room struct {
	Layout store.Layout
	// Reserve is what must be free in bytes: AutoReserve, or 0 for no limit.
	Reserve int64
	// SpaceAt looks at a file system, Clock tells the time.
	SpaceAt func(path string) (Space, error)
	Clock   clock.PassiveClock

	mu     sync.Mutex
	looked time.Time
	short  string
}

// NewRoom looks at the real file systems.
func NewRoom(layout store.Layout, reserve int64) *Room {
	return &Room{Layout: layout, Reserve: reserve, SpaceAt: SpaceAt, Clock: clock.RealClock{}}
}

// Short says what is missing, in words that stay the same as long as it is missing; empty when there is room. The log
// is told once when the room ends, and once when there is some again.
func (r *Room) Short(ctx context.Context) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.Clock.Now()
	if r.Reserve == 0 || !r.looked.IsZero() && now.Sub(r.looked) < time.Second {
		return r.short
	}
	r.looked = now
	before := r.short
	var at Space
	r.short, at = r.look()
	log := logr.FromContextOrDiscard(ctx).WithValues("dataDir", r.Layout.Root, "freeBytes", at.Free, "freeInodes", at.FreeInodes)
	switch {
	case before == "" && r.short != "":
		log.Info("No room for another phase; orders wait", "missing", r.short)
	case before != "" && r.short == "":
		log.Info("There is room again; orders go on")
	}
	return r.short
}

// look goes through the parts of the data directory that grow, which may be mounted from different places. It returns
// what is missing and where, or nothing and the space of the data directory.
func (r *Room) look() (short string, at Space) {
	for _, dir := range []string{r.Layout.Outputs(), r.Layout.Repositories(), r.Layout.AgentHomes(), r.Layout.Root} {
		space, err := r.SpaceAt(dir)
		if err != nil {
			// What cannot even be asked is told by the trial of the data directory.
			continue
		}
		at = space
		if short := space.short(r.Reserve); short != "" {
			return short + " in the file system of " + dir, space
		}
	}
	return "", at
}

// short says what a file system lacks to keep a reserve free, empty when it has enough.
func (s Space) short(reserve int64) string {
	if reserve == AutoReserve {
		reserve = int64(min(usualReserve, s.Size/smallShare))
	}
	if inodes := min(usualInodes, s.Inodes/smallShare); s.FreeInodes < inodes {
		return fmt.Sprintf("fewer than %d more files fit", inodes)
	}
	if s.Free < uint64(reserve) {
		return fmt.Sprintf("less than %s is free", Bytes(uint64(reserve)))
	}
	return ""
}
