package process

import (
	"cmp"
	"slices"
)

// span is a part of a text, from an index up to another.
type span struct{ at, end int }

// merge sorts spans and makes one of those that overlap. Those that only touch stay two.
func merge(all []span) []span {
	slices.SortFunc(all, func(a, b span) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.end, b.end)) })
	merged := all[:0]
	for _, s := range all {
		if last := len(merged) - 1; last >= 0 && s.at < merged[last].end {
			merged[last].end = max(merged[last].end, s.end)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// blacken returns a copy of the text with Redacted in place of each span. The spans are merged.
func blacken(text []byte, spans []span) []byte {
	out := make([]byte, 0, len(text)+len(spans)*len(Redacted))
	copied := 0
	for _, s := range spans {
		out = append(append(out, text[copied:s.at]...), Redacted...)
		copied = s.end
	}
	return append(out, text[copied:]...)
}
