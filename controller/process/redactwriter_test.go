package process_test

import (
	"bytes"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
)

// Where a line without end is cut, a secret may lie across the cut, in every position.
func TestRedactingWriterCutsNoSecret(t *testing.T) {
	known := "s3cret-value-of-some-length"
	for name, secret := range map[string]string{
		"a known secret":              known,
		"a key of a service":          "ghp_" + strings.Repeat("k", 3000),
		"a private key in JSON":       strings.ReplaceAll(privateKey[:60]+strings.Repeat(`A\n`, 4000)+privateKey[60:], "\n", `\n`),
		"two that overlap":            known + strings.Repeat("-length", 3),
		"a token of three long parts": "eyJ" + strings.Repeat("a", 7000) + "." + strings.Repeat("b", 7000) + "." + strings.Repeat("c", 7000),
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			for before := range 9 {
				text := strings.Repeat(".", 60<<10+before*4801) + secret + strings.Repeat(".", 120<<10)
				r := process.NewRedactor(known, "-length-length")
				for _, sizes := range [][]byte{{200, 200}, {}} {
					out := streamed(r, []byte(text), sizes)
					g.Expect(bytes.Trim(out, ".")).To(HavePrefix(process.Redacted), "%d bytes before", before)
					g.Expect(string(out)).NotTo(ContainSubstring("length"))
					g.Expect(strings.Trim(strings.ReplaceAll(string(out), process.Redacted, ""), ".")).To(BeEmpty(), "%d bytes before", before)
					g.Expect(out).To(HaveLen(len(text)-len(secret)+len(process.Redacted)), "%d bytes before", before)
				}
			}
		})
	}
}

// A secret of several lines is held back until it is decided what it is.
func TestRedactingWriterHoldsSecretsOfSeveralLines(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	w := process.NewRedactor("first line\nsecond line\nthird line").Writer(&out)
	write := func(text, shown string) {
		t.Helper()
		_, err := w.Write([]byte(text))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(out.String()).To(Equal(shown))
	}
	write("a\nfirst line\n", "a\n")
	write("second line\n", "a\n")
	write("thi", "a\n")
	write("rd line, b\nfirst line\n", "a\n[redacted], b\n")
	write("second to none\n", "a\n[redacted], b\nfirst line\nsecond to none\n")
	// What begins like another key does not hide the one that has begun before it.
	write("-----BEGIN PRIVATE KEY-----\nMIIB\n-----BEGIN CERTIFICATE-----\n", "a\n[redacted], b\nfirst line\nsecond to none\n")
	write("MIIC\n-----END PRIVATE KEY-----\n", "a\n[redacted], b\nfirst line\nsecond to none\n[redacted]\n")
	g.Expect(w.Close()).To(Succeed())
}

// Whatever is written, little is held.
func TestRedactingWriterHoldsLittle(t *testing.T) {
	for name, piece := range map[string]string{
		"no line end":            strings.Repeat("x", 1000),
		"lines of a private key": "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("A", 900),
		"a key without end":      strings.Repeat("-----BEGIN PRIVATE KEY----- ghp_", 30),
		"overlapping secrets":    strings.Repeat("secret--", 100),
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var out bytes.Buffer
			w := process.NewRedactor("secret--secret--", "--secret").Writer(&out)
			for total := 0; total < 2<<20; total += len(piece) {
				_, err := w.Write([]byte(piece))
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(process.Held(w)).To(BeNumerically("<=", 100<<10))
			}
		})
	}
}
