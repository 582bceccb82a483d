package manifest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	kjson "sigs.k8s.io/json"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// Bounds of one document.
const (
	// maxNodes is how many nodes a document may have when its aliases are written out.
	maxNodes = 20000
	// maxDepth is how deep they may be nested.
	maxDepth = 64
	// maxName is the longest name of an object in Kubernetes, in bytes; most file systems take 255.
	maxName = 253
	// maxProblems is how many problems of one document are listed.
	maxProblems = 50
)

const nameField = "metadata.name"

// checker walks the tree of one document along the schema and collects what does not fit, and the plain value of
// what does.
type checker struct {
	document  int
	name      string
	namespace string
	// base is added to the lines of nodes.
	base     int
	budget   int
	problems []Problem
	lines    []fieldLine
	// stopped says that a bound was reached.
	stopped bool
}

// spot is where a value stands: its field, and the line of its key.
type spot struct {
	field string
	line  int
	depth int
	// free says that the names of its fields are the author's, as those of annotations.
	free bool
}

// child returns the spot of a field in an object.
func (at spot) child(name string, line int) spot {
	field := name
	switch {
	case at.free:
		field = at.field + "[" + name + "]"
	case at.field != "":
		field = at.field + "." + name
	}
	return spot{field: field, line: line, depth: at.depth + 1}
}

// report adds a problem on a line of the document's part.
func (c *checker) report(line int, field, format string, args ...any) {
	if c.stopped {
		return
	}
	message := fmt.Sprintf(format, args...)
	if len(c.problems) == maxProblems {
		c.stopped = true
		message = "more problems than are listed; correct these first"
	}
	c.problems = append(c.problems, Problem{
		Document: c.document, Name: c.name, Namespace: c.namespace, Line: c.base + line, Field: field, Message: message,
	})
}

// decode checks a document and decodes it when it has no problem.
func (c *checker) decode(root *yaml.Node) *v1alpha1.WorkOrder {
	if !c.knownKind(root) {
		return nil
	}
	value := c.value(root, workOrderSchema(), spot{line: root.Line})
	c.bearable(value)
	if len(c.problems) > 0 {
		return nil
	}
	// The tree holds nothing that JSON cannot express.
	data, err := json.Marshal(value)
	object := &v1alpha1.WorkOrder{}
	if err == nil {
		err = decodeStrict(data, object)
	}
	if err != nil {
		c.report(root.Line, "", "does not decode as a WorkOrder: %v", err)
		return nil
	}
	object.Status = c.status(valueOf(root, "status"))
	return object
}

// bearable reports a name that no order can bear, not even one that has Failed for it: files are named after it, and
// people read it on their terminals.
func (c *checker) bearable(value any) {
	name, ok := pick(value, []string{"metadata", "name"}).(string)
	line := 1
	if i := slices.IndexFunc(c.lines, func(l fieldLine) bool { return l.field == nameField }); i >= 0 {
		line = c.lines[i].line - c.base
	}
	switch {
	case !ok:
	case name == "":
		c.report(line, nameField, "is empty; allowed is a name such as add-readme, it is the identity of the order")
	case len(name) > maxName:
		c.report(line, nameField, "has %d bytes; allowed is a name of at most %d characters, such as add-readme", len(name), maxName)
	case !v1alpha1.IsVisible(name):
		c.report(line, nameField, "is %s, which has control characters; allowed are lower case letters, digits, - and .", quoted(name))
	}
}

// knownKind looks at apiVersion and kind first: the fields of another kind would only be noise.
func (c *checker) knownKind(root *yaml.Node) bool {
	if root.Kind != yaml.MappingNode {
		c.report(root.Line, "", "is %s; allowed is a WorkOrder with apiVersion, kind, metadata and spec", describe(root))
		return false
	}
	group := v1alpha1.GroupVersion.String()
	for _, want := range []struct{ key, value string }{{"apiVersion", group}, {"kind", v1alpha1.Kind}} {
		got := valueOf(root, want.key)
		if got != nil && got.Kind == yaml.ScalarNode && got.Value != want.value {
			advice := ""
			if strings.HasSuffix(got.Value, "List") {
				advice = ", or give the list to `awo apply -f`"
			}
			c.report(got.Line, want.key, "is %s; allowed is %s%s", quoted(got.Value), want.value, advice)
		}
	}
	return len(c.problems) == 0
}

