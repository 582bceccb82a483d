package store

import (
	"maps"
	"slices"
	"strings"
)

// logRoot logs when the root becomes unreadable, and when it is back.
func (w *watch) logRoot(err error) {
	const key = "root"
	switch {
	case err != nil && !w.told[key]:
		w.log.Info("The manifests cannot be read, nothing is taken for deleted", "error", err.Error())
	case err == nil && w.told[key]:
		w.log.Info("The manifests can be read again")
	}
	w.told[key] = err != nil
}

// logHold logs when deletions begin to be held back, and when that ends.
func (w *watch) logHold() {
	const key = "held"
	w.s.mu.RLock()
	held := w.s.guard.held
	w.s.mu.RUnlock()
	switch {
	case held != "" && !w.told[key]:
		w.log.Info("Nothing is taken for deleted", "reason", held)
	case held == "" && w.told[key]:
		w.log.Info("Missing manifests are taken for deleted again")
	}
	w.told[key] = held != ""
}

// logUnread logs, once each, the folders that cannot be listed and what is called like a manifest and is no file, and when
// that is over.
func (w *watch) logUnread() {
	w.s.mu.RLock()
	broken, ignored := maps.Clone(w.s.catalog.broken), maps.Clone(w.s.catalog.ignored)
	w.s.mu.RUnlock()
	delete(broken, "")
	maps.DeleteFunc(ignored, func(_ string, t trouble) bool { return t.err == nil })
	w.logTroubles("Manifests in this folder cannot be read", "The folder can be read again", broken)
	w.logTroubles("This is called like a manifest and is none", "What was called like a manifest is gone, or is one", ignored)
}

// logTroubles logs, once each, what has begun and what has ended.
func (w *watch) logTroubles(begun, ended string, troubles map[string]trouble) {
	prefix := begun + " "
	for _, rel := range slices.Sorted(maps.Keys(troubles)) {
		if key := prefix + rel; !w.told[key] {
			w.told[key] = true
			w.log.Info(begun, "path", rel, "error", troubles[rel].err.Error())
		}
	}
	for key := range w.told {
		rel, is := strings.CutPrefix(key, prefix)
		if _, still := troubles[rel]; is && !still {
			delete(w.told, key)
			w.log.Info(ended, "path", rel)
		}
	}
}

// logDuplicates logs, once each, the documents that bear an order's name and are not run.
func (w *watch) logDuplicates(name string) {
	w.s.mu.RLock()
	var found []FileProblem
	if len(w.s.catalog.names[name]) > 1 {
		found = w.s.duplicates(name)
	}
	w.s.mu.RUnlock()
	for _, p := range found {
		if key := "duplicate " + p.Path + " " + name; !w.told[key] {
			w.told[key] = true
			w.log.Info("Manifest is not run", "path", p.Path, "line", p.Line, "problem", p.Message)
		}
	}
}
