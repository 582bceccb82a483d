package workorder

import (
	"slices"
	"sync"
)

// Slots limits how many orders have a phase under way. An order keeps its slot from phase to phase; orders that
// wait get one in the order in which they asked.
type Slots struct {
	mu      sync.Mutex
	limit   int
	held    map[string]bool
	waiting []string
	wake    func(name string)
}

// NewSlots makes limit slots. wake is called for an order that waits, when a slot is free for it.
func NewSlots(limit int, wake func(name string)) *Slots {
	return &Slots{limit: limit, held: map[string]bool{}, wake: wake}
}

// Available tells whether the order has a slot or can have one now.
func (s *Slots) Available(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[name] {
		return true
	}
	ahead := slices.Index(s.waiting, name)
	if ahead < 0 {
		ahead = len(s.waiting)
	}
	return len(s.held)+ahead < s.limit
}

// Take gives the order a slot that Available promised.
func (s *Slots) Take(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[name] = true
	s.leaveQueue(name)
}

// Queue lets the order wait for a slot.
func (s *Slots) Queue(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.waiting, name) {
		s.waiting = append(s.waiting, name)
	}
}

// Leave gives back the order's slot, or its place among those that wait, and wakes who can go now.
func (s *Slots) Leave(name string) {
	for _, next := range s.leave(name) {
		s.wake(next)
	}
}

func (s *Slots) leave(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.held[name] && !slices.Contains(s.waiting, name) {
		return nil
	}
	delete(s.held, name)
	s.leaveQueue(name)
	free := min(max(s.limit-len(s.held), 0), len(s.waiting))
	return slices.Clone(s.waiting[:free])
}

func (s *Slots) leaveQueue(name string) {
	if i := slices.Index(s.waiting, name); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
}

// Held returns how many orders have a slot.
func (s *Slots) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held)
}
