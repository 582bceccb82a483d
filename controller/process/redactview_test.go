package process_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
)

// inLinesOf breaks a text after so many characters, as base64 and fold do.
func inLinesOf(width int, text, end string) string {
	var out strings.Builder
	for at := 0; at < len(text); at += width {
		out.WriteString(text[at:min(at+width, len(text))] + end)
	}
	return out.String()
}

// escapedWhole writes every character as an escape of JSON.
func escapedWhole(text, begin string) string {
	var out strings.Builder
	for _, r := range text {
		fmt.Fprintf(&out, begin+"%04x", r)
	}
	return out.String()
}

var longKey = "key-of-real-length-" + strings.Repeat("0aB9_zQ-", 11)

// rest is what a redacted text shows beside letters that were around the secret.
func rest(text string) string {
	return strings.NewReplacer(process.Redacted, "", "\n", "", "\r", "", `\r`, "", `\n`, "", `\`, "", " ", "", "\t", "").Replace(text)
}

func TestRedactorBase64InLines(t *testing.T) {
	r := process.NewRedactor(longKey)
	for _, width := range []int{1, 2, 3, 7, 64, 76} {
		for name, end := range map[string]string{
			"Unix": "\n", "Windows": "\r\n", "in JSON": `\n`, "of Windows in JSON": `\r\n`, "in JSON in JSON": `\\n`, "indented": "\n    ", "empty lines": "\n\n",
			"escaped by number": `\u000a`,
		} {
			for before := range 4 {
				g := NewWithT(t)
				what := fmt.Sprintf("%s, %d columns, %d before", name, width, before)
				encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("b", before) + longKey + "ee"))
				text := "begin " + inLinesOf(width, encoded, end) + "done"
				// What is around takes a few characters, and one of the secret may stay at the end of a line.
				shown := strings.NewReplacer("begin", "", "done", "", `\u000a`, "").Replace(r.String(text))
				g.Expect(shown).To(ContainSubstring(process.Redacted), what)
				g.Expect(len(rest(shown))).To(BeNumerically("<=", 2*(before+2)+7), "%s: %s", what, shown)
				g.Expect(firstAt(r.Find([]byte(text)))).To(BeNumerically(">=", len("begin ")), what)
				out := streamed(r, []byte(text), []byte{4, 2})
				g.Expect(string(out)).To(Equal(r.String(text)), what)
			}
		}
	}
}

func TestFindInLinesOfBase64(t *testing.T) {
	g := NewWithT(t)
	r := process.NewRedactor(longKey)
	text := "one\ntwo\n" + inLinesOf(76, base64.StdEncoding.EncodeToString([]byte(longKey)), "\n")
	g.Expect(firstAt(r.Find([]byte(text)))).To(Equal(len("one\ntwo\n")))
	g.Expect(firstAt(r.Find([]byte(strings.ReplaceAll(text, "\n", "\n#"))))).To(Equal(-1), "that is no base64")
	g.Expect(r.Longest()).To(BeNumerically(">=", len(text)))
}

func TestRedactorEscapes(t *testing.T) {
	known := `quo"te/and-more`
	token := "sk-ant-api03-" + strings.Repeat("aB3_", 10)
	r := process.NewRedactor(known)
	for name, c := range map[string]struct{ text, want string }{
		"some characters":            {`{"t":"a ` + strings.ReplaceAll(token, "-", `\u002d`) + ` b"}`, `{"t":"a [redacted] b"}`},
		"capital digits":             {`sk\u002Dant\u002D` + token[7:], "[redacted]"},
		"JSON in JSON":               {`"sk\\u002dant\\u002d` + token[7:] + `\\n"`, `"[redacted]\\n"`},
		"all of a known one":         {escapedWhole(known, `\u`) + ".", "[redacted]."},
		"a known one, mixed":         {`{"t":"quo\u0022te\/and-more"}`, `{"t":"[redacted]"}`},
		"two blocks":                 {`[{"type":"text","text":"` + token[:20] + `"},{"type":"text","text":"` + token[20:] + ` b"}]`, `[{"type":"text","text":"[redacted] b"}]`},
		"two blocks, in another way": {`[{"text": "a quo\"te", "citations":null }, { "text" : "/and-more"}]`, `[{"text": "a [redacted]"}]`},
		"a character of two bytes":   {`\u00e9 sk\u002dant-` + token[7:] + ` \u00e9`, `\u00e9 [redacted] \u00e9`},
		"no secret":                  {`{"t":"a\u002db\/c \\ \x \u12"},{"text":"x"}`, `{"t":"a\u002db\/c \\ \x \u12"},{"text":"x"}`},
		"half an escape at the end":  {`a\u00`, `a\u00`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(r.String(c.text)).To(Equal(c.want))
			g.Expect(string(streamed(r, []byte(c.text+"\nb\n"), []byte{2, 1}))).To(Equal(c.want + "\nb\n"))
			if json.Valid([]byte(c.text)) {
				g.Expect(json.Valid([]byte(r.String(c.text)))).To(BeTrue(), "JSON stays JSON")
			}
		})
	}
}

// A private key may begin with an escape, too, and go on for lines.
func TestRedactingWriterHoldsAnEscapedPrivateKey(t *testing.T) {
	g := NewWithT(t)
	text := strings.Replace(privateKey, "PRIVATE", `PRIV\u0041TE`, 1) + "\nmore\n"
	r := process.NewRedactor()
	g.Expect(r.String(text)).To(Equal("[redacted]\nmore\n"))
	g.Expect(string(streamed(r, []byte(text), []byte{3, 1}))).To(Equal("[redacted]\nmore\n"))
}

// Lines are not held back for what they end with by chance.
func TestRedactingWriterHoldsNoOrdinaryLine(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	w := process.NewRedactor(longKey).Writer(&out)
	first := base64.StdEncoding.EncodeToString([]byte(longKey))[:1]
	for _, line := range []string{"a line\n", "one that ends with " + first + "\n", "\n", "# another\n"} {
		_, err := w.Write([]byte(line))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(out.String()).To(HaveSuffix(line))
	}
}
