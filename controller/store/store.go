// Package store keeps the orders: it watches the directory of manifests, tells where each order stands in it,
// keeps the record of every run durably, and writes the status back into the manifests.
//
// Three things are apart. Records (outputs/<id>/record.json) are the truth the controller acts on. Manifests are
// read, never believed half written, and missed only after a while. The status in a manifest is a projection of
// the record and never read as input.
package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// StatusMode says where status is written.
type StatusMode string

// The modes of writing status.
const (
	// StatusAuto writes it into the manifest, but not into files tracked by git or in read-only places.
	StatusAuto StatusMode = ""
	// StatusManifest writes it into the manifest wherever that is possible.
	StatusManifest StatusMode = "manifest"
	// StatusRecord keeps it in the record.
	StatusRecord StatusMode = "record"
)

// Options configure a Store.
type Options struct {
	// DataDir is the data directory. Required.
	DataDir string
	// LookOnly makes nothing: what is missing of the data directory holds nothing, and nobody becomes its owner by a look.
	LookOnly bool
	// StatusMode says whether status is written into manifests. Default: StatusAuto.
	StatusMode StatusMode
	// Policy is what the controller allows beyond the schema.
	Policy v1alpha1.Policy
	// Tracked lists the files that git tracks in the work tree with this top, relative to it; nil when it is none.
	// Default: none is tracked.
	Tracked func(ctx context.Context, top string) (map[string]bool, error)
	// AcceptDeletions takes what is missing at the first listing for deleted, however much it is.
	AcceptDeletions bool
	// Clock is the time. Default: the real one.
	Clock clock.WithTicker
	// Debounce is how long a file must be quiet before it is read. Default: 20 ms.
	Debounce time.Duration
	// BadAfter is how long a broken file must be unchanged before it is called broken. Default: 5 s.
	BadAfter time.Duration
	// GoneAfter is how long a manifest must be missing before it is called deleted. Default: 10 s.
	GoneAfter time.Duration
	// Rescan is the time between two listings of everything. Default: 30 s.
	Rescan time.Duration
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	for value, fallback := range map[*time.Duration]time.Duration{
		&o.Debounce: 20 * time.Millisecond, &o.BadAfter: 5 * time.Second,
		&o.GoneAfter: 10 * time.Second, &o.Rescan: 30 * time.Second,
	} {
		if *value <= 0 {
			*value = fallback
		}
	}
	return o
}

// Store is the orders of one data directory. It is safe for concurrent use, and several processes may use one
// data directory at a time: the controller, which holds Lock, and commands.
type Store struct {
	layout Layout
	opts   Options
	clock  clock.WithTicker
	// wall is the clock of the file system, to which a fake clock of a test does not reach.
	wall func() time.Time

	decoder decoder
	swapper swapper

	index  *index
	ids    keyed
	locked atomic.Bool
	// savedRevision is what the cache was last saved at.
	savedRevision atomic.Int64

	tracked trackedFiles
	touched touched
	halves  *halves
	shared  *SharedModes
	// unsynced holds the ids of runs whose last writing may not survive a power failure.
	unsynced sync.Map

	// writing is held (by its one token) by who has the writers' lock in this process, or waits for others to give it up.
	writing chan struct{}

	// looking is held by whoever lists or looks at files, one at a time.
	looking sync.Mutex
	// mu guards what follows.
	mu      sync.RWMutex
	catalog *catalog
	guard   *guard
	isSync  bool
}

// Open makes what is missing of the data directory, unless LookOnly is set, and learns which records there are. It
// watches nothing and takes no lock; commands open the store of a running controller.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	layout, err := NewLayout(o.DataDir)
	if err != nil {
		return nil, err
	}
	layout.modes = &modes{}
	if err := prepare(layout, o.LookOnly); err != nil {
		return nil, err
	}
	s := &Store{
		layout: layout, opts: o, clock: o.Clock, wall: time.Now,
		decoder: decoder{policy: o.Policy}, swapper: swapper{exchange: renameExchange},
		index: newIndex(), catalog: newCatalog(), guard: newGuard(o.AcceptDeletions, o.GoneAfter),
		touched: newTouched(), halves: newHalves(), writing: make(chan struct{}, 1),
	}
	s.shared = NewSharedModes(layout.RepairSharedModes, o.Clock)
	cached := s.readCache()
	s.catalog.cached = cached.files
	if err := s.loadRecords(cached.records); err != nil {
		return nil, fmt.Errorf("open the data directory %s: %w", layout.Root, err)
	}
	return s, nil
}

// prepare makes what is missing.
func prepare(layout Layout, lookOnly bool) error {
	if lookOnly {
		return nil
	}
	if err := layout.Create(); err != nil {
		return fmt.Errorf("open the data directory: %w", err)
	}
	return nil
}

// Layout returns where everything lies.
func (s *Store) Layout() Layout { return s.layout }

// SharedModes repairs the modes of what is shared in the data directory.
func (s *Store) SharedModes() *SharedModes { return s.shared }
