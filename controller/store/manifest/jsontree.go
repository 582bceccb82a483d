package manifest

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// jsonReader makes a node tree of a JSON value, so that everything behind it works alike for both.
type jsonReader struct {
	text    []byte
	decoder *json.Decoder
	// seen is how far lines were counted; line and column are the place of it, from 1.
	seen, line, column int
}

// jsonTree returns the tree of a text that is valid JSON.
func jsonTree(text []byte) *yaml.Node {
	r := &jsonReader{text: text, decoder: json.NewDecoder(bytes.NewReader(text)), line: 1, column: 1}
	r.decoder.UseNumber()
	return r.value()
}

// value reads one value and what is in it.
func (r *jsonReader) value() *yaml.Node {
	at := r.place()
	// The text is valid, so a token cannot fail; a nil token reads as null.
	token, _ := r.decoder.Token()
	node := &yaml.Node{Kind: yaml.ScalarNode, Line: at.line, Column: at.column}
	switch t := token.(type) {
	case json.Delim:
		r.collection(node, t)
	case string:
		node.Style, node.Tag, node.Value = yaml.DoubleQuotedStyle, strTag, t
	case json.Number:
		node.Value = t.String()
	case bool:
		node.Value = map[bool]string{true: "true", false: "false"}[t]
	default:
		node.Value = "null"
	}
	return node
}

// collection reads an object or a list up to its closing bracket.
func (r *jsonReader) collection(node *yaml.Node, opening json.Delim) {
	node.Kind, node.Tag, node.Style = yaml.MappingNode, mapTag, yaml.FlowStyle
	if opening == '[' {
		node.Kind, node.Tag = yaml.SequenceNode, seqTag
	}
	for r.decoder.More() {
		node.Content = append(node.Content, r.value())
	}
	// The closing bracket, there because the text is valid.
	_, _ = r.decoder.Token()
}

// place is a position in the text, counted from 1, columns in characters.
type place struct{ line, column int }

// place counts up to the next token.
func (r *jsonReader) place() place {
	from := int(r.decoder.InputOffset())
	for from < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,:"), r.text[from]) >= 0 {
		from++
	}
	for r.seen < from {
		if size := breakSize(r.text[r.seen:]); size > 0 {
			r.seen, r.line, r.column = r.seen+size, r.line+1, 1
			continue
		}
		_, size := utf8.DecodeRune(r.text[r.seen:])
		r.seen, r.column = r.seen+size, r.column+1
	}
	return place{r.line, r.column}
}
