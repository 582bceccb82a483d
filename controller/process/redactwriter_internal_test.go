package process

import (
	"bytes"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// A few bytes of output kept a processor busy for half a minute: what may be a private key was gone through for each line.
func TestWhatIsHeldIsNotLookedAtForEachLine(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	w := NewRedactor("a-known-secret").Writer(&out)
	begin, line := strings.Repeat("-", 5)+"BEGIN PRIVATE KEY"+strings.Repeat("-", 5)+"\n", "a\n"
	looks := map[int]bool{}
	const lines = 10_000
	for i := range lines {
		text := line
		if i == 0 {
			text = begin
		}
		_, err := w.Write([]byte(text))
		g.Expect(err).NotTo(HaveOccurred())
		looks[w.again] = true
	}
	g.Expect(len(looks)).To(BeNumerically("<", 100))
	g.Expect(w.Close()).To(Succeed())
	g.Expect(out.String()).To(Equal(Redacted), "a key that was cut off")
}
