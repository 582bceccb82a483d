package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

const statusKey = "status"

// SpliceStatus replaces the status block of one document, adds it, or removes it for a nil status; every other
// byte of the file stays. The result was decoded and compared with what it should be. It is an *ErrCannotSplice
// when the file cannot be written that way.
func SpliceStatus(data []byte, doc int, status *v1alpha1.WorkOrderStatus) ([]byte, error) {
	e, err := newEditor(data, doc)
	if err != nil {
		return nil, err
	}
	s := e.find(e.root, e.bodyEnd(), statusKey)
	if s.index >= 0 {
		if err := e.sharedAnchor(s); err != nil {
			return nil, err
		}
	}
	if status == nil {
		return e.removeStatus(s, doc)
	}
	block, err := renderBlock(status)
	if err != nil {
		return nil, fmt.Errorf("splice status: %w", err)
	}
	out, err := e.writeStatus(s, doc, block)
	if err != nil && !s.flow() {
		// A comment that follows deeper indented would become part of a text at the end of the block. On one line the
		// value ends where it ends.
		if inline, again := e.writeStatus(s, doc, rendered{inline: block.inline}); again == nil {
			return inline, nil
		}
	}
	return out, err
}

// removeStatus returns the file without the status of a document.
func (e *editor) removeStatus(s slot, doc int) ([]byte, error) {
	if s.index < 0 {
		return e.data, nil
	}
	cuts, err := e.remove(s)
	if err != nil {
		return nil, err
	}
	out := e.apply(cuts...)
	return out, e.verifyStatus(out, doc, nil)
}

// writeStatus returns the file with the status in one form, verified.
func (e *editor) writeStatus(s slot, doc int, v rendered) ([]byte, error) {
	cuts, err := e.set(s, v)
	if err != nil {
		return nil, err
	}
	var want any
	decoder := json.NewDecoder(bytes.NewReader([]byte(v.inline)))
	decoder.UseNumber()
	if err := decoder.Decode(&want); err != nil {
		return nil, fmt.Errorf("splice status: %w", err)
	}
	out := e.apply(cuts...)
	if err := e.verifyStatus(out, doc, want); err != nil {
		return nil, err
	}
	return out, nil
}

// verifyStatus decodes the result: the status must be the one wanted, and all else what it was.
func (e *editor) verifyStatus(out []byte, doc int, want any) error {
	after, err := e.reread(out, doc)
	if err != nil {
		return err
	}
	was, err := plainValue(without(e.root, statusKey))
	if err != nil {
		return cannot("the document %v", err)
	}
	is, err := plainValue(after.root)
	if err != nil {
		return cannot("the document %v", err)
	}
	root, ok := is.(map[string]any)
	if !ok || !reflect.DeepEqual(root[statusKey], want) {
		return cannot("the status would not read back as it was written")
	}
	delete(root, statusKey)
	if before, ok := was.(map[string]any); ok {
		// A merge key may bring one in, too.
		delete(before, statusKey)
	}
	if !reflect.DeepEqual(was, is) {
		return cannot("another field than status would change")
	}
	return nil
}

// reread opens the result of an edit: the same documents must be in it, the others unchanged.
func (e *editor) reread(out []byte, doc int) (*editor, error) {
	after, err := newEditor(out, doc)
	if err != nil {
		return nil, cannot("the result would not be read: %v", err)
	}
	// Flow style can be one comma away from JSON, which reads the same.
	if len(after.parts) != len(e.parts) || e.json && !after.json {
		return nil, cannot("another document would change")
	}
	for i := range e.parts {
		if i != doc && !bytes.Equal(e.text(e.parts[i]), after.text(after.parts[i])) {
			return nil, cannot("another document would change")
		}
	}
	return after, nil
}

// without returns a mapping less one field.
func without(mapping *yaml.Node, name string) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: mapTag}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value != name {
			out.Content = append(out.Content, mapping.Content[i], mapping.Content[i+1])
		}
	}
	return out
}

// sharedAnchor refuses a status that holds an anchor which is used outside of it.
func (e *editor) sharedAnchor(s slot) error {
	inside := map[*yaml.Node]bool{}
	visit(s.value(), func(n *yaml.Node) { inside[n] = true })
	var shared []string
	visit(without(e.root, s.name), func(n *yaml.Node) {
		if n.Kind == yaml.AliasNode && inside[n.Alias] {
			shared = append(shared, n.Value)
		}
	})
	if len(shared) == 0 {
		return nil
	}
	slices.Sort(shared)
	return cannot("the anchor &%s inside status is used outside of it; move it out of status", shared[0])
}

// visit calls a function for a node and all below it, aliases not followed.
func visit(n *yaml.Node, f func(*yaml.Node)) {
	f(n)
	for _, child := range n.Content {
		visit(child, f)
	}
}
