// Package manifest reads and edits files of WorkOrder manifests: pure functions over bytes, no IO.
//
// Reading is strict where sigs.k8s.io/yaml alone is not: every document of a file is looked at, a field must
// be known and written in the right case, and an unquoted scalar never becomes a string. Everything found has
// the line it stands on. Editing changes one field and leaves every other byte as it was.
package manifest

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// MaxSize is the largest file that is read, in bytes.
const MaxSize = 4 << 20

// Document is one YAML document of a file.
type Document struct {
	// Index is the position in the file, from 0. Documents without content are skipped and not counted.
	Index int
	// Name is metadata.name where it could be read, also for a broken document.
	Name string
	// Object is what was decoded; nil when the document does not decode. Its Status is nil when there is none, or
	// none that this version wrote: it is never input.
	Object *v1alpha1.WorkOrder
	// Line is the line of the file on which the content starts, from 1.
	Line int

	lines []fieldLine
}

// fieldLine tells on which line of the file a field stands. A slice of these is kept in place of the node
// tree, which is ten times as large.
type fieldLine struct {
	field string
	line  int
}

// Problem is something wrong with a document.
type Problem struct {
	// Document is the index of the document in the file; 0 also for what concerns the file as a whole.
	Document int `json:"document"`
	// Name is metadata.name where it could be read.
	Name string `json:"name,omitempty"`
	// Namespace is metadata.namespace, or the default where none is written; empty where that could not be told.
	Namespace string `json:"namespace,omitempty"`
	// Line is the line of the file, from 1.
	Line int `json:"line"`
	// Field is the path of the field, such as spec.repository.branch; empty for the syntax of the file.
	Field string `json:"field,omitempty"`
	// Message says what is wrong and what is allowed.
	Message string `json:"message"`
}

// String gives the problem as one line: "line 7: spec.repository.branch: ...".
func (p Problem) String() string {
	if p.Field == "" {
		return fmt.Sprintf("line %d: %s", p.Line, p.Message)
	}
	return fmt.Sprintf("line %d: %s: %s", p.Line, p.Field, p.Message)
}

// Parse splits a file into documents, checks them against the schema and decodes them. Documents come in the
// order of the file; one with a problem has no Object and does not keep the others from being decoded. What
// decodes but cannot be carried out is not a problem here, see Document.Validate.
func Parse(data []byte) ([]Document, []Problem) {
	src, problem := newSource(data)
	if problem != nil {
		return nil, []Problem{*problem}
	}
	docs := make([]Document, 0, len(src.parts))
	var problems []Problem
	for i := range src.parts {
		doc, found := src.document(i)
		docs = append(docs, doc)
		problems = append(problems, found...)
	}
	return docs, problems
}

// ParseAt is Parse for one document of a file, which costs no more where there are many. The problems are those of this
// document, or of the file as a whole.
func ParseAt(data []byte, index int) (Document, []Problem) {
	src, problem := newSource(data)
	switch {
	case problem != nil:
		return Document{}, []Problem{*problem}
	case index < 0 || index >= len(src.parts):
		return Document{}, []Problem{{Line: 1, Message: fmt.Sprintf("the file has no document %d, it has %d", index, len(src.parts))}}
	}
	return src.document(index)
}

// Lines counts the lines of a file as problems number them.
func Lines(data []byte) int { return len(lineStarts(data)) }

// document checks and decodes one document.
func (s *source) document(index int) (Document, []Problem) {
	p := s.parts[index]
	root, err := s.tree(p)
	if err != nil {
		name := nameInText(s.text(p))
		line := p.line + err.line
		return Document{Index: index, Name: name, Line: line},
			[]Problem{{Document: index, Name: name, Line: line, Message: err.message}}
	}
	doc := Document{Index: index, Name: nameOf(root), Line: p.line + root.Line}
	c := &checker{document: index, name: doc.Name, namespace: namespaceOf(root), base: p.line, budget: maxNodes}
	if doc.Object = c.decode(root); doc.Object != nil {
		// It may come from a merge key.
		doc.Name = doc.Object.Name
	}
	doc.lines = c.lines
	slices.SortStableFunc(c.problems, func(a, b Problem) int { return a.Line - b.Line })
	return doc, c.problems
}

// Validate reports what decodes but cannot be carried out under a policy, with lines. It reports nothing for a
// document that does not decode.
func (d Document) Validate(policy v1alpha1.Policy) []Problem {
	if d.Object == nil {
		return nil
	}
	var problems []Problem
	for _, e := range v1alpha1.Validate(d.Object, policy) {
		problems = append(problems, d.invalid(e))
	}
	return problems
}

// invalid gives an error of validation its place.
func (d Document) invalid(e *field.Error) Problem {
	return Problem{Document: d.Index, Name: d.Name, Line: d.lineOf(e.Field), Field: e.Field, Message: e.ErrorBody()}
}

// NameLine is the line of the order's name.
func (d Document) NameLine() int { return d.lineOf("metadata.name") }

// lineOf finds the line of a field, or of the nearest one above it that is written.
func (d Document) lineOf(path string) int {
	for path != "" {
		for _, l := range d.lines {
			if l.field == path {
				return l.line
			}
		}
		path = parentPath(path)
	}
	return d.Line
}

// parentPath cuts the last element off a path such as metadata.labels[a.b/c] or spec.agent.type.
func parentPath(path string) string {
	if strings.HasSuffix(path, "]") {
		return path[:max(0, strings.IndexByte(path, '['))]
	}
	return path[:max(0, strings.LastIndexByte(path, '.'))]
}

// nameOf reads metadata.name from a tree, whatever else is wrong with it; not one that no order can bear.
func nameOf(root *yaml.Node) string {
	name := valueOf(valueOf(root, "metadata"), "name")
	if name == nil || name.Kind != yaml.ScalarNode || len(name.Value) > maxName || !v1alpha1.IsVisible(name.Value) {
		return ""
	}
	return name.Value
}

// namespaceOf reads metadata.namespace from a tree, whatever else is wrong with it.
func namespaceOf(root *yaml.Node) string {
	metadata := valueOf(root, "metadata")
	namespace := valueOf(metadata, "namespace")
	switch {
	case metadata == nil || metadata.Kind != yaml.MappingNode || valueOf(metadata, mergeKey) != nil:
		return ""
	case namespace == nil || isNull(namespace):
		return v1alpha1.DefaultNamespace
	case namespace.Kind != yaml.ScalarNode || !v1alpha1.IsVisible(namespace.Value):
		return ""
	}
	return namespace.Value
}

// valueOf returns the value of a key that is written in a mapping, its alias followed; nil if there is none.
func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key && mapping.Content[i].Kind == yaml.ScalarNode {
			return follow(mapping.Content[i+1])
		}
	}
	return nil
}

// follow returns the node that an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
