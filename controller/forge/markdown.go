package forge

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// zeroWidth is put between "<" and what follows to make text of it: it is not seen, inside of code neither, where an
// entity would be.
const zeroWidth = "\u200b"

// structural matches the HTML that could hide or close something around a text: comments (so markers), declarations,
// processing instructions, folds, and the elements whose content is not Markdown.
var structural = regexp.MustCompile(`(?i)<([!?]|/?(?:details|summary|pre|script|style|textarea|xmp|plaintext|template)\b)`)

// fenceLine matches a line that opens or closes a fenced block.
var fenceLine = regexp.MustCompile("^[ \t>]*(`{3,}|~{3,})(.*)$")

// Visible takes out of a text what is not seen of it: control characters, and those that turn the direction of writing.
// It comes before secrets are looked for, which could else be hidden by it.
func Visible(text string) string {
	return strings.Map(visible, strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n"))
}

// clean makes a foreign Markdown text safe to stand above others: no control characters, no structural HTML. Code
// blocks that are left open are closed by fit.
func clean(text string) string {
	return strings.TrimSpace(neutral(Visible(text)))
}

// neutral turns structural HTML into text.
func neutral(text string) string {
	return structural.ReplaceAllString(text, "<"+zeroWidth+"$1")
}

// visible drops control characters and those that turn the direction of writing, which hide what a text says.
func visible(r rune) rune {
	switch {
	case r == '\r':
		return '\n'
	case r == '\n' || r == '\t':
		return r
	case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
		return -1
	}
	return r
}

// code returns a value of one line as inline code, empty for empty.
func code(value string) string {
	value = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(value, "\uFFFD"))
	value = neutral(head(value, maxName))
	if value == "" {
		return ""
	}
	ticks := strings.Repeat("`", longestRun(value, '`')+1)
	if strings.HasPrefix(value, "`") || strings.HasSuffix(value, "`") {
		value = " " + value + " "
	}
	return ticks + value + ticks
}

// longestRun is the length of the longest run of a character.
func longestRun(text string, of rune) int {
	longest, run := 0, 0
	for _, r := range text {
		if r != of {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// fit returns text with its open code block closed; where that is longer than room bytes, as much of it as there is
// room for, and note. Without room for the note it is empty.
func fit(text string, room int, note string) string {
	whole := closeFence(text)
	if len(whole) <= room {
		return whole
	}
	for n := room - len(note); n > 0; {
		out := closeFence(lines(head(text, n))) + note
		if len(out) <= room {
			return out
		}
		n -= len(out) - room
	}
	return head(strings.TrimSpace(note), max(room, 0))
}

// head returns at most n bytes of text, whole characters.
func head(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// lines drops a last line that was cut in its middle, unless it is all there is.
func lines(text string) string {
	if i := strings.LastIndexByte(text, '\n'); i > 0 {
		return text[:i]
	}
	return text
}

// closeFence closes a fenced code block that is left open, which would swallow all that follows.
func closeFence(text string) string {
	open := ""
	for line := range strings.SplitSeq(text, "\n") {
		m := fenceLine.FindStringSubmatch(line)
		switch {
		case m == nil:
		case open == "" && (m[1][0] == '~' || !strings.Contains(m[2], "`")):
			open = m[1]
		case open != "" && m[1][0] == open[0] && len(m[1]) >= len(open) && strings.TrimSpace(m[2]) == "":
			open = ""
		}
	}
	if open == "" {
		return text
	}
	return text + "\n" + open
}
