package manifest

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// syntaxError is a document that is no YAML.
type syntaxError struct {
	// line counts from 1 in the document's part of the file.
	line    int
	message string
}

// maxSearched is the largest document, in bytes, in which the line of an error is searched for.
const maxSearched = 1 << 20

var (
	yamlError = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)
	nameLine  = regexp.MustCompile(`(?m)^\s*["']?metadata["']?:[^\n]*(?:\n[ \t]+[^\n]*)*?(?:[\s{,])["']?name["']?:[ \t]*["']?([A-Za-z0-9._-]+)["']?[ \t]*(?:[\r,}#]|$)`)
)

// parserMessages are the errors of the YAML parser whose line is that of the collection around, or is off by
// one; the others come from the scanner and are right.
var parserMessages = []string{
	"did not find expected <stream-start>", "did not find expected <document start>", "did not find expected node content",
	"did not find expected key", "did not find expected '-' indicator", "did not find expected ',' or ']'",
	"did not find expected ',' or '}'", "found undefined tag handle",
}

// tree returns the root node of a document. Lines of the nodes count from 1 in the part.
func (s *source) tree(p part) (*yaml.Node, *syntaxError) {
	if s.json {
		return jsonTree(s.text(p)), nil
	}
	text := s.readable(p)
	root, err := parseYAML(text)
	if err == nil {
		return root, nil
	}
	match := yamlError.FindStringSubmatch(err.Error())
	if match == nil {
		return nil, &syntaxError{line: 1, message: "is not YAML: " + err.Error()}
	}
	line, found := strconv.Atoi(match[1])
	if found != nil || slices.Contains(parserMessages, match[2]) {
		line = max(line, 1)
		if len(text) <= maxSearched {
			line = failingLine(text, err.Error())
		}
	}
	// An end that comes too early is found behind the last line.
	line = min(line, len(lineStarts(bytes.TrimRight(text, "\r\n"))))
	return nil, &syntaxError{line: line, message: explain(text, line, match[2])}
}

// readable returns the text of a document with a directive for YAML 1.2 as one for 1.1, the only one that the parser
// takes; the positions stay.
func (s *source) readable(p part) []byte {
	text, at := s.text(p), p.body-p.start
	if directive := []byte("%YAML 1.2"); bytes.HasPrefix(text[at:], directive) {
		text = slices.Clone(text)
		text[at+len(directive)-1] = '1'
	}
	return text
}

// parseYAML parses the text of one document. A block scalar at the end of a file reads as if the file ended
// with a newline: so appending a field behind it does not change its value.
func parseYAML(text []byte) (*yaml.Node, error) {
	if n := len(text); n > 0 && text[n-1] != '\n' && text[n-1] != '\r' {
		text = append(slices.Clone(text), '\n')
	}
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, errors.New("yaml: did not find expected <document start>")
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return document.Content[0], nil
}

// failingLine finds the first line that makes the document fail the way it does: the parser stops there, so what
// follows does not change the error.
func failingLine(text []byte, want string) int {
	starts := append(lineStarts(text), len(text))
	n := sort.Search(len(starts)-1, func(i int) bool {
		_, err := parseYAML(text[:starts[i+1]])
		return err != nil && err.Error() == want
	})
	return min(n, len(starts)-2) + 1
}

// explain adds what to do to the parser's words.
func explain(text []byte, line int, message string) string {
	starts := lineStarts(text)
	if at := line - 1; at >= 0 && at < len(starts) {
		rest := bytes.TrimLeft(text[starts[at]:], " ")
		if len(rest) > 0 && rest[0] == '\t' {
			return "is not YAML: " + message + "; indent with spaces, not with tabs"
		}
	}
	return "is not YAML: " + strings.TrimSuffix(message, ".") + "; look at indentation, quotes and brackets here and on the line above"
}

// nameInText reads metadata.name from the text of a document that is no YAML.
func nameInText(text []byte) string {
	const window = 64 << 10
	if m := nameLine.FindSubmatch(text[:min(len(text), window)]); len(m) > 1 && len(m[1]) <= maxName {
		return string(m[1])
	}
	return ""
}
