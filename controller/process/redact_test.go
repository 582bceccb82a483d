package process_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
)

func TestRedactorExact(t *testing.T) {
	r := process.NewRedactor("s3cret-value", "s3cret-value-longer\n", "short", "longer-ends", "ends-here", "quo\"te<d>value")
	quoted, err := json.Marshal(map[string]string{"a": "quo\"te<d>value"})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, text, want string }{
		{name: "nothing", text: "plain", want: "plain"},
		{name: "every one", text: "a s3cret-value b s3cret-value", want: "a [redacted] b [redacted]"},
		{name: "the longest first", text: "s3cret-value-longer", want: "[redacted]"},
		{name: "short values stay", text: "short", want: "short"},
		{name: "in a URL", text: "https://x:" + url.QueryEscape("quo\"te<d>value") + "@h", want: "https://x:[redacted]@h"},
		{name: "in JSON", text: string(quoted), want: `{"a":"[redacted]"}`},
		{name: "in JSON of other programs", text: `quo\"te<d>value`, want: "[redacted]"},
		{name: "in a URL of JavaScript", text: "quo%22te%3Cd%3Evalue quo%22te%3cd%3evalue", want: "[redacted] [redacted]"},
		{name: "two that overlap", text: "s3cret-value-longer-ends, ends-here", want: "[redacted], [redacted]"},
		{name: "in base64", text: base64.StdEncoding.EncodeToString([]byte("s3cret-value")), want: "[redacted]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			NewWithT(t).Expect(r.String(c.text)).To(Equal(c.want))
		})
	}
}

// However long what stands before and behind it, no part of the secret may be read back from the base64.
func TestRedactorBase64InContext(t *testing.T) {
	secret := "ghx~tokén?>value"
	r := process.NewRedactor(secret)
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
		for before := range 7 {
			for behind := range 4 {
				g := NewWithT(t)
				plain := strings.Repeat("b", before) + secret + strings.Repeat("e", behind)
				redacted := r.String(encoding.EncodeToString([]byte(plain)))
				g.Expect(redacted).To(ContainSubstring(process.Redacted))
				g.Expect(len(strings.ReplaceAll(redacted, process.Redacted, ""))).To(BeNumerically("<=", (before+behind)*2+6))
			}
		}
	}
}

func TestRedactorWellKnownKeys(t *testing.T) {
	r := process.NewRedactor()
	token := strings.Repeat("aB3_", 10)
	cases := []struct{ name, text, want string }{
		{name: "GitHub", text: "ghp_" + token + ",", want: "[redacted],"},
		{name: "GitHub, fine-grained", text: "(github_pat_" + token + ")", want: "([redacted])"},
		{name: "Anthropic", text: "sk-ant-api03-" + token, want: "[redacted]"},
		{name: "after an escape in JSON", text: `\nghp_` + token + `\n`, want: `\n[redacted]\n`},
		{name: "several", text: "ghp_x ghp_" + token + " ghp_" + token + ".", want: "ghp_x [redacted] [redacted]."},
		{name: "OpenAI", text: "sk-" + strings.Repeat("aB3", 16) + " sk-proj-" + token, want: "[redacted] [redacted]"},
		{name: "a long name is no key", text: "task-with-a-very-long-name-of-many-words-and-more-words", want: "task-with-a-very-long-name-of-many-words-and-more-words"},
		{name: "AWS", text: "id AKIAIOSFODNN7EXAMPLE, ASIAIOSFODNN7EXAMPLE", want: "id [redacted], [redacted]"},
		{name: "longer than an AWS id", text: "AKIAIOSFODNN7EXAMPLES XAKIAIOSFODNN7EXAMPLE", want: "AKIAIOSFODNN7EXAMPLES XAKIAIOSFODNN7EXAMPLE"},
		{name: "Slack", text: "xoxb-1234567890-abcdefghij xapp-1-A0123456789-abcdef", want: "[redacted] [redacted]"},
		{name: "JWT", text: "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN;", want: "Bearer [redacted];"},
		{name: "base64 of JSON is no JWT", text: "eyJhbGciOiJIUzI1NiJ9 eyJhbGciOiJIUzI1NiJ9.x", want: "eyJhbGciOiJIUzI1NiJ9 eyJhbGciOiJIUzI1NiJ9.x"},
		{name: "private key", text: "a\n" + privateKey + "\nb", want: "a\n[redacted]\nb"},
		{name: "private key in JSON", text: `{"k":"` + strings.ReplaceAll(privateKey, "\n", `\n`) + `"}`, want: `{"k":"[redacted]"}`},
		{name: "private key cut off", text: "x " + privateKey[:60], want: "x [redacted]"},
		{name: "certificate", text: strings.ReplaceAll(privateKey, "RSA PRIVATE KEY", "CERTIFICATE"), want: strings.ReplaceAll(privateKey, "RSA PRIVATE KEY", "CERTIFICATE")},
		{name: "a prefix alone", text: "names begin with ghp_ or sk-ant-", want: "names begin with ghp_ or sk-ant-"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			NewWithT(t).Expect(r.String(c.text)).To(Equal(c.want))
		})
	}
}

