package manifest

import "bytes"

// RemoveDocument takes one document out of a file, with its markers and the comments in it. A comment above the
// first document stays. Empty tells that no document is left.
func RemoveDocument(data []byte, doc int) (out []byte, empty bool, err error) {
	src, problem := newSource(data)
	if problem != nil {
		return nil, false, cannot("%s", problem.Message)
	}
	if doc < 0 || doc >= len(src.parts) {
		return nil, false, cannot("the file has no document %d, it has %d", doc, len(src.parts))
	}
	p := src.parts[doc]
	e := &editor{source: src, part: p}
	// The end marker is kept where the next document needs it, because it has no --- of its own.
	for _, end := range []int{p.end, e.bodyEnd()} {
		out = e.apply(cut{from: p.body, to: end})
		if src.onlyRemoved(out, doc) {
			return out, len(src.parts) == 1, nil
		}
	}
	return nil, false, cannot("the documents around it would change")
}

// onlyRemoved tells whether a file holds the documents of this one less one.
func (s *source) onlyRemoved(out []byte, doc int) bool {
	after, problem := newSource(out)
	if problem != nil || len(after.parts) != len(s.parts)-1 {
		return false
	}
	for i, p := range after.parts {
		before := i
		if i >= doc {
			before++
		}
		if !bytes.Equal(after.content(p), s.content(s.parts[before])) {
			return false
		}
	}
	return true
}

// content returns the text of a document without an end marker and without the comments above it.
func (s *source) content(p part) []byte {
	e := &editor{source: s, part: p}
	return s.data[p.body:e.bodyEnd()]
}
