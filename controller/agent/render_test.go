package agent_test

import (
	"bytes"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/agent"
)

func rendered(t *testing.T, transcript string) string {
	t.Helper()
	var out bytes.Buffer
	for line := range strings.Lines(transcript) {
		if err := agent.Render(&out, []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func TestRenderTranscript(t *testing.T) {
	g := NewWithT(t)
	g.Expect(rendered(t, read(t, "testdata", "transcripts", "success_root_skip_sandbox.jsonl"))).To(MatchRegexp(
		`^# session [0-9a-f-]{36}, model claude-sonnet-5-5, claude 2\.1\.330\n` +
			`(?s).*> Write /workspace/hello\.txt\n  File created successfully.*\nDone: created hello\.txt\.\n` +
			`# done after 2 turns, \d+\.\d s, \$0\.\d{4}\n$`))
	g.Expect(rendered(t, read(t, "testdata", "transcripts", "err529_recover.jsonl"))).To(ContainSubstring(
		"HTTP status 529, overloaded\n"))
	g.Expect(rendered(t, read(t, "testdata", "transcripts", "permnone.jsonl"))).To(ContainSubstring(", denied: Write (/workspace/hello.txt)\n"))
	g.Expect(rendered(t, read(t, "testdata", "transcripts", "maxturns1.jsonl"))).To(ContainSubstring(
		"# failed (error_max_turns) after 2 turns"))
	g.Expect(rendered(t, read(t, "testdata", "transcripts", "usage_limit.jsonl"))).To(ContainSubstring("! usage limit five_hour reached\n"))
}

func TestRenderLines(t *testing.T) {
	for name, c := range map[string]struct{ line, want string }{
		"plain":            {"compiling...", "compiling...\n"},
		"an empty line":    {"", ""},
		"JSON of others":   {`{"level":"info","msg":"x"}`, `{"level":"info","msg":"x"}` + "\n"},
		"unknown event":    {`{"type":"system","subtype":"task_started"}`, ""},
		"thinking":         {`{"type":"assistant","message":{"content":[{"type":"thinking","thinking":"hm"}]}}`, ""},
		"text as a string": {`{"type":"assistant","message":{"content":"hello"}}`, "hello\n"},
		"the prompt":       {`{"type":"user","message":{"content":"do it"}}`, ""},
		"command": {`{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash","input":{"description":"d","command":"a\nb   c"}}]}}`,
			"> Bash a b c\n"},
		"unknown input": {`{"type":"assistant","message":{"content":[{"type":"tool_use","name":"X","input":{"n":1}}]}}`, "> X {\"n\":1}\n"},
		"failed tool": {`{"type":"user","message":{"content":[{"type":"tool_result","is_error":true,"content":[{"type":"text","text":"no\nway"},{"type":"image"}]}]}}`,
			"  ! no\n  ! way\n  ! (image)\n"},
		"long result": {`{"type":"user","message":{"content":[{"type":"tool_result","content":"1\n2\n3\n4\n5\n6\n7\n8\n"}]}}`,
			"  1\n  2\n  3\n  4\n  5\n  6\n  ... 2 more lines\n"},
		"long input": {`{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash","input":{"command":"` + strings.Repeat("ü", 200) + `"}}]}}`,
			"> Bash " + strings.Repeat("ü", 160) + "...\n"},
		"the end of a transcript": {`{"type":"system","subtype":"transcript_cut"}`, "! the transcript was cut here\n"},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(rendered(t, c.line)).To(Equal(c.want))
		})
	}
}

func TestRenderLetsNoControlThrough(t *testing.T) {
	for line, want := range map[string]string{
		"\x1b[31mred\x1b[0m":                       "red\n",
		"\x1b]0;title\x07a":                        "a\n",
		"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\": "link\n",
		"\x1b]52;c;never ends":                     "\n",
		"\x1bPdevice\x1b\\b":                       "b\n",
		"\x1b(Bc":                                  "Bc\n",
		"a\x1b":                                    "a\n",
		"\x1b[31":                                  "\n",
		"a\rb\bc\x00d\x7fe\u009bf\tg":              "abcdef\tg\n",
		"safe\u202egnp.exe":                        "safegnp.exe\n",
		"bad\xffbyte":                              "badbyte\n",
		`{"type":"assistant","message":{"content":"a\u001b[2Jb"}}`: "ab\n",
	} {
		NewWithT(t).Expect(rendered(t, line)).To(Equal(want), "%q", line)
	}
}