const privateKey = "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnz\nj4p4WGeKLs1Pt8Qu\n-----END RSA PRIVATE KEY-----"

func TestRedactorLearns(t *testing.T) {
	g := NewWithT(t)
	value := "first-token-value"
	r := process.NewRedactor()
	g.Expect(firstAt(r.Find([]byte("x " + value)))).To(Equal(-1))
	read := r.Learning(func() (string, error) { return value, nil })
	g.Expect(read()).To(Equal(value))
	value = "second-token-value-of-an-hour-later"
	g.Expect(read()).To(Equal(value))
	g.Expect(r.String("first-token-value, second-token-value-of-an-hour-later")).To(Equal("[redacted], [redacted]"))
	g.Expect(firstAt(r.Find([]byte("x first-token-value")))).To(Equal(2))
	g.Expect(firstAt(r.Find([]byte("ghp_"+strings.Repeat("x", 40))))).To(Equal(-1), "a pattern is no known secret")
	g.Expect(r.Longest()).To(BeNumerically(">=", len(value)))
}

func TestRedactorLeavesInput(t *testing.T) {
	g := NewWithT(t)
	r := process.NewRedactor("s3cret-value")
	text := []byte("a s3cret-value and ghp_" + strings.Repeat("x", 40))
	before := bytes.Clone(text)
	g.Expect(string(r.Bytes(text))).To(Equal("a [redacted] and [redacted]"))
	g.Expect(text).To(Equal(before))
	var none process.Redactor
	g.Expect(none.String("text")).To(Equal("text"))
}

func TestRedactingWriter(t *testing.T) {
	secret := "s3cret-value"
	text := "line one " + secret + "\n" + strings.Repeat("y", 70<<10) + secret + strings.Repeat("z", 70<<10) + " ghp_" +
		strings.Repeat("k", 40) + "\n" + privateKey + "\nno line end " + secret
	want := strings.ReplaceAll(text, secret, process.Redacted)
	want = strings.ReplaceAll(want, "ghp_"+strings.Repeat("k", 40), process.Redacted)
	want = strings.ReplaceAll(want, privateKey, process.Redacted)
	for _, size := range []int{1, 7, 1000, 65536, len(text)} {
		g := NewWithT(t)
		var out bytes.Buffer
		w := process.NewRedactor(secret).Writer(&out)
		for rest := []byte(text); len(rest) > 0; {
			n, err := w.Write(rest[:min(size, len(rest))])
			g.Expect(err).NotTo(HaveOccurred())
			rest = rest[n:]
		}
		g.Expect(w.Close()).To(Succeed())
		g.Expect(out.String()).To(Equal(want), "written in pieces of %d", size)
	}
	g := NewWithT(t)
	_, err := process.NewRedactor().Writer(failing{}).Write([]byte("x\n"))
	g.Expect(err).To(MatchError(errFull))
}

func BenchmarkRedactor(b *testing.B) {
	r := process.NewRedactor("s3cret-value-number-one", "another-secret-value", "a-third-one-for-good-measure")
	line := []byte(strings.Repeat(`{"type":"assistant","text":"some words of an agent about the code"}`, 100))
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		r.Bytes(line)
	}
}

// firstAt is where the first of some places begins, -1 where there is none.
func firstAt(places [][2]int) int {
	if len(places) == 0 {
		return -1
	}
	return places[0][0]
}
