package manifest

import (
	"bytes"
	"reflect"
	"slices"
)

// DocumentText returns the text of one document as ReplaceDocument takes it: without its markers and directives, with
// the comments above it and in it.
func DocumentText(data []byte, doc int) ([]byte, error) {
	e, err := locate(data, doc)
	if err != nil {
		return nil, err
	}
	return e.data[e.textBegin():e.bodyEnd()], nil
}

// ReplaceDocument puts another text in the place of one document, between its markers; every other byte of the file
// stays. The result was read: the text means there what it means alone, and the other documents are the same.
func ReplaceDocument(data []byte, doc int, text []byte) ([]byte, error) {
	e, err := locate(data, doc)
	if err != nil {
		return nil, err
	}
	from, to := e.textBegin(), e.bodyEnd()
	out := e.apply(cut{from, to, e.fitted(from, to, text)})
	after, problem := newSource(out)
	if problem != nil || len(after.parts) != len(e.parts) || !slices.EqualFunc(e.others(doc), after.others(doc), bytes.Equal) {
		return nil, cannot("the documents around it would change")
	}
	if err := sameMeaning(text, out, doc); err != nil {
		return nil, err
	}
	return out, nil
}

// textBegin returns where the text of the document begins, behind the --- above it. What follows on the line of the ---
// belongs to the text unless it is a comment.
func (e *editor) textBegin() int {
	for line := e.part.line; !e.json && line < len(e.starts) && e.start(line) < e.part.end; line++ {
		switch text := e.line(line); {
		case !isMarker(text, "---"):
		case vacant(text[3:]):
			return e.next(line)
		default:
			return e.start(line) + 3
		}
	}
	return e.part.start
}

// fitted gives a text the line breaks that keep it apart from the markers around it.
func (e *editor) fitted(from, to int, text []byte) string {
	out := string(text)
	if onMarker := from > e.start(e.lineAt(from)); onMarker && len(text) > 0 && !isSpaceOrBreak(text[0]) {
		out = e.newline + out
	}
	if to < len(e.data) && !bytes.HasSuffix(text, []byte("\n")) && !bytes.HasSuffix(text, []byte("\r")) {
		out += e.newline
	}
	return out
}

// sameMeaning proves that a document of a file reads as a text does that stands alone.
func sameMeaning(text, file []byte, doc int) error {
	alone, err := newEditor(text, 0)
	if err != nil {
		return err
	}
	placed, err := newEditor(file, doc)
	if err != nil {
		return cannot("the result would not be read: %v", err)
	}
	was, err := plainValue(alone.root)
	if err != nil {
		return cannot("the document %v", err)
	}
	if is, err := plainValue(placed.root); err != nil || !reflect.DeepEqual(was, is) {
		return cannot("the document would mean something else in this file")
	}
	return nil
}
