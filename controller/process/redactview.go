package process

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf8"
)

// maxGap is how many bytes between two characters are passed over where lines are joined.
const maxGap = 128

// view is a text as somebody comes to read it: with its escapes of JSON decoded, or with its lines joined. Secrets are
// looked for in it, and where they stand in the text itself follows from the cuts.
type view struct {
	text []byte
	cuts []cut
}

// cut is an index of a view up to which it has so many bytes less than the text.
type cut struct {
	at, skipped int
	// escaped is how many bytes more the character before takes in the text; the rest stood between that and the next.
	escaped int
	// gap says that there is such a rest.
	gap bool
}

// add takes a character over that takes so many bytes in the text.
func (v *view) add(char rune, width int) {
	before := len(v.text)
	v.text = utf8.AppendRune(v.text, char)
	if more := width - (len(v.text) - before); more > 0 {
		v.omit(more, cut{escaped: more})
	}
}

// leaveOut passes over what stands between two characters.
func (v *view) leaveOut(n int) { v.omit(n, cut{gap: true}) }

func (v *view) omit(n int, c cut) {
	last := len(v.cuts) - 1
	if last < 0 || v.cuts[last].at < len(v.text) {
		c.at, c.skipped = len(v.text), v.skipped(len(v.text))+n
		v.cuts = append(v.cuts, c)
		return
	}
	v.cuts[last].skipped += n
	v.cuts[last].gap = v.cuts[last].gap || c.gap
}

// search finds the first cut at an index or behind it.
func (v *view) search(at int) (i int, exact bool) {
	return slices.BinarySearchFunc(v.cuts, at, func(c cut, at int) int { return cmp.Compare(c.at, at) })
}

// skipped is how many bytes less the view has before an index.
func (v *view) skipped(at int) int {
	i, exact := v.search(at)
	if !exact {
		i--
	}
	if i < 0 {
		return 0
	}
	return v.cuts[i].skipped
}

// gapAt tells whether something was left out right before an index.
func (v *view) gapAt(at int) bool {
	i, exact := v.search(at)
	return exact && v.cuts[i].gap
}

// lineStart tells whether a line begins at an index.
func (v *view) lineStart(at int) bool { return at == 0 || v.gapAt(at) }

// origin is where a span of the view stands in the text, without what was left out around it.
func (v *view) origin(s span) span {
	i, exact := v.search(s.end)
	end := s.end
	if i > 0 {
		end += v.cuts[i-1].skipped
	}
	if exact {
		end += v.cuts[i].escaped
	}
	return span{s.at + v.skipped(s.at), end}
}

// decode returns the text with its escapes of JSON decoded and the texts of neighbouring blocks joined; nil when there
// is nothing of the kind that could hide a secret.
func decode(text []byte) *view {
	if !bytes.Contains(text, []byte(`\u`)) && !bytes.Contains(text, []byte(`\/`)) && !hasSeam(text) {
		return nil
	}
	r := reader{}
	return r.read(text)
}

// join returns the text decoded and with its lines joined, as whoever decodes base64 reads it; nil for one line.
func join(text []byte) *view {
	line := bytes.TrimRight(text, "\r\n")
	if !bytes.ContainsAny(line, "\r\n\\") && !hasSeam(line) {
		return nil
	}
	return joined(text)
}

// joined does the work of join for one line as well.
func joined(text []byte) *view {
	r := reader{joins: true, begins: true}
	return r.read(text)
}

// reader makes a view of a text.
type reader struct {
	view
	// joins says that lines are joined. Where one begins, gap is how many bytes were passed over since the last ended.
	joins, begins bool
	gap           int
}

// special are the bytes that may be more than themselves.
var special = [256]bool{'\\': true, '"': true, '\n': true, '\r': true, ' ': true, '\t': true}

func (r *reader) read(text []byte) *view {
	r.text = make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		plain := i
		for i < len(text) && !special[text[i]] {
			i++
		}
		if i > plain {
			r.text, r.begins, r.gap = append(r.text, text[plain:i]...), false, 0
			continue
		}
		width := seam(text[i:])
		if width > 0 {
			r.leaveOut(width)
		} else {
			var char rune
			char, width = unescape(text[i:])
			r.take(char, width)
		}
		i += width
	}
	return &r.view
}

// take adds a character, or passes over it where lines are joined: their ends, and the blanks behind those.
func (r *reader) take(char rune, width int) {
	end, blank := char == '\n' || char == '\r', char == ' ' || char == '\t'
	if !r.joins || !end && (!blank || !r.begins) {
		r.begins, r.gap = false, 0
		r.add(char, width)
		return
	}
	r.begins = true
	if r.gap += width; r.gap > maxGap {
		r.add(char, width)
		return
	}
	r.leaveOut(width)
}
