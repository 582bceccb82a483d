package manifest

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// regular tells that the keys of a block mapping stand one below the other, each at the beginning of its line.
func (e *editor) regular(mapping *yaml.Node) error {
	column := mapping.Content[0].Column
	for i := 0; i < len(mapping.Content); i += 2 {
		key := mapping.Content[i]
		at := e.offset(key)
		before := e.data[e.start(e.lineAt(at)):at]
		switch {
		case bytes.ContainsRune(before, '\t'):
			return cannot("line %d is indented with a tab; indent with spaces", e.part.line+key.Line)
		case key.Column != column || len(bytes.Trim(before, " ")) > 0:
			return cannot("the keys around line %d do not stand one below the other; write each as KEY: VALUE on a line of its own", e.part.line+key.Line)
		}
	}
	return nil
}

// bodyEnd returns where the content of the document ends: in front of its end marker or the next document.
func (e *editor) bodyEnd() int {
	last := e.lineAt(e.part.end - 1)
	if !e.json && e.start(last) >= e.part.start && isMarker(e.line(last), "...") {
		return e.start(last)
	}
	return e.part.end
}

// valueStop returns the end of the last line of a field's value, without its line break. Comments and blank lines
// behind it do not belong to it; what else stands there continues a plain scalar.
func (e *editor) valueStop(s slot, colon int) int {
	indent := e.indentOf(s.mapping, 0)
	line := e.lineAt(max(colon, e.end(s.value(), false, indent)))
	stop := e.stop(line)
	limit := e.valueLimit(s)
	for line++; line < len(e.starts) && e.start(line) < limit; line++ {
		if !vacant(e.line(line)) {
			stop = e.stop(line)
		}
	}
	return stop
}

// blockReplace replaces the value of a field in block style.
func (e *editor) blockReplace(s slot, v rendered) ([]cut, error) {
	if err := e.regular(s.mapping); err != nil {
		return nil, err
	}
	colon, err := e.colon(s)
	if err != nil {
		return nil, err
	}
	stop := e.valueStop(s, colon)
	if err := e.noTabs(s, stop); err != nil {
		return nil, err
	}
	if v.lines == nil {
		return []cut{e.inlineCut(s, v, colon, stop)}, nil
	}
	return []cut{{colon, stop, e.comments(s, colon, stop) + e.below(v, e.indentOf(s.mapping, 0))}}, nil
}

// inlineCut replaces a value by one on the line of its key.
func (e *editor) inlineCut(s slot, v rendered, colon, stop int) cut {
	at, line := e.offset(s.value()), e.lineAt(colon-1)
	switch {
	case isNull(s.value()) && s.value().Value == "" && stop == e.stop(line) && vacant(e.data[colon:stop]):
		return cut{colon, colon, " " + v.inline}
	case e.lineAt(at) == line && stop == e.stop(line):
		// What stands behind the value on its line, such as a comment, is kept.
		return cut{at, e.end(s.value(), false, e.indentOf(s.mapping, 0)), v.inline}
	}
	return cut{colon, stop, " " + v.inline + e.comments(s, colon, stop)}
}

// noTabs refuses a value whose lines are indented with tabs: how deep they are cannot be told.
func (e *editor) noTabs(s slot, stop int) error {
	for line := e.lineAt(e.offset(s.key())) + 1; line < len(e.starts) && e.start(line) < stop; line++ {
		text := e.line(line)
		depth := len(text) - len(bytes.TrimLeft(text, " "))
		if !vacant(text) && text[depth] == '\t' && depth <= e.indentOf(s.mapping, 0) {
			return cannot("line %d is indented with a tab; indent with spaces", line+1)
		}
	}
	return nil
}

// below renders the lines of a value below its key, each with a line break in front.
func (e *editor) below(v rendered, indent int) string {
	var out strings.Builder
	for _, line := range v.lines {
		out.WriteString(e.newline)
		if line != "" {
			out.WriteString(strings.Repeat(" ", indent+2) + line)
		}
	}
	return out.String()
}

// blockInsert adds a field: to the root at the end of the document, elsewhere behind the last field.
func (e *editor) blockInsert(s slot, v rendered) ([]cut, error) {
	if err := e.regular(s.mapping); err != nil {
		return nil, err
	}
	indent := e.indentOf(s.mapping, 0)
	text := strings.Repeat(" ", indent) + keyText(s.name) + ":"
	if v.lines == nil {
		text += " " + v.inline
	} else {
		text += e.below(v, indent)
	}
	if s.mapping == e.root {
		at := e.bodyEnd()
		if at > 0 && e.data[at-1] != '\n' && e.data[at-1] != '\r' {
			text = e.newline + text
		}
		return []cut{{at, at, text + e.newline}}, nil
	}
	last := slot{mapping: s.mapping, limit: s.limit, index: len(s.mapping.Content) - 2}
	last.name = last.key().Value
	at := e.valueStop(last, e.offset(last.key())+1)
	return []cut{{at, at, e.newline + text}}, nil
}

// blockRemove takes the lines of a field out.
func (e *editor) blockRemove(s slot) ([]cut, error) {
	if err := e.regular(s.mapping); err != nil {
		return nil, err
	}
	colon, err := e.colon(s)
	if err != nil {
		return nil, err
	}
	from := e.start(e.lineAt(e.offset(s.key())))
	return []cut{{from: from, to: min(e.next(e.lineAt(e.valueStop(s, colon))), e.part.end)}}, nil
}
