package manifest

import (
	"bytes"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// runeSize returns the size of the first character.
func runeSize(data []byte) int {
	_, size := utf8.DecodeRune(data)
	return max(size, 1)
}

// end returns where the text of a node ends. The nodes of the YAML library know only where they begin. For a
// plain scalar in block style it is the end on its first line. Flow says that the node stands within braces or
// brackets, indent is the indentation of the block collection it stands in.
func (e *editor) end(n *yaml.Node, flow bool, indent int) int {
	if isEmpty(n) {
		return e.propertiesEnd(e.offset(n))
	}
	at := e.skipProperties(e.offset(n))
	if at >= e.part.end {
		return e.part.end
	}
	switch {
	case n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode:
		return e.collectionEnd(n, at, flow, indent)
	case n.Kind == yaml.AliasNode:
		return e.wordEnd(at)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return e.doubleQuotedEnd(at)
	case n.Style&yaml.SingleQuotedStyle != 0:
		return e.singleQuotedEnd(at)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return e.blockScalarEnd(at, indent)
	case flow:
		return e.plainFlowEnd(at)
	default:
		return e.plainBlockEnd(at)
	}
}

// isEmpty tells of a value without text, of which at most a tag or an anchor is written.
func isEmpty(n *yaml.Node) bool {
	const written = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&written == 0
}

// propertiesEnd returns the end of an anchor and tag that stand on one line.
func (e *editor) propertiesEnd(at int) int {
	end := at
	for at < e.part.end && (e.data[at] == '&' || e.data[at] == '!') {
		end = e.wordEnd(at)
		at = end + len(e.data[end:e.part.end]) - len(bytes.TrimLeft(e.data[end:e.part.end], " \t"))
	}
	return end
}

// skipProperties skips anchor and tag and what separates them from the value, if there is one.
func (e *editor) skipProperties(at int) int {
	for at < e.part.end && (e.data[at] == '&' || e.data[at] == '!') {
		word := e.wordEnd(at)
		next := e.skipSpace(word)
		if next >= e.part.end {
			return word
		}
		at = next
	}
	return at
}

// skipSpace skips blanks, line breaks and comments.
func (e *editor) skipSpace(at int) int {
	for at < e.part.end {
		switch size := breakSize(e.data[at:]); {
		case size > 0:
			at += size
		case e.data[at] == ' ' || e.data[at] == '\t':
			at++
		case e.data[at] == '#' && at > 0 && isSpaceOrBreak(e.data[at-1]):
			at = e.stop(e.lineAt(at))
		default:
			return at
		}
	}
	return at
}

// isSpaceOrBreak tells whether a comment may follow this byte.
func isSpaceOrBreak(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// wordEnd returns the end of an anchor, alias or tag.
func (e *editor) wordEnd(at int) int {
	for at < e.part.end && breakSize(e.data[at:]) == 0 && bytes.IndexByte([]byte(" \t,[]{}"), e.data[at]) < 0 {
		at++
	}
	return at
}

// collectionEnd returns the end of a mapping or list: its bracket, or the end of what is last in it.
func (e *editor) collectionEnd(n *yaml.Node, at int, flow bool, indent int) int {
	isFlow := n.Style&yaml.FlowStyle != 0
	bracketed := isFlow && (e.data[at] == '{' || e.data[at] == '[')
	if bracketed {
		at++
	}
	if count := len(n.Content); count > 0 {
		at = max(at, e.end(n.Content[count-1], flow || isFlow, e.indentOf(n, indent)))
	}
	if !bracketed {
		return at
	}
	for at = e.skipSpace(at); at < e.part.end; at = e.skipSpace(at) {
		switch e.data[at] {
		case '}', ']':
			return at + 1
		case ',', ':', '?':
			at++
		default:
			return at
		}
	}
	return at
}

// indentOf returns the indentation of a block collection.
func (e *editor) indentOf(n *yaml.Node, around int) int {
	switch {
	case n.Style&yaml.FlowStyle != 0:
		return around
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		return n.Content[0].Column - 1
	default:
		return n.Column - 1
	}
}

// doubleQuotedEnd returns the end of a scalar in double quotes.
func (e *editor) doubleQuotedEnd(at int) int {
	for at++; at < e.part.end; at++ {
		switch e.data[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return e.part.end
}

// singleQuotedEnd returns the end of a scalar in single quotes, in which two stand for one.
func (e *editor) singleQuotedEnd(at int) int {
	for at++; at < e.part.end; at++ {
		if e.data[at] != '\'' {
			continue
		}
		if at+1 >= e.part.end || e.data[at+1] != '\'' {
			return at + 1
		}
		at++
	}
	return e.part.end
}

// plainFlowEnd returns the end of a plain scalar within braces or brackets.
func (e *editor) plainFlowEnd(at int) int {
	end := at
	for at < e.part.end {
		b := e.data[at]
		switch {
		case bytes.IndexByte([]byte(",?[]{}"), b) >= 0:
			return end
		case b == '#' && at > end:
			return end
		case b == ':' && (at+1 >= e.part.end || isSpaceOrBreak(e.data[at+1])):
			return end
		}
		size := max(breakSize(e.data[at:]), 1)
		at += size
		if !isSpaceOrBreak(b) && size == 1 {
			end = at
		}
	}
	return end
}

// plainBlockEnd returns the end of a plain scalar on its first line.
func (e *editor) plainBlockEnd(at int) int {
	end := at
	for stop := e.stop(e.lineAt(at)); at < stop; at++ {
		b := e.data[at]
		if b == '#' && at > end {
			break
		}
		if b != ' ' && b != '\t' {
			end = at + 1
		}
	}
	return end
}

// blockScalarEnd returns the end of a literal or folded scalar: that of its last line with text, or with a blank
// one where it keeps them.
func (e *editor) blockScalarEnd(at, indent int) int {
	line := e.lineAt(at)
	digit, keep := blockHeader(e.data[at:e.stop(line)])
	content := 0
	if digit > 0 {
		content = max(indent, 0) + digit
	}
	end := e.stop(line)
	for line++; line < len(e.starts) && e.start(line) < e.part.end; line++ {
		text := e.line(line)
		depth := len(text) - len(bytes.TrimLeft(text, " "))
		switch {
		case depth == len(text):
			if keep {
				end = e.stop(line)
			}
			continue
		case content == 0:
			content = max(depth, indent+1)
		}
		if depth < content {
			break
		}
		end = e.stop(line)
	}
	return end
}

// blockHeader reads the indentation and whether blank lines at the end are kept: "|2+".
func blockHeader(header []byte) (digit int, keep bool) {
	for _, b := range header[1:] {
		switch {
		case b >= '1' && b <= '9':
			digit = int(b - '0')
		case b == '+':
			keep = true
		case b != '-':
			return digit, keep
		}
	}
	return digit, keep
}
