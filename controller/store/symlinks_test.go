package store_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/store"
)

func TestRescanFindsWhatNoEventTold(t *testing.T) {
	w := newWorld(t, func(o *store.Options) { o.Rescan = 50 * time.Millisecond })
	outside := filepath.Join(t.TempDir(), "nested")
	w.Expect(os.Mkdir(outside, 0o755)).To(Succeed())
	w.Expect(os.WriteFile(filepath.Join(outside, "a.yaml"), []byte(order("a", "one")), 0o644)).To(Succeed())
	// The link in the middle is in a directory that is not watched.
	middle := filepath.Join(filepath.Dir(outside), "middle")
	w.Expect(os.Symlink(outside, middle)).To(Succeed())
	w.Expect(os.Symlink(filepath.Join(middle, "a.yaml"), w.path("a.yaml"))).To(Succeed())
	w.watching()
	w.becomes("a", store.Present)
	second := filepath.Join(filepath.Dir(outside), "second")
	w.Expect(os.Mkdir(second, 0o755)).To(Succeed())
	w.Expect(os.WriteFile(filepath.Join(second, "a.yaml"), []byte(order("a", "two")), 0o644)).To(Succeed())
	w.Expect(os.Remove(middle)).To(Succeed())
	w.Expect(os.Symlink(second, middle)).To(Succeed())
	w.Eventually(w.request("a")).Should(Equal("two"))
}

func TestSymlinks(t *testing.T) {
	w := newWorld(t)
	outside := t.TempDir()
	w.Expect(os.WriteFile(filepath.Join(outside, "linked.yaml"), []byte(order("linked", "one")), 0o644)).To(Succeed())
	w.Expect(os.Symlink(filepath.Join(outside, "linked.yaml"), w.path("linked.yaml"))).To(Succeed())
	w.Expect(os.Symlink(outside, w.path("elsewhere"))).To(Succeed())
	w.Expect(os.Symlink(".", w.path("loop"))).To(Succeed())
	w.Expect(os.Symlink("loop2", w.path("loop2"))).To(Succeed())
	w.Expect(os.Symlink("nothing.yaml", w.path("dangling.yaml"))).To(Succeed())
	w.write("dir/a.yaml", order("a", "one"))
	w.Expect(os.Symlink("dir", w.path("again"))).To(Succeed())
	w.Expect(os.Symlink("dir/a.yaml", w.path("a.yaml"))).To(Succeed())
	w.watching()
	w.becomes("linked", store.Present)
	w.becomes("a", store.Present)
	w.Expect(w.store.Names()).To(ConsistOf("a", "linked"))
	w.Expect(w.store.Lookup("a").Path).To(Equal("dir/a.yaml"))
	w.Expect(w.problems()).To(ConsistOf(HavePrefix("dangling.yaml: is a link that leads nowhere")), "one file that two ways lead to is no duplicate")

	w.Expect(os.WriteFile(filepath.Join(outside, "linked.yaml"), []byte(order("linked", "two")), 0o644)).To(Succeed())
	w.Eventually(w.request("linked")).Should(Equal("two"), "the target of a link is watched")
}

func TestConfigMap(t *testing.T) {
	w := newWorld(t)
	version := func(dir, request string) {
		w.write(dir+"/a.yaml", order("a", request))
	}
	version("..2026_1", "one")
	w.Expect(os.Symlink("..2026_1", w.path("..data"))).To(Succeed())
	w.Expect(os.Symlink("..data/a.yaml", w.path("a.yaml"))).To(Succeed())
	w.watching()
	w.becomes("a", store.Present)
	r := w.record("a", "a.yaml")

	version("..2026_2", "two")
	w.Expect(os.Symlink("..2026_2", w.path("..data_tmp"))).To(Succeed())
	w.Expect(os.Rename(w.path("..data_tmp"), w.path("..data"))).To(Succeed())
	w.Eventually(w.request("a")).Should(Equal("two"))
	w.remove("..2026_1")
	w.stays("a", store.Present, 500*time.Millisecond)

	w.update(r.ID, func(r *store.Record) { r.Status.Message = "x" })
	p, err := w.projectOnce("a")
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(p.KeptOut).To(Equal("ReadOnly"))
	w.Expect(w.read("a.yaml")).NotTo(ContainSubstring("status:"))
}

func TestLinkedDirectoryThatIsSwapped(t *testing.T) {
	w := newWorld(t)
	w.write("..v1/sub/a.yaml", order("a", "one"))
	w.Expect(os.Symlink("..v1", w.path("orders"))).To(Succeed())
	w.watching()
	w.becomes("a", store.Present)
	w.Expect(w.store.Lookup("a").Path).To(Equal("orders/sub/a.yaml"))
	w.write("..v2/sub/a.yaml", order("a", "two"))
	w.Expect(os.Symlink("..v2", w.path("new"))).To(Succeed())
	w.Expect(os.Rename(w.path("new"), w.path("orders"))).To(Succeed())
	w.Eventually(w.request("a")).Should(Equal("two"))
}

// What is called like a manifest and cannot be one is told; a link to what is listed anyway is nobody's mistake.
func TestWhatIsCalledLikeAManifestAndIsNoneIsTold(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(1)
	w.Expect(os.Symlink("order-00.yaml", w.path("again.yaml"))).To(Succeed())
	w.Expect(os.Symlink("nowhere", w.path("dangling.yaml"))).To(Succeed())
	w.Expect(os.Symlink("loop.yaml", w.path("loop.yaml"))).To(Succeed())
	w.Expect(os.Symlink("nowhere", w.path("notes"))).To(Succeed())
	w.Expect(unix.Mkfifo(w.path("pipe.yaml"), 0o600)).To(Succeed())
	w.Eventually(w.problems).Should(ConsistOf(
		And(HavePrefix("dangling.yaml: "), ContainSubstring("leads nowhere: no such file")),
		And(HavePrefix("loop.yaml: "), ContainSubstring("too many links")),
		And(HavePrefix("pipe.yaml: "), ContainSubstring("is no regular file")),
	))
	w.Expect(w.store.Ignored()).To(ConsistOf("again.yaml", "notes"))
	w.Expect(w.store.Ready()).To(Succeed(), "it holds up nothing")
	w.remove("pipe.yaml")
	w.Eventually(w.problems).Should(HaveLen(2))
}
