package git_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/removal"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// scatter makes many packs in a mirror, one for each of so many objects that nothing names.
func (w *world) scatter(repository string, packs int) {
	w.tb.Helper()
	dir := w.mirrorDir(repository)
	for i := range packs {
		blob := w.input(dir, strconv.Itoa(i), "hash-object", "-w", "--stdin")
		w.input(dir, blob+"\n", "pack-objects", "-q", filepath.Join(dir, "objects", "pack", "pack"))
	}
	w.mirror(repository, "prune-packed")
}

// input runs git in a repository with something on stdin.
func (w *world) input(gitDir, stdin string, args ...string) string {
	w.tb.Helper()
	cmd := exec.CommandContext(w.tb.Context(), "git", append([]string{"--git-dir=" + gitDir}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	w.Expect(err).NotTo(HaveOccurred())
	return strings.TrimSpace(string(out))
}

func (w *world) packs(repository string) int {
	w.tb.Helper()
	found, err := filepath.Glob(filepath.Join(w.mirrorDir(repository), "objects", "pack", "*.pack"))
	w.Expect(err).NotTo(HaveOccurred())
	return len(found)
}

// Objects that no branch has any more stay as long as a workspace borrows them, also those that are not pinned.
func TestMaintainKeepsWhatIsBorrowed(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	old, err := w.server.Create(t.Context(), "a.git", githttp.Commit{Files: map[string]string{"f": "old\n"}})
	w.Expect(err).NotTo(HaveOccurred())
	// The workspace begins at another branch; what it has of main is pinned by nothing.
	tree, err := w.server.Git(t.Context(), "a.git", "rev-parse", "main^{tree}")
	w.Expect(err).NotTo(HaveOccurred())
	side, err := w.server.Git(t.Context(), "a.git", "-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", strings.TrimSpace(tree), "-m", "side")
	w.Expect(err).NotTo(HaveOccurred())
	side = strings.TrimSpace(side)
	_, err = w.server.Git(t.Context(), "a.git", "update-ref", "refs/heads/side", side)
	w.Expect(err).NotTo(HaveOccurred())
	ws := w.workspace(w.server.URL("a.git"), id, side)
	w.checkout(ws)
	w.Expect(w.agent(ws.Dir, "rev-parse", "origin/main")).To(Equal(old))

	w.mirror("a.git", "repack", "-q", "-a", "-d")
	// The remote forgets its main, and another run fetches that.
	_, err = w.server.Git(t.Context(), "a.git", "update-ref", "refs/heads/other", side)
	w.Expect(err).NotTo(HaveOccurred())
	fresh, err := w.server.Git(t.Context(), "a.git", "-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", strings.TrimSpace(tree), "-m", "fresh")
	w.Expect(err).NotTo(HaveOccurred())
	_, err = w.server.Git(t.Context(), "a.git", "update-ref", "refs/heads/main", strings.TrimSpace(fresh))
	w.Expect(err).NotTo(HaveOccurred())
	w.checkout(w.workspace(ws.URL, "wo-0a1b2c3e", strings.TrimSpace(fresh)))

	w.scatter("a.git", 25)
	w.Expect(w.client.Maintain(t.Context())).To(Succeed())
	w.Expect(w.packs("a.git")).To(Equal(1))
	w.agent(ws.Dir, "fsck", "--full", "--strict")
	w.Expect(w.agent(ws.Dir, "show", "origin/main:f")).To(Equal("old"))
	w.write(ws.Dir, map[string]string{"f": "new\n"})
	w.agent(ws.Dir, "commit", "-q", "-a", "-m", "work")
	w.Expect(w.collect(ws).Files).To(BeEquivalentTo(1))
	w.Expect(w.client.Maintain(t.Context())).To(Succeed(), "and has nothing more to do")
}

// A mirror that nobody borrows from loses what no branch has, and nothing else.
func TestMaintainOfAMirrorThatIsNotBorrowed(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1\n"})
	w.write(ws.Dir, map[string]string{"large": noise(4 << 20)})
	w.collect(ws)
	w.scatter("a.git", 6)
	w.Expect(w.client.Maintain(t.Context())).To(Succeed())
	w.Expect(w.packs("a.git")).To(Equal(6), "a few packs are no trouble to who borrows")
	w.Expect(removal.Tree(ws.Dir)).To(Succeed())
	w.Expect(w.client.Release(t.Context(), ws.URL, ws.ID)).To(Succeed())

	w.start() // a mirror that this process has not used
	w.Expect(w.client.Maintain(t.Context())).To(Succeed())
	w.Expect(w.packs("a.git")).To(Equal(1))
	w.Expect(w.occupied(w.mirrorDir("a.git"))).To(BeNumerically("<", 1<<20))
	w.checkout(ws)
	w.Expect(os.ReadFile(filepath.Join(ws.Dir, "f"))).To(BeEquivalentTo("1\n"))
}

func TestMaintainWithoutMirrors(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	w.Expect(w.client.Maintain(t.Context())).To(Succeed())
}
