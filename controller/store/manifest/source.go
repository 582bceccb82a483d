package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// byteOrderMark may stand at the beginning of a UTF-8 file. It is kept and never looked at.
const byteOrderMark = "\ufeff"

// source is a file with its lines and documents.
type source struct {
	data []byte
	// begin is where the text begins, behind a byte order mark.
	begin int
	// starts holds the offset of every line. A line ends where the YAML scanner says so, else the positions of the
	// nodes would not fit: also after a lone CR, NEL, LS and PS.
	starts []int
	// newline is the line ending of the file, that of its first line.
	newline string
	// json says that the whole file is one JSON value, which is read as such: YAML does not know its surrogates.
	json  bool
	parts []part
}

// newSource splits a file. The problem is one of the file as a whole.
func newSource(data []byte) (*source, *Problem) {
	if problem := checkEncoding(data); problem != nil {
		return nil, problem
	}
	s := &source{data: data, begin: len(data) - len(bytes.TrimPrefix(data, []byte(byteOrderMark)))}
	s.starts = lineStarts(data)
	s.newline = firstNewline(data, s.starts)
	text := data[s.begin:]
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(text) {
		s.json = true
		s.parts = []part{{start: s.begin, end: len(data)}}
		return s, nil
	}
	s.parts = s.split()
	if n := len(s.parts); n > maxDocuments {
		return nil, &Problem{Line: 1, Message: fmt.Sprintf("the file has %d documents; allowed are at most %d", n, maxDocuments)}
	}
	return s, nil
}

// checkEncoding refuses what is too large or not UTF-8.
func checkEncoding(data []byte) *Problem {
	switch {
	case len(data) > MaxSize:
		return &Problem{Line: 1, Message: fmt.Sprintf("the file has %d bytes; a manifest may have at most %d (4 MiB)", len(data), MaxSize)}
	case looksUTF16(data):
		return &Problem{Line: 1, Message: "the file is in UTF-16 or UTF-32; save it as UTF-8"}
	case utf8.Valid(data):
		return nil
	}
	good := 0
	for good < len(data) {
		r, size := utf8.DecodeRune(data[good:])
		if r == utf8.RuneError && size <= 1 {
			break
		}
		good += size
	}
	return &Problem{Line: 1 + bytes.Count(data[:good], []byte("\n")), Message: "the file is not valid UTF-8 from here on; save it as UTF-8"}
}

// looksUTF16 tells by the byte order mark, or by NUL beside one of the first characters.
func looksUTF16(data []byte) bool {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return true
	}
	return len(data) >= 2 && (data[0] == 0) != (data[1] == 0)
}

// lineStarts finds where each line begins.
func lineStarts(data []byte) []int {
	starts := make([]int, 1, 1+bytes.Count(data, []byte("\n")))
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '\n', '\r', 0xc2, 0xe2:
			if size := breakSize(data[i:]); size > 0 {
				i += size - 1
				starts = append(starts, i+1)
			}
		}
	}
	return starts
}

// breakSize returns how many bytes of a line break the data begins with, 0 for none.
func breakSize(data []byte) int {
	switch {
	case len(data) == 0:
		return 0
	case data[0] == '\n':
		return 1
	case data[0] == '\r':
		if len(data) > 1 && data[1] == '\n' {
			return 2
		}
		return 1
	case data[0] == 0xc2 && len(data) > 1 && data[1] == 0x85:
		return 2
	case data[0] == 0xe2 && len(data) > 2 && data[1] == 0x80 && (data[2] == 0xa8 || data[2] == 0xa9):
		return 3
	}
	return 0
}

// firstNewline returns the line ending of the first line; a new line of a file that has none ends with LF.
func firstNewline(data []byte, starts []int) string {
	if len(starts) > 1 {
		if before := data[:starts[1]]; bytes.HasSuffix(before, []byte("\r\n")) {
			return "\r\n"
		} else if bytes.HasSuffix(before, []byte("\r")) {
			return "\r"
		}
	}
	return "\n"
}

// lineAt returns the index of the line on which an offset lies.
func (s *source) lineAt(offset int) int {
	return sort.Search(len(s.starts), func(i int) bool { return s.starts[i] > offset }) - 1
}

// start returns where the text of a line begins, on the first line behind a byte order mark.
func (s *source) start(line int) int { return max(s.starts[line], s.begin) }

// next returns where the line after this one begins, or the end of the file.
func (s *source) next(line int) int {
	if line+1 < len(s.starts) {
		return s.starts[line+1]
	}
	return len(s.data)
}

// stop returns where a line ends, in front of its line break.
func (s *source) stop(line int) int {
	start, end := s.start(line), s.next(line)
	for i := max(start, end-3); i < end; i++ {
		if size := breakSize(s.data[i:end]); size > 0 && i+size == end {
			return i
		}
	}
	return end
}

// line returns the text of a line without its line break.
func (s *source) line(line int) []byte { return s.data[s.start(line):s.stop(line)] }

// text returns the text of a document.
func (s *source) text(p part) []byte { return s.data[p.start:p.end] }

// native gives a rendered text the line ending of the file.
func (s *source) native(text string) string {
	if s.newline == "\n" {
		return text
	}
	return strings.ReplaceAll(text, "\n", s.newline)
}

// vacant tells whether a line holds nothing, or only a comment.
func vacant(line []byte) bool {
	rest := bytes.TrimLeft(line, " \t")
	return len(rest) == 0 || rest[0] == '#'
}
