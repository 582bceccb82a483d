package process

import "bytes"

// spans finds all secrets of a text: the known ones and what looks like one. All are looked for in the text as it
// is, so that of two that overlap nothing remains.
func (r *Redactor) spans(text []byte) []span {
	found := r.knownIn(text, nil)
	for _, p := range patterns {
		found = p.spans(text, found)
	}
	if decoded := decode(text); decoded != nil {
		for _, p := range patterns {
			found = decoded.origins(p.spans(decoded.text, nil), found)
		}
	}
	return merge(found)
}

// Find returns where known secrets begin and end, in whatever form, the first one first.
func (r *Redactor) Find(text []byte) (places [][2]int) {
	for _, s := range merge(r.knownIn(text, nil)) {
		places = append(places, [2]int{s.at, s.end})
	}
	return places
}

// knownIn appends where known secrets stand in a text, however it is read.
func (r *Redactor) knownIn(text []byte, found []span) []span {
	needles := r.list()
	if len(needles) == 0 {
		return found
	}
	found = inOneLine(needles, text, found)
	if decoded := decode(text); decoded != nil {
		found = decoded.origins(inOneLine(needles, decoded.text, nil), found)
	}
	if joined := join(text); joined != nil {
		found = joined.origins(wrapped(needles, joined), found)
	}
	return found
}

// inOneLine appends where needles stand as they are.
func inOneLine(needles []needle, text []byte, found []span) []span {
	for _, n := range needles {
		for from := 0; ; {
			at := bytes.Index(text[from:], n.text)
			if at < 0 {
				break
			}
			found = append(found, span{from + at, from + at + len(n.text)})
			from += at + 1
		}
	}
	return found
}

// wrapped finds base64 of several lines. Its first character may be the last one of a line; a stream does not wait for
// what follows so little, so it does not count then, but for the rest.
func wrapped(needles []needle, joined *view) []span {
	var found []span
	for _, n := range needles {
		if !n.wraps {
			continue
		}
		rest := n.text[1:]
		for from := 0; ; {
			at := bytes.Index(joined.text[from:], rest)
			if at < 0 {
				break
			}
			at += from
			switch first := at - 1; {
			case at > 0 && joined.text[first] == n.text[0] && (!joined.gapAt(at) || joined.lineStart(first)):
				found = append(found, span{first, at + len(rest)})
			case joined.lineStart(at):
				found = append(found, span{at, at + len(rest)})
			}
			from = at + 1
		}
	}
	return found
}

// origins appends where the spans of a view stand in its text.
func (v *view) origins(spans, found []span) []span {
	for _, s := range spans {
		found = append(found, v.origin(s))
	}
	return found
}

// decided tells up to where a text that goes on can be passed on, at most to the end of a line: a secret of several
// lines may have begun before it.
func (r *Redactor) decided(text []byte, lineEnd int) int {
	text = text[:lineEnd]
	lineEnd = r.open(text)
	if decoded := decode(text); decoded != nil {
		if at := r.open(decoded.text); at < len(decoded.text) {
			lineEnd = min(lineEnd, decoded.origin(span{at, at + 1}).at)
		}
	}
	joined := joined(text)
	for _, n := range r.list() {
		if at := begunLine(joined, n); at >= 0 {
			lineEnd = min(lineEnd, joined.origin(span{at, at + 1}).at)
		}
	}
	return lineEnd
}

// open is where a secret of several lines has begun that has not ended, the text's length when there is none.
func (r *Redactor) open(text []byte) int {
	at := len(text)
	if key := openPEM(text); key >= 0 {
		at = key
	}
	for _, n := range r.list() {
		if bytes.IndexByte(n.text, '\n') >= 0 {
			at = min(at, begun(text, n.text))
		}
	}
	return at
}

// begun is where a secret begins of which the text has the beginning alone, the text's length when there is none.
func begun(text, secret []byte) int {
	for at := max(0, len(text)-len(secret)+1); at < len(text); at++ {
		if bytes.HasPrefix(secret, text[at:]) {
			return at
		}
	}
	return len(text)
}

// begunLine is where base64 has begun whose end is on a further line, or -1. One character at the end of a line begins
// nothing: many lines end so.
func begunLine(joined *view, n needle) int {
	text := joined.text
	if !n.wraps || len(text) == 0 || bytes.IndexByte(n.text, text[len(text)-1]) < 0 {
		return -1
	}
	for at := max(0, len(text)-len(n.text)+1); at < len(text); at++ {
		whole, rest := bytes.HasPrefix(n.text, text[at:]), bytes.HasPrefix(n.text[1:], text[at:])
		if (whole || rest) && joined.lineStart(at) || whole && at+1 < len(text) && !joined.gapAt(at+1) {
			return at
		}
	}
	return -1
}
