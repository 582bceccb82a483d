package manifest

import "bytes"

// maxDocuments is how many documents a file may have.
const maxDocuments = 10000

// part is the byte range of one document, its markers included.
type part struct {
	start, end int
	// line is the index of the line on which the range begins.
	line int
	// body is where the first line behind comments and blank lines begins: what stands before it is a header of the
	// file rather than of the document.
	body int
}

// splitter collects the parts of a file line by line.
type splitter struct {
	parts []part
	cur   part
	// explicit says that the current document began with ---, content that it holds something, leading that nothing
	// but comments was seen of it.
	explicit, content, leading bool
}

// split finds the documents. A marker at the beginning of a line ends a document whatever it stands in, so this
// needs no YAML parser, and a broken document leaves the others whole. Documents without content are left out.
func (s *source) split() []part {
	sp := splitter{leading: true, cur: part{start: s.begin, body: s.begin}}
	for i := range s.starts {
		line := s.line(i)
		switch {
		case isMarker(line, "---"):
			if sp.explicit || sp.content {
				sp.close(s.start(i), i)
			}
			sp.begin(s.start(i))
			sp.explicit = true
			sp.content = !vacant(line[3:])
		case isMarker(line, "..."):
			sp.close(s.next(i), i+1)
		case vacant(line):
		case len(line) > 0 && line[0] == '%' && !sp.explicit && !sp.content:
			// A directive, for the --- that follows it.
			sp.begin(s.start(i))
		default:
			sp.begin(s.start(i))
			sp.content = true
		}
	}
	sp.close(len(s.data), len(s.starts))
	return sp.parts
}

// begin notes where the first line that is no comment stands.
func (sp *splitter) begin(offset int) {
	if sp.leading {
		sp.cur.body = offset
		sp.leading = false
	}
}

// close ends the current document in front of an offset, the beginning of a line, and starts the next.
func (sp *splitter) close(offset, line int) {
	if sp.content {
		sp.cur.end = offset
		sp.parts = append(sp.parts, sp.cur)
	}
	*sp = splitter{parts: sp.parts, leading: true, cur: part{start: offset, line: line, body: offset}}
}

// isMarker tells whether a line is --- or ..., alone or followed by a blank.
func isMarker(line []byte, marker string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(marker))
	return ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t')
}
