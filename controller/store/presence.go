package store

import "time"

// Presence says where an order's manifest stands.
type Presence string

// The presences of a manifest.
const (
	// Unknown: there is no manifest of that name and no order to miss it.
	Unknown Presence = "Unknown"
	// Present: it is there, if perhaps broken now.
	Present Presence = "Present"
	// Missing: it was not there when last looked, and it is too early to call it deleted.
	Missing Presence = "Missing"
	// Held: it is not there, but so much is wrong with the directory that nothing is taken for deleted.
	Held Presence = "Held"
	// Gone: it was deleted.
	Gone Presence = "Gone"
	// Tombstoned: it was deleted by `awo delete`, which is acted on at once.
	Tombstoned Presence = "Tombstoned"
	// Leaving: `awo delete` is about to remove it, and may yet fail. No event tells if the command dies over it.
	Leaving Presence = "Leaving"
)

// massDeletion is the number of orders that may vanish at once, however few there are.
const massDeletion = 5

// guardView is what the guard against deletions by accident looks at.
type guardView struct {
	// Known counts the orders that should have a manifest, Missing those of them that have none, neither
	// deleted by command nor accepted nor confirmed before.
	Known, Missing int
	// Broken says what is wrong with the directory; empty when a listing is good.
	Broken string
}

// holds decides whether missing manifests are kept from being taken for deleted.
func (v guardView) holds() bool {
	return v.Broken != "" || v.massive()
}

// massive tells whether so many are missing at once that it looks like an accident.
func (v guardView) massive() bool {
	return v.Missing > massDeletion && 2*v.Missing > v.Known
}

// absence is what is known of an order that has no manifest.
type absence struct {
	// Since is the first good look that missed it, Confirmed tells that it was taken for deleted.
	Since     time.Time
	Confirmed bool
	// Accepted: it was missing at a start that was told to accept deletions.
	Accepted bool
}

// confirmView is what decides over one missing manifest in a good listing.
type confirmView struct {
	Since time.Time
	// Missing counts what is missing, Latest is when the latest of them vanished.
	Missing int
	Latest  time.Time
}

// confirmAt returns the time of the listing that may take a missing manifest for deleted. While more than a few
// vanish one after the other it is put off, so that a slow `rm -rf` or unmount is seen as one, but not for ever.
func confirmAt(v confirmView, goneAfter time.Duration) time.Time {
	at := v.Since.Add(goneAfter)
	if v.Missing <= massDeletion {
		return at
	}
	last := v.Latest.Add(goneAfter)
	if limit := v.Since.Add(6 * goneAfter); last.After(limit) {
		last = limit
	}
	if last.After(at) {
		return last
	}
	return at
}
