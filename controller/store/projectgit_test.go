package store_test

import (
	"context"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

func checkout(w *world) {
	w.git("init", "-q")
	w.git("add", "-A")
}

func (w *world) git(args ...string) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", args...)
	cmd.Dir = w.path("")
	out, err := cmd.CombinedOutput()
	w.Expect(err).NotTo(HaveOccurred(), string(out))
}

// lsFiles asks the real git.
func lsFiles(ctx context.Context, dir string) (map[string]bool, error) {
	cmd := exec.CommandContext(ctx, "git", "ls-files", "-z")
	cmd.Dir = dir
	data, err := cmd.Output()
	out := map[string]bool{}
	for path := range strings.SplitSeq(string(data), "\x00") {
		out[path] = true
	}
	return out, err
}

func TestWhatGitTracksIsAskedAgainWhenItsIndexChanges(t *testing.T) {
	var asked atomic.Int32
	w := newWorld(t, func(o *store.Options) {
		o.Tracked = func(ctx context.Context, dir string) (map[string]bool, error) {
			asked.Add(1)
			return lsFiles(ctx, dir)
		}
	}).watching()
	w.orders(2)
	w.git("init", "-q")
	w.git("add", "order-00.yaml")
	w.Expect(w.project("order-00").KeptOut).To(Equal(v1alpha1.ReasonTrackedByGit))
	w.Expect(w.project("order-01").Written).To(BeTrue())
	w.Expect(asked.Load()).To(Equal(int32(1)), "as long as the index is the same, git is not asked again")
	w.git("rm", "-q", "--cached", "order-00.yaml")
	w.Expect(w.project("order-00").Written).To(BeTrue())
}

// A work tree that is read as orders: what people do with git runs nothing twice and deletes nothing.
func TestCheckoutOfAnotherBranchAndBack(t *testing.T) {
	w := newWorld(t, func(o *store.Options) { o.Tracked, o.GoneAfter = lsFiles, 2*time.Second }).watching()
	w.git("init", "-q", "-b", "main")
	w.git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "--allow-empty", "-m", "empty")
	w.git("checkout", "-q", "-b", "orders")
	names := w.orders(8)
	w.git("add", "-A")
	w.git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "-m", "orders")
	w.git("checkout", "-q", "main")
	w.becomes(names[0], store.Held)
	w.git("checkout", "-q", "orders")
	for _, name := range names {
		w.becomes(name, store.Present)
	}
	w.git("mv", "order-00.yaml", "moved.yaml")
	w.Eventually(func() string { return w.store.Lookup("order-00").Path }).Should(Equal("moved.yaml"))
	w.Expect(w.store.Ready()).To(Succeed())
}
