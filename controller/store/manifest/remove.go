package manifest

import (
	"bytes"
	"slices"
)

// RemoveDocument takes one document out of a file, with its markers and the comments in it. A comment above the
// first document stays. Empty tells that no document is left.
func RemoveDocument(data []byte, doc int) (out []byte, empty bool, err error) {
	e, err := locate(data, doc)
	if err != nil {
		return nil, false, err
	}
	// The end marker is kept where the next document needs it, because it has no --- of its own.
	for _, end := range []int{e.part.end, e.bodyEnd()} {
		out = e.apply(cut{from: e.part.body, to: end})
		if e.onlyRemoved(out, doc) {
			return out, len(e.parts) == 1, nil
		}
	}
	return nil, false, cannot("the documents around it would change")
}

// onlyRemoved tells whether a file holds the documents of this one less one.
func (s *source) onlyRemoved(out []byte, doc int) bool {
	after, problem := newSource(out)
	return problem == nil && slices.EqualFunc(s.others(doc), after.others(-1), bytes.Equal)
}

// others returns the contents of all documents but one, in order.
func (s *source) others(doc int) [][]byte {
	contents := make([][]byte, 0, len(s.parts))
	for i, p := range s.parts {
		if i != doc {
			contents = append(contents, s.content(p))
		}
	}
	return contents
}

// content returns the text of a document without an end marker and without the comments above it.
func (s *source) content(p part) []byte {
	e := &editor{source: s, part: p}
	return s.data[p.body:e.bodyEnd()]
}
