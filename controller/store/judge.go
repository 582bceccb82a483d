package store

import (
	"cmp"
	"slices"
	"time"
)

// glance is what a look at a file that has changed found, as far as it matters for when to act on it.
type glance struct {
	// Quiet is for how long the file has been as it is.
	Quiet time.Duration
	// Changing: it changed while it was read. Busy: a process has it open for writing. Bad: it is empty or
	// does not decode, or cannot be read.
	Changing, Busy, Bad bool
}

// judge decides whether to act on a file as it is now, or when to look again. A good one is acted on after a
// short quiet; a bad one may be half written, so it is believed only after a long one. A file that a process has
// open for writing is taken for half written likewise, but not for ever: programs may keep it open.
func judge(g glance, debounce, badAfter time.Duration) (act bool, again time.Duration) {
	switch {
	case g.Changing:
		return false, debounce
	case g.Quiet < debounce:
		return false, debounce - g.Quiet
	case g.Busy && g.Quiet < badAfter:
		return false, min(debounce, badAfter-g.Quiet)
	case g.Bad && g.Quiet < badAfter:
		return false, badAfter - g.Quiet
	}
	return true, 0
}

// place is where a document lies.
type place struct {
	Path     string // relative to workorders/, slashes
	Document int
}

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Document, b.Document))
}

// candidate is a document that bears a name.
type candidate struct {
	place
	// Good: it decodes, or did before it was broken.
	Good bool
}

// choose decides which of the documents with one name is the order, by its position in the list: the one at the
// recorded place, else the one in the recorded file, else the first in byte order, good ones before those that
// never were. The list must not be empty.
func choose(candidates []candidate, recorded place) int {
	rank := func(c candidate) int {
		switch {
		case c.place == recorded:
			return 0
		case c.Path == recorded.Path:
			return 1
		case c.Good:
			return 2
		}
		return 3
	}
	best := 0
	for i, c := range candidates {
		b := candidates[best]
		if cmp.Or(cmp.Compare(rank(c), rank(b)), comparePlaces(c.place, b.place)) < 0 {
			best = i
		}
	}
	return best
}

// otherPlaces lists the places of all candidates but one.
func otherPlaces(candidates []candidate, chosen int) []place {
	var out []place
	for i, c := range candidates {
		if i != chosen {
			out = append(out, c.place)
		}
	}
	slices.SortFunc(out, comparePlaces)
	return out
}
