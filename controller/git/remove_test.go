package git_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// dig makes directories one in the other, and a file in the innermost, which is closed. No path is long enough for it.
func (w *world) dig(dir, name string, levels int) {
	w.tb.Helper()
	at, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	w.Expect(err).NotTo(HaveOccurred())
	for i := range levels {
		w.Expect(unix.Mkdirat(at, name, 0o700)).To(Succeed())
		next, err := unix.Openat(at, name, unix.O_PATH|unix.O_DIRECTORY, 0)
		w.Expect(err).NotTo(HaveOccurred())
		if i == levels-1 {
			w.Expect(unix.Mknodat(next, "file", unix.S_IFREG|0o600, 0)).To(Succeed())
			w.Expect(unix.Mkdirat(next, "full", 0o700)).To(Succeed())
			w.Expect(unix.Mkdirat(next, "full/more", 0o700)).To(Succeed())
			w.Expect(unix.Fchmodat(next, "full", 0, 0)).To(Succeed())
			w.Expect(unix.Fchmodat(at, name, 0, 0)).To(Succeed())
		}
		w.Expect(unix.Close(at)).To(Succeed())
		at = next
	}
	w.Expect(unix.Close(at)).To(Succeed())
}

func TestRemoveTree(t *testing.T) {
	long := strings.Repeat("d", 200)
	for name, make := range map[string]func(w *world, dir string){
		"nothing":   func(*world, string) {},
		"a file":    func(w *world, dir string) { w.Expect(os.WriteFile(dir, nil, 0)).To(Succeed()) },
		"deep":      func(w *world, dir string) { w.Expect(os.Mkdir(dir, 0o700)).To(Succeed()); w.dig(dir, long, 30) },
		"very deep": func(w *world, dir string) { w.Expect(os.Mkdir(dir, 0o700)).To(Succeed()); w.dig(dir, "d", 5000) },
		"closed from the top on": func(w *world, dir string) {
			w.write(dir, map[string]string{"a/b/c": "", "a/.awo-removed-1/x": "", ".awo-removed-1": "", ".awo-removed-2/x": ""})
			for _, closed := range []string{"a/b", "a/.awo-removed-1", "a", ".awo-removed-2", "."} {
				w.Expect(os.Chmod(filepath.Join(dir, closed), 0)).To(Succeed())
			}
		},
		"links": func(w *world, dir string) {
			w.write(dir, map[string]string{"a/b": ""})
			w.Expect(os.Symlink(w.dir, filepath.Join(dir, "a/link"))).To(Succeed())
			w.Expect(os.Symlink("..", filepath.Join(dir, "a/up"))).To(Succeed())
			w.Expect(os.Chmod(filepath.Join(dir, "a"), 0o500)).To(Succeed())
		},
		"a link": func(w *world, dir string) { w.Expect(os.Symlink(filepath.Join(w.dir, "kept"), dir)).To(Succeed()) },
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{WithT: NewWithT(t), tb: t, dir: t.TempDir()}
			dir := filepath.Join(w.dir, "tree")
			w.write(w.dir, map[string]string{"kept/file": ""})
			make(w, dir)
			w.Expect(git.RemoveTree(dir)).To(Succeed())
			_, err := os.Lstat(dir)
			w.Expect(err).To(MatchError(os.ErrNotExist))
			w.Expect(filepath.Join(w.dir, "kept/file")).To(BeAnExistingFile())
		})
	}
	NewWithT(t).Expect(git.RemoveTree("/proc/self/fd")).NotTo(Succeed())
}

// What an agent dug while it planned is gone when it begins to implement; what it leaves then ends the order, once.
func TestTreesDeeperThanPathsAreLong(t *testing.T) {
	long := strings.Repeat("d", 200)
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1\n", "d/f": "1\n"})
	for _, dir := range []string{".", "d", ".git"} {
		w.dig(filepath.Join(ws.Dir, dir), long, 30)
	}
	w.Expect(w.client.Reset(t.Context(), ws)).To(Succeed())
	w.Expect(w.collect(ws).Files).To(BeZero())
	for _, dir := range []string{".", "d", ".git/refs"} {
		w.dig(filepath.Join(ws.Dir, dir), long, 30)
		_, err := w.client.Collect(t.Context(), ws, "m")
		w.expectFailure(err, failure.Terminal, v1alpha1.ReasonAgentFailed, "file name too long")
		w.Expect(len(err.Error())).To(BeNumerically("<", 1000))
		w.Expect(w.client.Checkout(t.Context(), ws)).To(Succeed())
	}
}
