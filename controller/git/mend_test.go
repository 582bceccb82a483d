package git_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

func TestMendKeepsTheWork(t *testing.T) {
	for name, full := range map[string]bool{"shared": false, "full": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			ws := w.create("a.git", map[string]string{"f": "1", "g": "1"})
			ws.Full = full
			w.Expect(w.client.Checkout(t.Context(), ws)).To(Succeed())
			w.write(ws.Dir, map[string]string{"f": "2", "new": "x"})
			before := w.collect(ws)
			w.Expect(w.client.Kept(ws, before.Head)).To(BeTrue())

			w.Expect(os.RemoveAll(w.config.Mirrors)).To(Succeed())
			w.Expect(os.RemoveAll(filepath.Join(ws.Dir, ".git"))).To(Succeed())
			w.Expect(w.client.Kept(ws, before.Head)).To(BeFalse())
			for range 2 {
				w.Expect(w.client.Mend(t.Context(), ws)).To(Succeed())
				w.Expect(w.agent(ws.Dir, "log", "--format=%H")).To(Equal(ws.BaseCommit))
				w.Expect(w.agent(ws.Dir, "status", "--porcelain")).To(Equal(" M f\n?? new"))
			}
			after := w.collect(ws)
			w.Expect(w.show("a.git", after.Head, "f") + w.show("a.git", after.Head, "new") + w.show("a.git", after.Head, "g")).To(Equal("2x1"))
			left, err := filepath.Glob(filepath.Join(filepath.Dir(ws.Dir), ".*"))
			w.Expect(err).NotTo(HaveOccurred())
			w.Expect(left).To(BeEmpty())
		})
	}
}

func TestMendLeavesARepositoryAlone(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1"})
	w.agent(ws.Dir, "commit", "--allow-empty", "-q", "-m", "mine")
	head := w.agent(ws.Dir, "rev-parse", "HEAD")
	w.Expect(w.client.Mend(t.Context(), ws)).To(Succeed())
	w.Expect(w.agent(ws.Dir, "rev-parse", "HEAD")).To(Equal(head))
	w.Expect(os.RemoveAll(ws.Dir)).To(Succeed())
	w.Expect(os.Symlink(t.TempDir(), ws.Dir)).To(Succeed())
	w.Expect(w.client.Mend(t.Context(), ws)).To(Succeed())
	w.Expect(filepath.Join(ws.Dir, ".git")).NotTo(BeADirectory(), "nothing is written through a link")
}
