package agent

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
)

func TestTranscriptRedacts(t *testing.T) {
	const secret = "tr0ub4dor&3-horse-battery"
	long := strings.Repeat("x", 200<<10)
	name := filepath.Join(t.TempDir(), "transcript")
	tr, err := openTranscript(name, process.NewRedactor(secret))
	if err != nil {
		t.Fatal(err)
	}
	g := NewWithT(t)
	input := "a " + secret + " b\n" + long + secret + long + "\nno end " + secret
	g.Expect(Read(strings.NewReader(input), tr, func(Event) {})).To(Succeed())
	g.Expect(tr.Close()).To(Succeed())
	data, err := os.ReadFile(name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(data)).To(Equal(strings.ReplaceAll(input, secret, process.Redacted) + "\n"))
	info, err := os.Stat(name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)))
}

func TestTranscriptIsAppended(t *testing.T) {
	g := NewWithT(t)
	name := filepath.Join(t.TempDir(), "transcript")
	for _, text := range []string{"first", "second\n"} {
		tr, err := openTranscript(name, process.NewRedactor())
		g.Expect(err).NotTo(HaveOccurred())
		_, err = tr.Write([]byte(text))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(tr.Close()).To(Succeed())
	}
	data, err := os.ReadFile(name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(data)).To(Equal("first\nsecond\n"))
}

func TestTranscriptCountsWhatIsThere(t *testing.T) {
	g := NewWithT(t)
	name := filepath.Join(t.TempDir(), "transcript")
	g.Expect(os.WriteFile(name, nil, 0o600)).To(Succeed())
	g.Expect(os.Truncate(name, maxTranscript)).To(Succeed())
	tr, err := openTranscript(name, process.NewRedactor())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(tr.Write([]byte("more\n"))).To(Equal(5))
	g.Expect(tr.Close()).To(Succeed())
	info, err := os.Stat(name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Size()).To(Equal(int64(maxTranscript)))
}

// The transcripts of a run are bounded together, for it may be resumed any number of times.
func TestTranscriptsAreBoundedTogether(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	for i := range maxTranscripts / maxTranscript {
		name := filepath.Join(dir, strconv.Itoa(i))
		g.Expect(os.WriteFile(name, nil, 0o600)).To(Succeed())
		g.Expect(os.Truncate(name, maxTranscript-1)).To(Succeed())
	}
	name := filepath.Join(dir, "another")
	tr, err := openTranscript(name, process.NewRedactor())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(tr.Write([]byte("1234567\n"))).To(Equal(8))
	g.Expect(tr.Close()).To(Succeed())
	g.Expect(os.ReadFile(name)).To(BeEquivalentTo("1234\n" + cutNote))
}

// endless prints without end and without a newline.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	n := int(min(int64(len(p)), e.left))
	if n == 0 {
		return 0, io.EOF
	}
	for i := range n {
		p[i] = 'x'
	}
	e.left -= int64(n)
	return n, nil
}

func TestOutputWithoutNewlineIsBounded(t *testing.T) {
	g := NewWithT(t)
	name := filepath.Join(t.TempDir(), "transcript")
	tr, err := openTranscript(name, process.NewRedactor("a-known-secret"))
	g.Expect(err).NotTo(HaveOccurred())
	tr.limited.left = 8 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	seen := 0
	g.Expect(Read(&endless{64 << 20}, tr, func(e Event) { seen += len(e.Text) })).To(Succeed())
	runtime.ReadMemStats(&after)
	g.Expect(tr.Close()).To(Succeed())
	info, err := os.Stat(name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Size()).To(Equal(int64(8<<20 + 1 + len(cutNote))))
	g.Expect(seen).To(BeNumerically("<=", maxLine), "what is parsed is bounded, too")
	g.Expect(after.HeapSys).To(BeNumerically("<", before.HeapSys+32<<20), "in constant memory, of which other tests may have given some back")
}

func TestLimitedEndsWithANote(t *testing.T) {
	for name, limit := range map[string]int64{"in a line": 6, "at the end of a line": 4, "at the end of a write": 8} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var out bytes.Buffer
			l := limited{to: &out, left: limit}
			for range 3 {
				n, err := l.Write([]byte("abc\nefg\n"))
				g.Expect(n, err).To(Equal(8))
			}
			kept, note, _ := strings.Cut(out.String(), "{")
			g.Expect(strings.TrimSuffix(kept, "\n")).To(Equal(strings.TrimSuffix("abc\nefg\n"[:limit], "\n")))
			g.Expect("{" + note).To(Equal(cutNote))
			g.Expect(parse([]byte(strings.TrimSpace(cutNote))).Subtype).To(Equal("transcript_cut"))
		})
	}
}
