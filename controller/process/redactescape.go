package process

import (
	"bytes"
	"regexp"
	"strconv"
)

// maxSlashes is how many backslashes begin an escape: JSON in JSON has two.
const maxSlashes = 8

// escapes are what a letter behind a backslash stands for.
var escapes = map[byte]rune{'n': '\n', 'r': '\r', 't': '\t', '/': '/', '"': '"'}

// unescape returns the character at the beginning of a text, which begins with one of a single byte or with an escape of
// JSON, and how many bytes it takes. JSON in JSON has more backslashes, and means the same.
func unescape(text []byte) (char rune, width int) {
	const digits = 4
	slashes := 0
	for slashes < len(text) && slashes < maxSlashes && text[slashes] == '\\' {
		slashes++
	}
	rest := text[slashes:]
	if slashes == 0 || len(rest) == 0 {
		return rune(text[0]), 1
	}
	if char, known := escapes[rest[0]]; known {
		return char, slashes + 1
	}
	if rest[0] == 'u' && len(rest) > digits {
		if code, err := strconv.ParseUint(string(rest[1:1+digits]), 16, 16); err == nil {
			return rune(code), slashes + 1 + digits
		}
	}
	// A backslash, written as two within JSON.
	return '\\', min(slashes, 2)
}

// seamPattern is what stands between the texts of two blocks of a message: the end of one and the beginning of the next.
var seamPattern = regexp.MustCompile(
	`^"(\s*,\s*"\w+"\s*:\s*("\w*"|null|\[\]|\{\}))*\s*\}\s*,\s*\{(\s*"\w+"\s*:\s*("\w*"|null|\[\]|\{\})\s*,)*\s*"text"\s*:\s*"`)

// seam is how long the seam of two blocks at the beginning of a text is, 0 when there is none. Who reads a message reads
// their texts one after the other.
func seam(text []byte) int {
	if text[0] != '"' {
		return 0
	}
	text = text[:min(len(text), maxGap)]
	end := bytes.IndexByte(text, '}')
	if end < 0 || !opensNext(text[end+1:]) {
		return 0
	}
	return len(seamPattern.Find(text))
}

// hasSeam tells whether there may be a seam in a text.
func hasSeam(text []byte) bool {
	for {
		end := bytes.IndexByte(text, '}')
		if end < 0 {
			return false
		}
		if text = text[end+1:]; opensNext(text) {
			return bytes.Contains(text, []byte(`"text"`))
		}
	}
}

// opensNext tells whether another object begins behind one.
func opensNext(text []byte) bool {
	text, comma := bytes.CutPrefix(bytes.TrimLeft(text[:min(len(text), maxGap)], " \t"), []byte(","))
	return comma && bytes.HasPrefix(bytes.TrimLeft(text, " \t"), []byte("{"))
}
