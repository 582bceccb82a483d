package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxInput is how much of a tool call's input is shown, in characters.
	maxInput = 160
	// maxOutputLines is how many lines of a tool's result are shown, each of maxOutputLine characters at most.
	maxOutputLines = 6
	maxOutputLine  = 160
)

// Render writes one line of a transcript as a person reads it: the agent's texts, its tool calls with their input
// in short, the beginning of their results, the final account. A line that is no event is written as it is, events
// without interest not at all. Control characters do not get through: what an agent prints must not act on the
// terminal. The error is the writer's.
func Render(w io.Writer, line []byte) error {
	text := render(parse(bytes.TrimRight(line, "\r\n")))
	if text == "" {
		return nil
	}
	_, err := io.WriteString(w, plain(text)+"\n")
	return err
}

func render(e Event) string {
	switch {
	case e.Type == "":
		return e.Text
	case e.Type == typeSystem && e.Subtype == subtypeInit:
		return fmt.Sprintf("# session %s, model %s, claude %s", e.SessionID, e.model, e.version)
	case e.Retry != nil:
		return renderRetry(e.Retry)
	case e.Limit != nil && e.Limit.Status == "rejected":
		return "! usage limit " + e.Limit.Type + " reached"
	case e.Result != nil:
		return renderResult(e.Result)
	case e.Type == typeAssistant, e.Type == typeUser:
		return renderBlocks(e)
	case e.Type == typeSystem && e.Subtype == "transcript_cut":
		return "! the transcript was cut here"
	default:
		return ""
	}
}

func renderRetry(r *Retry) string {
	status := "no answer"
	if r.Status != 0 {
		status = fmt.Sprintf("HTTP status %d", r.Status)
	}
	return fmt.Sprintf("! request %d of %d repeated in %.1f s: %s, %s", r.Attempt, r.MaxRetries, r.DelayMS/1000, status, r.Kind)
}

func renderResult(r *Result) string {
	outcome := "done"
	if r.IsError {
		outcome = "failed"
		if r.Subtype != "success" {
			outcome += " (" + r.Subtype + ")"
		}
	}
	line := fmt.Sprintf("# %s after %d turns, %.1f s, $%.4f", outcome, r.Turns, r.Duration.Seconds(), r.CostUSD)
	if len(r.Denied) > 0 {
		line += ", denied: " + shortDenials(r.Denied)
	}
	// The text of a success was said by the assistant just before.
	if detail := strings.Join(append(r.Errors, r.Text), "\n"); r.IsError && detail != "" {
		line += "\n  " + clip(oneLine(detail), maxOutputLines*maxOutputLine)
	}
	return line
}

func renderBlocks(e Event) string {
	var out []string
	for _, b := range e.Blocks() {
		switch {
		case b.Type == blockText && e.Type == typeAssistant:
			out = append(out, strings.TrimSpace(b.Text))
		case b.Type == blockToolUse:
			out = append(out, "> "+b.Name+" "+toolInput(b.Input))
		case b.Type == blockToolResult:
			out = append(out, toolResult(b))
		}
	}
	return strings.Join(slices.DeleteFunc(out, func(s string) bool { return s == "" }), "\n")
}

// shownInput lists the inputs that say best what a call does, in this order.
var shownInput = []string{"command", "file_path", "notebook_path", "pattern", "path", "url", "query", "description", "prompt"}

// toolInput is the input in short: its most telling field, else all of it.
func toolInput(raw json.RawMessage) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) == nil {
		for _, name := range shownInput {
			if text := textOrEmpty(fields[name]); text != "" {
				return clip(oneLine(text), maxInput)
			}
		}
	}
	return clip(oneLine(string(raw)), maxInput)
}

// toolResult is the beginning of what a tool gave back.
func toolResult(b Block) string {
	var text []string
	for _, part := range blocksOf(b.Content) {
		if part.Type == blockText {
			text = append(text, part.Text)
		} else {
			text = append(text, "("+part.Type+")")
		}
	}
	rows := strings.Split(strings.TrimSpace(strings.Join(text, "\n")), "\n")
	mark := "  "
	if b.IsError {
		mark = "  ! "
	}
	var out []string
	for i, row := range rows {
		if i == maxOutputLines {
			out = append(out, fmt.Sprintf("  ... %d more lines", len(rows)-i))
			break
		}
		out = append(out, mark+clip(row, maxOutputLine))
	}
	return strings.TrimRight(strings.Join(out, "\n"), " ")
}

func oneLine(text string) string { return strings.Join(strings.Fields(plain(text)), " ") }

// clip cuts a text to so many characters.
func clip(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit]) + "..."
}

// plain takes out what acts on a terminal or misleads its reader: escape sequences, control characters other than
// tab and line feed, and characters that change the direction of writing.
func plain(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); {
		if text[i] == 0x1b {
			i += escape(text[i:])
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		if r == '\t' || r == '\n' || (r != utf8.RuneError && !unicode.IsControl(r) && !unicode.Is(unicode.Bidi_Control, r)) {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// escape returns the length of the escape sequence at the start of the text.
func escape(s string) int {
	if len(s) < 2 {
		return len(s)
	}
	switch s[1] {
	case '[':
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
			if s[i] < 0x20 {
				return i
			}
		}
		return len(s)
	case ']', 'P', 'X', '^', '_':
		// A string, to BEL or ESC \. One without an end goes to the end of the line.
		for i := 2; i < len(s); i++ {
			switch {
			case s[i] == 0x07:
				return i + 1
			case s[i] == '\n':
				return i
			case s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\':
				return i + 2
			}
		}
		return len(s)
	default:
		return 2
	}
}
