package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// SetField sets a scalar of one document, such as spec.cancel or an annotation: path is the names of the fields
// from the root on, value a bool, a string or an integer; nil removes the field, and with it the mappings that
// would be left empty. Where a merge key would still bring true in, false is written instead. Every other byte of
// the file stays. The result was decoded and compared: only that field differs. It is an *ErrCannotSplice when the
// file cannot be written that way.
func SetField(data []byte, doc int, path []string, value any) ([]byte, error) {
	if len(path) == 0 {
		return nil, errors.New("set field: the path is empty")
	}
	e, err := newEditor(data, doc)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return e.unset(doc, path)
	}
	s, rest, err := e.descend(path, false)
	if err != nil {
		return nil, err
	}
	cuts, err := e.setScalar(s, rest, value)
	if err != nil {
		return nil, err
	}
	return e.edited(doc, path, cuts, value)
}

// unset takes a field out, and sees that it does not come in again by a merge key.
func (e *editor) unset(doc int, path []string) ([]byte, error) {
	s, rest, err := e.descend(path, true)
	if err != nil {
		return nil, err
	}
	var cuts []cut
	if len(rest) == 0 {
		if cuts, err = e.remove(s); err != nil {
			return nil, err
		}
	}
	merged, err := e.merged(doc, path, cuts)
	switch {
	case err != nil:
		return nil, err
	case isTrue(merged):
		return SetField(e.data, doc, path, false)
	case merged != nil && !isFalse(merged):
		return nil, cannot("%s comes from a merge key <<; change it there", strings.Join(path, "."))
	case len(cuts) == 0:
		return e.data, nil
	}
	return e.edited(doc, path, cuts, merged)
}

// merged returns what a field that was taken out is all the same.
func (e *editor) merged(doc int, path []string, cuts []cut) (any, error) {
	after, err := e.reread(e.apply(cuts...), doc)
	if err != nil {
		return nil, err
	}
	value, err := plainValue(after.root)
	if err != nil {
		return nil, cannot("the document %v", err)
	}
	return pick(value, path), nil
}

// edited returns the file with the cuts made, verified.
func (e *editor) edited(doc int, path []string, cuts []cut, want any) ([]byte, error) {
	out := e.apply(cuts...)
	if err := e.verifyField(out, doc, path, want); err != nil {
		return nil, err
	}
	return out, nil
}

// descend follows a path as far as it is written and returns the field to change, and the names below it that are
// not there. For a removal it is the outermost field below the root's that would be left without content.
func (e *editor) descend(path []string, removing bool) (slot, []string, error) {
	mapping, limit := e.root, e.bodyEnd()
	var outermost *slot
	for i, name := range path {
		s := e.find(mapping, limit, name)
		rest := path[i+1:]
		if s.index < 0 {
			return s, path[i:], nil
		}
		if outermost == nil || len(s.mapping.Content) > 2 || i == 1 {
			outermost = &s
		}
		value := s.value()
		switch {
		case len(rest) == 0 && removing:
			return *outermost, nil, nil
		case len(rest) == 0 || (isNull(value) && !removing):
			return s, rest, nil
		case isNull(value):
			return s, path[i:], nil
		case value.Kind != yaml.MappingNode:
			return slot{}, nil, cannot("line %d: %s is %s that is not written out in place", e.part.line+value.Line, strings.Join(path[:i+1], "."), describe(follow(value)))
		}
		limit = e.valueLimit(s)
		mapping = value
	}
	return slot{}, nil, cannot("the path is empty")
}

// setScalar writes a scalar into a field, or into one below it that is not there yet.
func (e *editor) setScalar(s slot, rest []string, value any) ([]cut, error) {
	switch value.(type) {
	case bool, string, int, int32, int64:
	default:
		return nil, fmt.Errorf("set field: a value of type %T is not supported", value)
	}
	if s.index < 0 {
		// The first of the rest is the field itself.
		rest = rest[1:]
	}
	text, err := encodeJSON(nest(rest, value))
	if err != nil {
		return nil, fmt.Errorf("set field: %w", err)
	}
	v := rendered{inline: text}
	if len(rest) > 0 {
		v.lines = nestLines(rest, value)
	}
	return e.set(s, v)
}

// nest wraps a value into a mapping for each name.
func nest(path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	return map[string]any{path[0]: nest(path[1:], value)}
}

// nestLines renders nested mappings with one value in block style.
func nestLines(path []string, value any) []string {
	// The value is a scalar, which encodes.
	text, _ := encodeJSON(value)
	lines := make([]string, 0, len(path))
	for i, name := range path {
		lines = append(lines, strings.Repeat("  ", i)+keyText(name)+":")
	}
	lines[len(lines)-1] += " " + text
	return lines
}

// verifyField decodes the result: the field must be what is wanted, and all else what it was.
func (e *editor) verifyField(out []byte, doc int, path []string, value any) error {
	after, err := e.reread(out, doc)
	if err != nil {
		return err
	}
	was, err := plainValue(e.root)
	if err != nil {
		return cannot("the document %v", err)
	}
	is, err := plainValue(after.root)
	if err != nil {
		return cannot("the document %v", err)
	}
	want := plainScalar(value)
	if got := pick(is, path); !reflect.DeepEqual(got, want) {
		return cannot("%s would not read back as it was written", strings.Join(path, "."))
	}
	if !reflect.DeepEqual(prune(was, path), prune(is, path)) {
		return cannot("another field than %s would change", strings.Join(path, "."))
	}
	return nil
}

// plainScalar turns a value into what plainValue makes of it.
func plainScalar(value any) any {
	switch v := value.(type) {
	case int, int32, int64:
		return json.Number(fmt.Sprint(v))
	case string:
		return strings.ToValidUTF8(v, "\ufffd")
	default:
		return value
	}
}

// pick returns the value at a path, nil when there is none.
func pick(v any, path []string) any {
	for _, name := range path {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[name]
	}
	return v
}

// prune returns a plain value less the one at a path and the mappings that this leaves empty.
func prune(v any, path []string) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v
	}
	if len(path) == 0 {
		return nil
	}
	if child := pruneChild(object[path[0]], path[1:]); child == nil {
		delete(object, path[0])
	} else {
		object[path[0]] = child
	}
	return object
}

// pruneChild prunes below a field; nil when nothing is left of it.
func pruneChild(v any, path []string) any {
	if len(path) == 0 {
		return nil
	}
	if object, ok := prune(v, path).(map[string]any); ok {
		if len(object) == 0 {
			return nil
		}
		return object
	}
	return v
}

func isTrue(v any) bool {
	b, ok := v.(bool)
	return ok && b
}

func isFalse(v any) bool {
	b, ok := v.(bool)
	return ok && !b
}
