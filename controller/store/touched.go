package store

import (
	"maps"
	"slices"
	"sync"
)

// touched collects what should be looked at although no event came, for the loop that watches.
type touched struct {
	mu     *sync.Mutex
	files  map[string]struct{}
	orders map[string]struct{}
	wake   chan struct{}
}

func newTouched() touched {
	return touched{
		mu: &sync.Mutex{}, files: map[string]struct{}{}, orders: map[string]struct{}{}, wake: make(chan struct{}, 1),
	}
}

// file asks for a look at a file.
func (t *touched) file(rel string) { t.add(t.files, rel) }

// name asks for a look at an order.
func (t *touched) name(name string) { t.add(t.orders, name) }

func (t *touched) add(set map[string]struct{}, key string) {
	t.mu.Lock()
	set[key] = struct{}{}
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// take empties the collection.
func (t *touched) take() (files, orders []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	files, orders = slices.Collect(maps.Keys(t.files)), slices.Collect(maps.Keys(t.orders))
	clear(t.files)
	clear(t.orders)
	return files, orders
}

// touchName has the presence of an order looked at whose record has changed, unless its manifest is plainly there.
func (s *Store) touchName(name string) {
	s.mu.RLock()
	there := len(s.catalog.names[name]) > 0
	s.mu.RUnlock()
	if !there {
		s.touched.name(name)
	}
}
