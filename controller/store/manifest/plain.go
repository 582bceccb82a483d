package manifest

import (
	"encoding/json"
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"
)

// errTooMuch is a tree beyond the bounds.
var errTooMuch = errors.New("has too many values, or they are nested too deep")

// mergeKey is the key that brings the fields of other mappings in.
const mergeKey = "<<"

// plainer turns a tree into plain values, whatever they mean: what two versions of a file are compared by.
type plainer struct{ budget int }

// plainValue returns the plain value of a node: maps, lists, strings, bools, json.Number and nil.
func plainValue(n *yaml.Node) (any, error) {
	p := &plainer{budget: maxNodes}
	return p.value(n, 0)
}

// value converts one node.
func (p *plainer) value(n *yaml.Node, depth int) (any, error) {
	n = follow(n)
	p.budget--
	if p.budget < 0 || depth > maxDepth {
		return nil, errTooMuch
	}
	switch n.Kind {
	case yaml.MappingNode:
		return p.mapping(n, depth)
	case yaml.SequenceNode:
		return p.sequence(n, depth)
	default:
		return plainScalarOf(n), nil
	}
}

// plainScalarOf converts a scalar.
func plainScalarOf(n *yaml.Node) any {
	switch n.ShortTag() {
	case nullTag:
		return nil
	case boolTag:
		return strings.EqualFold(n.Value, "true")
	case intTag, floatTag:
		if decimal.MatchString(n.Value) {
			return json.Number(n.Value)
		}
		// Another way to write a number; as text it cannot be taken for the string of the same letters.
		return []any{n.ShortTag(), n.Value}
	}
	return n.Value
}

// sequence converts a list.
func (p *plainer) sequence(n *yaml.Node, depth int) (any, error) {
	list := make([]any, 0, len(n.Content))
	for _, item := range n.Content {
		value, err := p.value(item, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

// mapping converts a mapping, with what merge keys bring in: writing a field can hide that.
func (p *plainer) mapping(n *yaml.Node, depth int) (any, error) {
	object := make(map[string]any, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := follow(n.Content[i])
		if key.Kind == yaml.ScalarNode && key.Tag == mergeTag {
			merged = append(merged, n.Content[i+1])
			continue
		}
		value, err := p.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		object[key.Value] = value
	}
	for _, source := range merged {
		if err := p.merge(object, source, depth+1); err != nil {
			return nil, err
		}
	}
	return object, nil
}

// merge adds the fields that one merge key brings in; what is there already wins.
func (p *plainer) merge(object map[string]any, source *yaml.Node, depth int) error {
	value, err := p.value(source, depth)
	if err != nil {
		return err
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	for _, each := range list {
		fields, ok := each.(map[string]any)
		if !ok {
			object[mergeKey] = value // no merge key that means anything: kept as it is
			continue
		}
		for name, v := range fields {
			if _, there := object[name]; !there {
				object[name] = v
			}
		}
	}
	return nil
}
