package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestEachLine(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	tests := map[string]struct {
		text  string
		all   bool
		want  []string
		taken int
	}{
		"nothing":                     {},
		"whole lines":                 {text: "a\nb\n", want: []string{"a\n", "b\n"}, taken: 4},
		"a line that is not ended":    {text: "a\nb", want: []string{"a\n"}, taken: 2},
		"such a line at the very end": {text: "a\nb", all: true, want: []string{"a\n", "b\n"}, taken: 3},
		"a long line":                 {text: long + "\n", want: []string{long + "\n"}, taken: len(long) + 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var got []string
			taken, err := eachLine(strings.NewReader(test.text), test.all, func(line []byte) error {
				got = append(got, string(line))
				return nil
			})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(test.want))
			g.Expect(taken).To(BeEquivalentTo(test.taken))
		})
	}
}

func TestTail(t *testing.T) {
	for keep, want := range map[int]string{0: "", 1: "d\n", 2: "c\nd\n", 9: "a\nb\nc\nd\n"} {
		g := NewWithT(t)
		last := &tail{keep: keep}
		for _, piece := range []string{"a\nb", "\nc\n", "d", "\n"} {
			_, err := last.Write([]byte(piece))
			g.Expect(err).NotTo(HaveOccurred())
		}
		var out strings.Builder
		g.Expect(last.writeTo(&out)).To(Succeed())
		g.Expect(out.String()).To(Equal(want))
	}
}

// TestLogPrinterFollows lets transcripts grow between two looks.
func TestLogPrinterFollows(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	write := func(name, text string) {
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		g.Expect(err).NotTo(HaveOccurred())
		_, err = file.WriteString(text)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(file.Close()).To(Succeed())
	}
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	printer := newLogPrinter(&logsOptions{globalOptions: &globalOptions{streams: streams}, raw: true, tail: -1})
	printer.begin(dir)
	look := func(all bool) string {
		_, err := printer.look(all)
		g.Expect(err).NotTo(HaveOccurred())
		return out.String()
	}

	write("1-Planning.jsonl", "{\"a\":1}\n{\"b\"")
	g.Expect(look(false)).To(Equal("{\"a\":1}\n"), "half a line waits for its rest")
	write("1-Planning.jsonl", ":2}\n{\"c\":")
	g.Expect(look(false)).To(Equal("{\"a\":1}\n{\"b\":2}\n"))
	write("2-Implementing.jsonl", "{\"d\":4}")
	g.Expect(look(false)).To(Equal("{\"a\":1}\n{\"b\":2}\n{\"c\":\n"), "a step that has a successor gets no more")
	g.Expect(look(true)).To(HaveSuffix("{\"c\":\n{\"d\":4}\n"))
}

// What an agent printed so that it is a key only for the eye does not get there, in whatever form it is asked for.
func TestLogsShowNoSecrets(t *testing.T) {
	token := "sk-ant-api03-" + strings.Repeat("aB3_", 10)
	known := "known-value-of-the-environment"
	line := `{"type":"assistant","message":{"content":[{"type":"text","text":"a sk\u001b[0m` + token[2:] + ` b"},{"type":"text","text":"` + known[:9] + `\u0000` + known[9:] + `"}]}}` + "\n"
	for name, c := range map[string]struct {
		raw  bool
		line string
		want string
	}{
		"readable": {false, line, "a [redacted] b\n[redacted]\n"},
		"raw":      {true, `{"text":"sk\u002d` + token[3:] + `"}` + "\n", `{"text":"[redacted]"}` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			streams, _, out, _ := genericiooptions.NewTestIOStreams()
			printer := newLogPrinter(&logsOptions{globalOptions: &globalOptions{streams: streams}, raw: c.raw, tail: -1})
			printer.redactor.Learn(known)
			g.Expect(printer.line([]byte(c.line))).To(Succeed())
			g.Expect(out.String()).To(Equal(c.want))
		})
	}
}
