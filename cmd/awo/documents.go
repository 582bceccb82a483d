package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// span is where a document stands in a file, without the markers around it.
type span struct{ start, end int }

// spans finds the documents of a file, those without content left out, as manifest.Parse counts them.
func spans(data []byte) []span {
	var found []span
	current, content := span{}, false
	finish := func(end int) {
		if content {
			current.end = end
			found = append(found, current)
		}
		content = false
	}
	offset := 0
	for line := range bytes.Lines(data) {
		next := offset + len(line)
		switch text := bytes.TrimSpace(line); {
		case isMarker(line):
			finish(offset)
			// What follows the marker on its line belongs to the document.
			current.start = next
			if rest := bytes.TrimSpace(text[3:]); len(rest) > 0 && rest[0] != '#' {
				current.start, content = offset+3, true
			}
		case len(text) > 0 && text[0] != '#' && line[0] != '%':
			content = true
		}
		offset = next
	}
	finish(len(data))
	return found
}

func isMarker(line []byte) bool {
	text := bytes.TrimRight(line, "\r\n")
	for _, marker := range []string{"---", "..."} {
		if rest, ok := bytes.CutPrefix(text, []byte(marker)); ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t') {
			return true
		}
	}
	return false
}

// errAmbiguous says that a document's bounds are not certain, so that nothing is replaced.
var errAmbiguous = errors.New("the documents of the file cannot be told apart with certainty: write the change into the file itself")

// documentText returns the text of one document.
func documentText(data []byte, doc int) ([]byte, error) {
	found := spans(data)
	docs, _ := manifest.Parse(data)
	if doc >= len(found) || len(docs) != len(found) {
		return nil, errAmbiguous
	}
	return data[found[doc].start:found[doc].end], nil
}

// replaceDocument puts another text in the place of one document and proves that no other one changed.
func replaceDocument(data []byte, doc int, text []byte) ([]byte, error) {
	if _, err := documentText(data, doc); err != nil {
		return nil, err
	}
	at := spans(data)[doc]
	if at.end < len(data) && !bytes.HasSuffix(text, []byte("\n")) {
		text = append(bytes.Clone(text), '\n')
	}
	result := slices.Concat(data[:at.start], text, data[at.end:])
	before, _ := manifest.Parse(data)
	after, _ := manifest.Parse(result)
	if len(before) != len(after) {
		return nil, errAmbiguous
	}
	for i := range before {
		if i != doc && !sameDocument(before[i], after[i]) {
			return nil, errAmbiguous
		}
	}
	return result, nil
}

func sameDocument(a, b manifest.Document) bool {
	if a.Name != b.Name || (a.Object == nil) != (b.Object == nil) {
		return false
	}
	return a.Object == nil || a.Object.Spec.SpecHash() == b.Object.Spec.SpecHash()
}

// serverFields are metadata that only the controller gives; they are shown and never written to a file.
func serverFields() []string {
	return []string{"uid", "creationTimestamp", "generation", "resourceVersion", "selfLink", "managedFields"}
}

// cleanDocument takes what is not the user's to say out of a document, puts the status in, and leaves every
// other byte as it is.
func cleanDocument(data []byte, doc int, status *v1alpha1.WorkOrderStatus) (out []byte, err error) {
	out = data
	for _, field := range serverFields() {
		if !bytes.Contains(out, []byte(field)) {
			continue
		}
		if out, err = manifest.SetField(out, doc, []string{"metadata", field}, nil); err != nil {
			return nil, fmt.Errorf("take metadata.%s out: %w", field, err)
		}
	}
	return manifest.SpliceStatus(out, doc, status)
}

// documentNames lists the names in a file, in order.
func documentNames(docs []manifest.Document) []string {
	names := make([]string, 0, len(docs))
	for _, doc := range docs {
		names = append(names, doc.Name)
	}
	return names
}

// statusOf returns the status that a document shows, nil if it has none.
func statusOf(doc manifest.Document) *v1alpha1.WorkOrderStatus {
	if doc.Object == nil {
		return nil
	}
	return doc.Object.Status
}
