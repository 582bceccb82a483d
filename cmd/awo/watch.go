package main

import (
	"context"
	"time"

	"github.com/agent-work-orders/awo/controller/store"
)

// lookInterval is how often the verbs that follow something look again.
const lookInterval = 250 * time.Millisecond

// watcher prints the orders that change.
type watcher struct {
	*getOptions
	// seen holds what was last printed of each order.
	seen     map[string]watched
	problems map[string]bool
}

// watched is an order as it was last printed.
type watched struct {
	key   string
	order order
}

// newWatcher starts from what is already on the screen.
func newWatcher(o *getOptions, orders []order, problems []store.FileProblem) *watcher {
	w := &watcher{getOptions: o, seen: map[string]watched{}, problems: map[string]bool{}}
	_ = w.changed(orders)
	_ = w.newProblems(problems)
	return w
}

// run prints changes until the context ends.
func (w *watcher) run(ctx context.Context) error {
	return w.follow(ctx, func(s *store.Store) (bool, error) {
		orders, problems, err := w.load(s)
		if err != nil && len(w.names) == 0 {
			return false, err
		}
		w.warn(w.newProblems(problems))
		for _, each := range w.changed(orders) {
			if err := w.show(each); err != nil {
				return false, err
			}
		}
		return false, nil
	})
}

// show prints one changed order.
func (w *watcher) show(changed order) error {
	if w.forPeople() {
		return w.printRows([]order{changed})
	}
	return w.printObject(changed)
}

// changed returns the orders that look different from what was printed; one that is gone appears a last time.
func (w *watcher) changed(orders []order) []order {
	var out []order
	present := make(map[string]bool, len(orders))
	for _, each := range orders {
		present[each.name] = true
		key := w.key(each)
		if w.seen[each.name].key != key {
			w.seen[each.name] = watched{key: key, order: each}
			out = append(out, each)
		}
	}
	for name, last := range w.seen {
		if !present[name] {
			delete(w.seen, name)
			out = append(out, last.order)
		}
	}
	return out
}

// key is what counts as a change: anything for programs, a cell of the table for people.
func (w *watcher) key(o order) string {
	if w.forPeople() {
		return rowKey(orderRow(o, w.clock.Now()), w.output == outputWide)
	}
	return o.object.ResourceVersion
}

// newProblems returns those that were not shown yet, and forgets those that are gone.
func (w *watcher) newProblems(problems []store.FileProblem) []store.FileProblem {
	var fresh []store.FileProblem
	now := make(map[string]bool, len(problems))
	for _, problem := range problems {
		line := problemLine(problem)
		if !w.problems[line] {
			fresh = append(fresh, problem)
		}
		now[line] = true
	}
	w.problems = now
	return fresh
}

// follow calls look until it is done, fails, or the context ends, each time with what is in the data directory
// by then. It rests between two looks, ten times as long as a look takes where that is more, so that following
// 10,000 orders costs little.
func (g *globalOptions) follow(ctx context.Context, look func(*store.Store) (done bool, err error)) error {
	s, err := g.openStore(ctx)
	if err != nil {
		return err
	}
	for {
		begun := g.clock.Now()
		done, err := look(s)
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-g.clock.After(max(lookInterval, 10*g.clock.Since(begun))):
		}
		if err := s.Scan(ctx); err != nil {
			return err
		}
	}
}
