package git_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// limits are those of the tests: small, so that the work that exceeds them is.
var limits = git.Limits{FileBytes: 1 << 20, DiffBytes: 3 << 20, Files: 100}

// size is how much a file of the agent holds, without occupying it.
func (w *world) size(ws git.Workspace, name string, bytes int64) {
	w.tb.Helper()
	file := filepath.Join(ws.Dir, name)
	w.Expect(os.WriteFile(file, nil, 0o644)).To(Succeed())
	w.Expect(os.Truncate(file, bytes)).To(Succeed())
}

// noise is text that does not compress.
func noise(bytes int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for range bytes {
		b.WriteByte(letters[random.IntN(len(letters))])
	}
	return b.String()
}

// occupied is what a directory holds, in bytes.
func (w *world) occupied(dir string) (sum int64) {
	w.tb.Helper()
	w.Expect(filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		sum += info.Size()
		return err
	})).To(Succeed())
	return sum
}

func TestLimits(t *testing.T) {
	for name, tt := range map[string]struct {
		work func(w *world, ws git.Workspace)
		says []string
	}{
		"a file of 5 GB": {func(w *world, ws git.Workspace) { w.size(ws, "core.img", 5<<30) },
			[]string{`"core.img" holds 5.0 GiB, and a file may hold 1.0 MiB`, "--max-file-size", "awo retry"}},
		"a known file that grew": {func(w *world, ws git.Workspace) { w.size(ws, "f", 1<<20+1) }, []string{`"f" holds 1.0 MiB`, "--max-file-size"}},
		"much in all": {func(w *world, ws git.Workspace) {
			for i := range 4 {
				w.size(ws, fmt.Sprint(i), 1<<20)
			}
		}, []string{"the changed files hold 4.0 MiB, and 3.0 MiB may be", "--max-diff-size"}},
		"many files": {func(w *world, ws git.Workspace) {
			for i := range 101 {
				w.write(ws.Dir, map[string]string{fmt.Sprintf("d/%d", i): ""})
			}
		}, []string{"101 files differ, and 100 may", "--max-changed-files"}},
		"many files in place of one": {func(w *world, ws git.Workspace) {
			w.Expect(os.Remove(filepath.Join(ws.Dir, "f"))).To(Succeed())
			for i := range 100 {
				w.write(ws.Dir, map[string]string{fmt.Sprintf("f/%d", i): ""})
			}
		}, []string{"101 files differ"}},
		"a large file in a commit": {func(w *world, ws git.Workspace) {
			w.size(ws, "big", 1<<20+1)
			w.agent(ws.Dir, "add", "big")
			w.agent(ws.Dir, "commit", "-q", "-m", "big")
		}, []string{`"big" holds 1.0 MiB`, "--max-file-size"}},
		"a large file in a commit that the next takes back": {func(w *world, ws git.Workspace) {
			w.size(ws, "big", 1<<20+1)
			w.write(ws.Dir, map[string]string{"small": "1"})
			w.agent(ws.Dir, "add", "big", "small")
			w.agent(ws.Dir, "commit", "-q", "-m", "big")
			w.agent(ws.Dir, "rm", "-q", "big")
			w.agent(ws.Dir, "commit", "-q", "-m", "gone")
		}, []string{`"big" holds 1.0 MiB`}},
		"many files in commits": {func(w *world, ws git.Workspace) {
			for i := range 101 {
				w.write(ws.Dir, map[string]string{fmt.Sprintf("d/%d", i): fmt.Sprint(i)})
			}
			w.agent(ws.Dir, "add", ".")
			w.agent(ws.Dir, "commit", "-q", "-m", "many")
		}, []string{"101 files differ"}},
		"an equal file many times in a commit": {func(w *world, ws git.Workspace) {
			for i := range 101 {
				w.write(ws.Dir, map[string]string{fmt.Sprintf("d/%d", i): ""})
			}
			w.agent(ws.Dir, "add", ".")
			w.agent(ws.Dir, "commit", "-q", "-m", "many")
		}, []string{"101 files differ"}},
		"a repository that is large itself": {func(w *world, ws git.Workspace) {
			w.write(ws.Dir, map[string]string{"noise": noise(18 << 20), "small": "1"})
			w.agent(ws.Dir, "add", "noise")
			w.agent(ws.Dir, "reset", "-q")
			w.agent(ws.Dir, "add", "small")
			w.agent(ws.Dir, "commit", "-q", "-m", "small")
			w.Expect(os.Remove(filepath.Join(ws.Dir, "noise"))).To(Succeed())
		}, []string{"the agent's repository holds", "--max-diff-size"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			w.config.Limits = limits
			w.start()
			ws := w.create("a.git", map[string]string{"f": "1\n"})
			tt.work(w, ws)
			before := w.occupied(w.mirrorDir("a.git"))
			_, err := w.client.Collect(t.Context(), ws, "Work\n\nbody")
			w.expectFailure(err, failure.Terminal, v1alpha1.ReasonTooLarge, tt.says...)
			w.Expect(w.occupied(w.mirrorDir("a.git")) - before).To(BeNumerically("<", limits.DiffBytes))
		})
	}
}

// What is left out, ignored or within the limits does not count.
func TestWithinLimits(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	w.config.Limits = limits
	w.start()
	ws := w.create("a.git", map[string]string{"f": "1\n", ".gitignore": "*.o\n"})
	w.size(ws, "large.o", 5<<30)
	w.size(ws, ".env", 5<<30)
	w.size(ws, "just", 1<<20)
	w.write(ws.Dir, map[string]string{"own": "1"})
	w.agent(ws.Dir, "add", "own")
	w.agent(ws.Dir, "commit", "-q", "-m", "own")
	out := w.collect(ws)
	w.Expect(out.Paths).To(Equal([]string{"just", "own"}))
	w.Expect(out.LeftOut).To(Equal([]string{".env"}))

	w.config.Limits = git.Limits{}
	w.start()
	for i := range 101 {
		w.write(ws.Dir, map[string]string{fmt.Sprintf("d/%d", i): ""})
	}
	w.Expect(w.collect(ws).Files).To(BeEquivalentTo(103), "0 is no limit")
}
