package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// guard remembers which manifests are missing and decides when that means deleted. Its user holds the lock of
// the store.
type guard struct {
	goneAfter time.Duration
	absences  map[string]*absence
	latest    time.Time // when the latest manifest vanished
	// rootErr is what is wrong with the root, held why deletions are not acted on; empty when they are.
	rootErr error
	held    string
	// accepting: what the first good listing misses is accepted.
	accepting bool
}

func newGuard(accept bool, goneAfter time.Duration) *guard {
	return &guard{goneAfter: goneAfter, absences: map[string]*absence{}, accepting: accept}
}

// census is who should have a manifest and who has none.
type census struct {
	now time.Time
	// missing names the orders without a manifest, known counts all that should have one.
	missing []string
	known   int
	// broken says what could not be listed, foreign why the directory does not look like the one that was known;
	// both are empty for a good listing of the right directory.
	broken, foreign string
	// full tells that everything was listed just now.
	full bool
}

// take takes a census in. It returns the names whose presence may differ now, and when to list again to find out
// about those that are missing; zero when none is waited for.
func (g *guard) take(c census) (changed []string, next time.Time) {
	changed = append(g.returned(c), g.vanished(c)...)
	if g.accepting && c.full && c.broken == "" {
		g.acceptAll()
		c.foreign = ""
	}
	was := g.held
	g.held = g.reason(c)
	if (was == "") != (g.held == "") {
		changed = append(changed, slices.Collect(maps.Keys(g.absences))...)
	}
	if was != "" || g.held != "" {
		g.rearm(c.now)
	}
	if g.held != "" {
		return changed, time.Time{}
	}
	confirmed, next := g.confirm(c)
	return append(changed, confirmed...), next
}

// returned forgets the absence of what is there again.
func (g *guard) returned(c census) (names []string) {
	missing := make(map[string]bool, len(c.missing))
	for _, name := range c.missing {
		missing[name] = true
	}
	for name := range g.absences {
		if !missing[name] {
			delete(g.absences, name)
			names = append(names, name)
		}
	}
	return names
}

// vanished notes what is missing for the first time.
func (g *guard) vanished(c census) (names []string) {
	for _, name := range c.missing {
		if g.absences[name] == nil {
			g.absences[name] = &absence{Since: c.now}
			g.latest = c.now
			names = append(names, name)
		}
	}
	return names
}

func (g *guard) acceptAll() {
	g.accepting = false
	for _, a := range g.absences {
		a.Accepted = true
	}
}

// counted is the absences that the guard counts.
func (g *guard) counted() (n int) {
	for _, a := range g.absences {
		if !a.Accepted && !a.Confirmed {
			n++
		}
	}
	return n
}

// reason says why nothing is taken for deleted now; empty when nothing speaks against it.
func (g *guard) reason(c census) string {
	missing := g.counted()
	view := guardView{Known: c.known - (len(g.absences) - missing), Missing: missing, Broken: cmp.Or(c.broken, c.foreign)}
	switch {
	case len(g.absences) == 0 || !view.holds():
		return ""
	case view.Broken != "":
		return view.Broken
	}
	names := slices.Sorted(maps.Keys(g.absences))
	return fmt.Sprintf("%d of %d work orders lost their manifests at once (%s)",
		missing, view.Known, strings.Join(names[:min(3, len(names))], ", ")+", ...")
}

// rearm begins the wait anew: what was held is not taken for deleted at the moment the hold ends.
func (g *guard) rearm(now time.Time) {
	for _, a := range g.absences {
		if !a.Confirmed {
			a.Since = now
		}
	}
}

// confirm takes for deleted what has been missing for long enough, if everything was listed.
func (g *guard) confirm(c census) (names []string, next time.Time) {
	missing := g.counted()
	for name, a := range g.absences {
		if a.Confirmed {
			continue
		}
		view := confirmView{Since: a.Since, Missing: missing, Latest: g.latest}
		if a.Accepted {
			view.Missing = 0
		}
		at := confirmAt(view, g.goneAfter)
		switch {
		case c.full && !c.now.Before(at):
			a.Confirmed = true
			names = append(names, name)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	return names, next
}

// presence tells where an order stands that should have a manifest and has none.
func (g *guard) presence(name string) Presence {
	a := g.absences[name]
	switch {
	case a != nil && a.Confirmed:
		return Gone
	case g.held != "":
		return Held
	}
	return Missing
}

// settled tells that nothing is missing whose fate is open.
func (g *guard) settled() bool { return g.counted() == 0 }
