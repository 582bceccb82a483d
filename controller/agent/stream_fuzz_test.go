package agent_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/agent-work-orders/awo/controller/agent"
)

// inPieces reads a text in pieces of the sizes given, over and over.
type inPieces struct {
	text, sizes []byte
	turn        int
}

func (p *inPieces) Read(into []byte) (int, error) {
	if len(p.text) == 0 {
		return 0, io.EOF
	}
	size := len(p.text)
	if len(p.sizes) > 0 {
		size = 1 + int(p.sizes[p.turn%len(p.sizes)])
	}
	p.turn++
	n := copy(into, p.text[:min(size, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}

// FuzzRead reads any output. It must come to its end with every byte in the transcript, and take for an event only
// what is one: a whole line that is a JSON object.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/transcripts/*.jsonl")
	if err != nil || len(files) == 0 {
		f.Fatal("no transcripts of real agents", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:min(len(data), 16<<10)], []byte{255}, 0)
	}
	f.Add([]byte("x "+lineWithTypeLast+"\n ["+lineWithTypeLast+"]\n\""+lineWithTypeLast+"\"\n"), []byte{1}, 0)
	f.Add([]byte(lineWithTypeLast+"\n"), []byte{}, 1<<20)
	f.Add([]byte(`{"type":"result","subtype":"success","total_cost_usd":-1,"num_turns":-2,"duration_ms":9223372036854775807,"usage":{"input_tokens":-3}}`), []byte{}, 0)
	f.Add([]byte(`{"type":"assistant","message":{"content":[{"type":"text","text":"{\"type\":\"result\",\"is_error\":false}"}]}}`), []byte{}, 0)
	f.Fuzz(func(t *testing.T, output, sizes []byte, filler int) {
		// In front of the first line, so that it may pass the limit.
		output = append(bytes.Repeat([]byte(" "), max(0, filler%(2<<20))), output...)
		var transcript bytes.Buffer
		var events []agent.Event
		err := agent.Read(&inPieces{text: output, sizes: sizes}, &transcript, func(e agent.Event) { events = append(events, e) })
		if err != nil || !bytes.Equal(transcript.Bytes(), output) {
			t.Fatalf("%v; %d bytes came in and %d went to the transcript, or they differ", err, len(output), transcript.Len())
		}
		lines := splitLines(output)
		if len(lines) != len(events) {
			t.Fatalf("%d lines gave %d events", len(lines), len(events))
		}
		for i, e := range events {
			e.Blocks()
			checkEvent(t, lines[i], e)
			var shown strings.Builder
			if err := agent.Render(&shown, []byte(lines[i])); err != nil {
				t.Fatal(err)
			}
			if at := strings.IndexFunc(shown.String(), func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }); at >= 0 {
				t.Fatalf("%q is shown with a control character: %q", lines[i], shown.String())
			}
		}
	})
}

// splitLines is what the lines of an output are, empty ones left out.
func splitLines(output []byte) []string {
	var lines []string
	for line := range strings.SplitAfterSeq(string(output), "\n") {
		if line != "" {
			lines = append(lines, strings.TrimRight(line, "\r\n"))
		}
	}
	return lines
}

// checkEvent compares an event with the line that it was read from.
func checkEvent(t *testing.T, line string, e agent.Event) {
	t.Helper()
	var object map[string]any
	isObject := len(line) < 1<<20 && strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &object) == nil
	switch {
	case len(e.Text) > 1<<20:
		t.Fatalf("a text of %d bytes", len(e.Text))
	case e.Type == "" && e.Text != line && len(line) < 1<<20:
		t.Fatalf("the line %q became the text %q", line, e.Text)
	case e.Type != "" && !isObject:
		t.Fatalf("%q was taken for an event", line)
	case e.Result != nil && e.Type != "result":
		t.Fatalf("%q of type %s was taken for a result", line, e.Type)
	case e.Result == nil:
		return
	}
	u := e.Result.Usage
	for _, n := range []int64{u.InputTokens, u.OutputTokens, u.CacheReadTokens, u.CacheWriteTokens, u.Turns, e.Result.Turns, int64(e.Result.Duration)} {
		if n < 0 {
			t.Fatalf("%q counts %d", line, n)
		}
	}
	if e.Result.CostUSD < 0 || e.Result.CostUSD > 1e12 {
		t.Fatalf("%q costs %v", line, e.Result.CostUSD)
	}
}
