package manifest

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrCannotSplice says that a field cannot be changed without touching more of the file than that field, or
// that the file is written in a way in which this cannot be told. The file is to be left as it is.
type ErrCannotSplice struct {
	// Reason is a sentence for people, without a full stop.
	Reason string
}

// Error returns the reason.
func (e *ErrCannotSplice) Error() string {
	return "cannot edit the manifest in place: " + e.Reason
}

// cannot makes an ErrCannotSplice.
func cannot(format string, args ...any) error {
	return &ErrCannotSplice{Reason: fmt.Sprintf(format, args...)}
}

// editor edits one document of a file.
type editor struct {
	*source
	part part
	root *yaml.Node
}

// cut is a byte range of the file and what takes its place.
type cut struct {
	from, to int
	text     string
}

// locate finds the document to edit, which need not be YAML.
func locate(data []byte, doc int) (*editor, error) {
	src, problem := newSource(data)
	if problem != nil {
		return nil, cannot("%s", problem.Message)
	}
	if doc < 0 || doc >= len(src.parts) {
		return nil, cannot("the file has no document %d, it has %d", doc, len(src.parts))
	}
	return &editor{source: src, part: src.parts[doc]}, nil
}

// newEditor reads the document to edit. The document need not decode, but it must be YAML with a mapping.
func newEditor(data []byte, doc int) (*editor, error) {
	e, err := locate(data, doc)
	if err != nil {
		return nil, err
	}
	root, failed := e.tree(e.part)
	if failed != nil {
		return nil, cannot("line %d %s", e.part.line+failed.line, failed.message)
	}
	if root.Kind != yaml.MappingNode {
		return nil, cannot("the document is %s", describe(root))
	}
	e.root = root
	return e, nil
}

// apply returns the file with the cuts made, which must not overlap.
func (e *editor) apply(cuts ...cut) []byte {
	slices.SortFunc(cuts, func(a, b cut) int { return a.from - b.from })
	out := make([]byte, 0, len(e.data)+512)
	at := 0
	for _, c := range cuts {
		out = append(append(out, e.data[at:c.from]...), c.text...)
		at = c.to
	}
	return append(out, e.data[at:]...)
}

// offset returns where a node begins in the file.
func (e *editor) offset(n *yaml.Node) int {
	line := e.part.line + n.Line - 1
	if line >= len(e.starts) {
		return e.part.end
	}
	at := e.start(line)
	if n.Line == 1 {
		at = max(at, e.part.start)
	}
	for column := 1; column < n.Column && at < e.part.end; column++ {
		at += runeSize(e.data[at:])
	}
	return min(at, e.part.end)
}

// slot is a field of a mapping: where it stands, or where it would.
type slot struct {
	// mapping is the mapping, and limit where its text ends at the latest.
	mapping *yaml.Node
	limit   int
	// index is that of the key in the mapping's content, -1 when it is not there.
	index int
	name  string
}

// find looks a field up in a mapping.
func (e *editor) find(mapping *yaml.Node, limit int, name string) slot {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if key := mapping.Content[i]; key.Kind == yaml.ScalarNode && key.Value == name {
			return slot{mapping, limit, i, name}
		}
	}
	return slot{mapping, limit, -1, name}
}

// key and value return the nodes of a field that is there.
func (s slot) key() *yaml.Node   { return s.mapping.Content[s.index] }
func (s slot) value() *yaml.Node { return s.mapping.Content[s.index+1] }

// flow tells whether the mapping is written in braces.
func (s slot) flow() bool { return s.mapping.Style&yaml.FlowStyle != 0 }

// valueLimit returns where the text of the field's value ends at the latest: on the line of the next field.
func (e *editor) valueLimit(s slot) int {
	if s.index+2 >= len(s.mapping.Content) || s.flow() {
		return s.limit
	}
	return min(s.limit, e.start(e.lineAt(e.offset(s.mapping.Content[s.index+2]))))
}

// colon returns where the key's colon ends. The key must be written as its name, plain or quoted.
func (e *editor) colon(s slot) (int, error) {
	at := e.offset(s.key())
	for _, form := range []string{s.name, `"` + s.name + `"`, "'" + s.name + "'"} {
		if !strings.HasPrefix(string(e.data[at:min(len(e.data), at+len(form))]), form) {
			continue
		}
		end := at + len(form)
		for end < e.part.end && (e.data[end] == ' ' || e.data[end] == '\t') {
			end++
		}
		if end < e.part.end && e.data[end] == ':' {
			return end + 1, nil
		}
	}
	return 0, cannot("the key %s is written in an unusual way; write it as %s: VALUE", s.name, s.name)
}

// set writes a rendered value into a field, which is added when it is not there.
func (e *editor) set(s slot, v rendered) ([]cut, error) {
	switch {
	case s.flow() && s.index < 0:
		return e.flowInsert(s, v)
	case s.flow():
		return e.flowReplace(s, v)
	case s.index < 0:
		return e.blockInsert(s, v)
	default:
		return e.blockReplace(s, v)
	}
}

// remove takes a field out.
func (e *editor) remove(s slot) ([]cut, error) {
	if s.flow() {
		return e.flowRemove(s)
	}
	return e.blockRemove(s)
}
