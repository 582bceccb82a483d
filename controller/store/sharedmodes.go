package store

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// sharedShare is how much longer than a look at what is shared took it is until the next one: a twentieth of the time
// goes into them at most, however many agents end and however many files there are.
const sharedShare = 19

// SharedModes repairs the modes of what is shared as often as is asked, but for what would take too much of the time:
// that is put off. It is safe for concurrent use.
type SharedModes struct {
	repair func() (Repaired, error)
	clock  clock.PassiveClock

	mu  sync.Mutex
	due bool
	// next is when the next look may begin.
	next time.Time
}

// NewSharedModes has repair called, such as Layout.RepairSharedModes.
func NewSharedModes(repair func() (Repaired, error), c clock.PassiveClock) *SharedModes {
	return &SharedModes{repair: repair, clock: c}
}

// Repair repairs, or puts it off until it is Due.
func (m *SharedModes) Repair() (Repaired, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.due = true
	return m.dueNow()
}

// RepairDue does what was put off, if there was anything and it is time for it.
func (m *SharedModes) RepairDue() (Repaired, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dueNow()
}

func (m *SharedModes) dueNow() (Repaired, error) {
	begun := m.clock.Now()
	if !m.due || begun.Before(m.next) {
		return Repaired{}, nil
	}
	m.due = false
	repaired, err := m.repair()
	ended := m.clock.Now()
	m.next = ended.Add(sharedShare * ended.Sub(begun))
	return repaired, err
}
