package main

import (
	"fmt"

	"github.com/agent-work-orders/awo/controller/store"
)

// idleWarning tells once that nobody works on what is waited for.
type idleWarning struct {
	*globalOptions
	told bool
}

// check looks whether a controller works on the data directory.
func (w *idleWarning) check(s *store.Store) {
	if _, held := store.Holder(s.Layout()); w.told || held {
		return
	}
	w.told = true
	root := s.Layout().Root
	_, _ = fmt.Fprintf(w.streams.ErrOut, "Warning: no controller works on %s: start one with `awo controller --data-dir %s`\n", root, root)
}