// status decodes the status where this version could have written it. It is never input, so whatever it holds is
// no problem.
func (c *checker) status(n *yaml.Node) *v1alpha1.WorkOrderStatus {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	value, err := plainValue(n)
	if err != nil {
		return nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	status := &v1alpha1.WorkOrderStatus{}
	if decodeStrict(data, status) != nil {
		return nil
	}
	return status
}

// decodeStrict decodes JSON case-sensitively and refuses unknown and duplicate fields.
func decodeStrict(data []byte, into any) error {
	strict, err := kjson.UnmarshalStrict(data, into)
	if err != nil {
		return err
	}
	if len(strict) > 0 {
		return strict[0]
	}
	return nil
}

// value checks one node and returns its plain value; nil for none.
func (c *checker) value(n *yaml.Node, s *schema, at spot) any {
	n = follow(n)
	if !c.spend(at) || s.unread {
		return nil
	}
	if at.field != "" {
		c.lines = append(c.lines, fieldLine{at.field, c.base + at.line})
	}
	switch s.Type {
	case typeObject:
		return c.object(n, s, at)
	case typeArray:
		return c.array(n, s, at)
	}
	value, complaint := scalar(n, s)
	if complaint != "" {
		c.report(max(n.Line, at.line), at.field, "%s", complaint)
	}
	return value
}

// spend counts a node and tells whether the document is still within bounds.
func (c *checker) spend(at spot) bool {
	c.budget--
	switch {
	case c.stopped:
		return false
	case at.depth > maxDepth:
		c.report(at.line, at.field, "is nested deeper than %d levels", maxDepth)
	case c.budget < 0:
		c.report(at.line, at.field, "has more than %d values with its aliases written out", maxNodes)
	default:
		return true
	}
	c.stopped = true
	return false
}

// array checks a list.
func (c *checker) array(n *yaml.Node, s *schema, at spot) any {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		c.report(at.line, at.field, "is %s; allowed is a list, such as [a, b]", describe(n))
		return nil
	}
	list := make([]any, 0, len(n.Content))
	for i, item := range n.Content {
		field := fmt.Sprintf("%s[%d]", at.field, i)
		list = append(list, c.value(item, s.Items, spot{field: field, line: item.Line, depth: at.depth + 1}))
		if c.stopped {
			break
		}
	}
	return list
}

// object checks a mapping: the names of its fields, their values, and that those required are there.
func (c *checker) object(n *yaml.Node, s *schema, at spot) any {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		c.report(at.line, at.field, "is %s; allowed is a mapping%s", describe(n), withFields(s))
		return nil
	}
	at.free = s.AdditionalProperties != nil
	written := c.fields(n, at)
	object := make(map[string]any, len(written))
	for _, f := range written {
		if value := c.field(f, s, at.child(f.key.Value, f.key.Line)); value != nil {
			object[f.key.Value] = value
		}
		if c.stopped {
			return nil
		}
	}
	for _, name := range s.Required {
		if !slices.ContainsFunc(written, func(f entry) bool { return f.key.Value == name }) {
			c.report(at.line, at.child(name, at.line).field, "is required and missing")
		}
	}
	return object
}

// field checks one field of an object and returns its plain value; nil for none.
func (c *checker) field(f entry, s *schema, at spot) any {
	name := f.key.Value
	property := s.property(name)
	switch {
	case property == nil:
		c.report(at.line, at.field, "unknown field%s", suggestion(name, s.names))
	case s.required(name) && isNull(follow(f.value)):
		c.report(at.line, at.field, "is required and has no value")
	default:
		return c.value(f.value, property, at)
	}
	return nil
}

// withFields lists what an object may hold.
func withFields(s *schema) string {
	if len(s.names) == 0 {
		return " of strings"
	}
	return " with " + strings.Join(s.names, ", ")
}
