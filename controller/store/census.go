package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// census counts who has a manifest and who has none, and has the guard decide what that means. full tells that
// everything was listed just now. It returns the names that may stand differently, and when to list again.
func (s *Store) census(full bool) (changed []string, next time.Time) {
	live, tombs := s.index.live(), s.tombstones()
	foreign := s.foreign()
	s.mu.Lock()
	c := census{now: s.clock.Now(), full: full, broken: s.catalog.brokenSummary(), foreign: foreign}
	if s.guard.rootErr != nil {
		c.broken = "the directory cannot be read"
	}
	for _, e := range live {
		if tombs[e.Name] {
			continue
		}
		c.known++
		if len(s.catalog.names[e.Name]) == 0 && !s.catalog.shelters(e.Path) {
			c.missing = append(c.missing, e.Name)
		}
	}
	changed, next = s.guard.take(c)
	settled := full && c.broken == "" && s.guard.settled()
	s.mu.Unlock()
	if settled {
		s.rememberRoot()
	}
	return changed, next
}

// memory is what is remembered of workorders/ across restarts.
type memory struct {
	// Device is where it lay when no manifest was missing.
	Device uint64 `json:"device"`
	// Recreated tells that it was missing at a start and made anew.
	Recreated bool `json:"recreated,omitempty"`
}

func readMemory(l Layout) (m memory, ok bool) {
	data, err := os.ReadFile(l.memoryFile())
	return m, err == nil && json.Unmarshal(data, &m) == nil
}

func writeMemory(l Layout, m memory) error {
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode what is remembered of %s: %w", l.WorkOrders(), err)
	}
	return WriteFile(l.memoryFile(), append(data, '\n'), 0o600)
}

// rememberMissingRoot notes that workorders/ is missing, before it is made anew.
func rememberMissingRoot(l Layout) error {
	m, ok := readMemory(l)
	_, err := os.Lstat(l.WorkOrders())
	if !ok || m.Recreated || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	m.Recreated = true
	return writeMemory(l, m)
}

// rememberRoot notes where workorders/ lies now that nothing is missing from it. Only the controller does.
func (s *Store) rememberRoot() {
	dev, err := device(s.layout.WorkOrders())
	if err != nil || !s.locked.Load() {
		return
	}
	now := memory{Device: dev}
	if m, ok := readMemory(s.layout); ok && m == now {
		return
	}
	// Not being able to remember costs a false alarm at worst.
	_ = writeMemory(s.layout, now)
}

// foreign tells why workorders/ does not look like the directory that was known; empty when it does. It matters
// only while manifests are missing.
func (s *Store) foreign() string {
	m, ok := readMemory(s.layout)
	dev, err := device(s.layout.WorkOrders())
	switch {
	case !ok || err != nil:
		return ""
	case m.Recreated:
		return "the directory was missing and has been made anew, and manifests are missing from it"
	case m.Device != dev:
		return "the directory lies on another device than before, and manifests are missing from it"
	}
	return ""
}
