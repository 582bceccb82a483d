package process

import (
	"io"
	"os"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process/tree"
)

func TestStrayChildren(t *testing.T) {
	g := NewWithT(t)
	k := kin{self: 10, group: 9, started: map[int]bool{20: true}, inherited: map[tree.Key]bool{{PID: 40, StartTime: 4}: true}}
	all := []tree.Process{
		{PID: 10, Parent: 1, Group: 9},
		{PID: 20, Parent: 10, Group: 20},               // started
		{PID: 21, Parent: 10, Group: 20},               // adopted, in the group of one that runs
		{PID: 30, Parent: 10, Group: 9},                // started by other code
		{PID: 40, Parent: 10, Group: 40, StartTime: 4}, // was there before
		{PID: 50, Parent: 10, Group: 50},               // adopted
		{PID: 51, Parent: 50, Group: 50},               // below an adopted one
		{PID: 60, Parent: 1, Group: 60},                // a stranger
	}
	g.Expect(strayChildren(all, k)).To(Equal([]tree.Process{all[5]}))
	// The number of an inherited child went to another.
	all[4].StartTime = 5
	g.Expect(strayChildren(all, k)).To(Equal([]tree.Process{all[4], all[5]}))
}

// A process outside the tree that was handed the other end must not keep the reader for ever.
func TestOutputHeldElsewhere(t *testing.T) {
	g := NewWithT(t)
	r, w, err := os.Pipe()
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = w.Close() }()
	o := &output{file: r}
	_, err = w.WriteString("before")
	g.Expect(err).NotTo(HaveOccurred())
	o.finish()
	g.Expect(io.ReadAll(o)).To(BeEquivalentTo("before"))
	_, err = o.Read(make([]byte, 1))
	g.Expect(err).To(MatchError(io.EOF))
}

func TestTailKeepsTheEnd(t *testing.T) {
	g := NewWithT(t)
	for _, size := range []int{1, 2, 3, 5, 10, 26} {
		kept := NewTail(4)
		for rest := []byte("abcdefghijklmnopqrstuvwxyz"); len(rest) > 0; {
			n, err := kept.Write(rest[:min(size, len(rest))])
			g.Expect(err).NotTo(HaveOccurred())
			rest = rest[n:]
		}
		g.Expect(string(kept.Bytes())).To(Equal("wxyz"))
		g.Expect(len(kept.kept)).To(BeNumerically("<=", 8))
	}
}

// Held is how many bytes a writer holds back.
func Held(w *RedactingWriter) int { return len(w.held) }

// Alive says whether that very process still runs. One that has ended and only waits to be reaped does not.
func Alive(i Identity) bool {
	if i.PID <= 0 || i.BootID != bootID() {
		return false
	}
	p, err := tree.Read(i.PID)
	return err == nil && p.StartTime == i.StartTime && !p.Ended()
}
