package manifest

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// comments returns what a person wrote behind a value that is replaced: behind its key, and behind its end. It is kept on
// the line of the key, where no value of ours takes it for its own text.
func (e *editor) comments(s slot, colon, stop int) string {
	head := e.stop(e.lineAt(colon))
	rest := e.data[colon:head]
	switch {
	case isBlock(s.value()):
		return commentIn(rest)
	case !vacant(rest):
		return commentIn(e.data[e.valueEnd(s, stop):stop])
	case stop > head:
		return string(rest) + commentIn(e.data[e.valueEnd(s, stop):stop])
	}
	return string(rest)
}

// isBlock tells of a value whose text stands below its key, each line of it its own: on the line of the key there is at
// most a tag, an anchor or a |, and a comment behind the last line is one on that line.
func isBlock(n *yaml.Node) bool {
	if n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode {
		return n.Style&yaml.FlowStyle == 0
	}
	return n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

// valueEnd returns where the text of a field's value ends on its last line, which ends at stop.
func (e *editor) valueEnd(s slot, stop int) int {
	end := e.end(s.value(), false, e.indentOf(s.mapping, 0))
	last := e.lineAt(stop)
	if e.lineAt(end) >= last {
		return end
	}
	// A plain text that goes on over lines.
	text := e.line(last)
	return e.plainBlockEnd(stop - len(bytes.TrimLeft(text, " \t")))
}

// commentIn returns the comment that ends a text, with the blanks in front of it.
func commentIn(text []byte) string {
	for i := range text {
		if text[i] == '#' && i > 0 && isSpaceOrBreak(text[i-1]) {
			return string(text[len(bytes.TrimRight(text[:i], " \t")):])
		}
	}
	return ""
}
