// Package retention removes what is kept of runs that are past, by age and by size: never anything of an order that is
// there in its current run, and no commits that exist nowhere else before they are as old as is kept.
package retention

import (
	"cmp"
	"slices"
	"time"
)

// Policy says what is kept.
type Policy struct {
	// Age is how long outputs are kept after the end of their run; 0 for ever.
	Age time.Duration
	// Bytes is how much all outputs together may hold; 0 for no limit. The oldest past runs go first.
	Bytes int64
}

// Kept is what there is of one past run.
type Kept struct {
	ID string
	// Ended is when the run came to its end.
	Ended time.Time
	// Bytes is what its outputs hold.
	Bytes int64
	// Unpushed says that there is work, in a bundle or a workspace, that no remote was seen to have.
	Unpushed bool
}

// Choose returns the ids of the runs to remove, the oldest first. total is what the outputs of all runs hold, also of
// those that are not past.
func Choose(past []Kept, total int64, p Policy, now time.Time) []string {
	oldest := slices.Clone(past)
	slices.SortFunc(oldest, func(a, b Kept) int {
		return cmp.Or(a.Ended.Compare(b.Ended), cmp.Compare(a.ID, b.ID))
	})
	var out []string
	for _, k := range oldest {
		expired := p.Age > 0 && now.Sub(k.Ended) > p.Age
		crowded := p.Bytes > 0 && total > p.Bytes && !k.Unpushed
		if expired || crowded {
			out = append(out, k.ID)
			total -= k.Bytes
		}
	}
	return out
}
