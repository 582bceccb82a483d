package manifest

import (
	"bytes"
	"strings"
)

// flowReplace replaces the value of a field within braces.
func (e *editor) flowReplace(s slot, v rendered) ([]cut, error) {
	colon, err := e.colon(s)
	if err != nil {
		return nil, err
	}
	text, err := e.flowText(s, v)
	if err != nil {
		return nil, err
	}
	end := e.end(s.value(), true, 0)
	if isNull(s.value()) && s.value().Value == "" || end <= colon {
		return []cut{{colon, colon, " " + text}}, nil
	}
	return []cut{{e.offset(s.value()), end, text}}, nil
}

// flowInsert adds a field behind the last one within braces.
func (e *editor) flowInsert(s slot, v rendered) ([]cut, error) {
	text, err := e.flowText(s, v)
	if err != nil {
		return nil, err
	}
	text = e.flowKey(s) + ": " + text
	count := len(s.mapping.Content)
	if count == 0 {
		at := e.skipProperties(e.offset(s.mapping)) + 1
		return []cut{{at, at, text}}, nil
	}
	end := e.pairEnd(s, count-2)
	comma := ","
	if next := e.skipSpace(end); next < e.part.end && e.data[next] == ',' {
		// One stands there already.
		end, comma = next+1, ""
	}
	separator := " "
	if margin, several := e.margin(s); several {
		separator = e.newline + margin
	}
	return []cut{{end, end, comma + separator + text}}, nil
}

// flowRemove takes a field and one of the commas beside it out; comments stay.
func (e *editor) flowRemove(s slot) ([]cut, error) {
	key, end := e.offset(s.key()), e.pairEnd(s, s.index)
	if s.index > 0 {
		comma := e.skipSpace(e.pairEnd(s, s.index-2))
		if comma >= key || e.data[comma] != ',' {
			return nil, cannot("there is no comma in front of %s", s.name)
		}
		if len(bytes.TrimSpace(e.data[comma+1:key])) == 0 {
			return []cut{{from: comma, to: end}}, nil
		}
		return []cut{{from: comma, to: comma + 1}, {from: key, to: end}}, nil
	}
	if comma := e.skipSpace(end); comma < e.part.end && e.data[comma] == ',' {
		end = comma + 1
		for end < e.part.end && (e.data[end] == ' ' || e.data[end] == '\t') {
			end++
		}
	}
	return []cut{{from: key, to: end}}, nil
}

// pairEnd returns where the pair at an index of a mapping within braces ends.
func (e *editor) pairEnd(s slot, index int) int {
	key, value := s.mapping.Content[index], s.mapping.Content[index+1]
	end := e.end(key, true, 0)
	if colon := e.skipSpace(end); colon < e.part.end && e.data[colon] == ':' {
		end = colon + 1
	}
	return max(end, e.end(value, true, 0))
}

// margin returns the indentation of the fields when a mapping within braces has each on a line of its own.
func (e *editor) margin(s slot) (margin string, several bool) {
	count := len(s.mapping.Content)
	if count == 0 {
		return "", false
	}
	last := e.offset(s.mapping.Content[count-2])
	line := e.lineAt(last)
	before := string(e.data[e.start(line):last])
	return before, strings.Trim(before, " \t") == "" && line != e.lineAt(e.offset(s.mapping))
}

// flowText renders a value as the mapping around it is written: on one line, or over several.
func (e *editor) flowText(s slot, v rendered) (string, error) {
	margin, several := e.margin(s)
	if !several || v.lines == nil {
		return v.inline, nil
	}
	unit := "  "
	if strings.HasPrefix(margin, "\t") {
		unit = "\t"
	} else if s.mapping == e.root && margin != "" {
		unit = margin
	}
	text, err := indentJSON(v.inline, margin, unit)
	return e.native(text), err
}

// flowKey renders a key as the first one is written.
func (e *editor) flowKey(s slot) string {
	if e.json || (len(s.mapping.Content) > 0 && e.data[e.offset(s.mapping.Content[0])] == '"') {
		return encodeString(s.name)
	}
	return keyText(s.name)
}
