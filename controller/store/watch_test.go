package store_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/store"
)

func TestDroppedManifestIsSeenSoon(t *testing.T) {
	w := newWorld(t).watching()
	w.write("a.yaml", order("a", "one"))
	w.Eventually(func() int { return w.changes.of("a") }, 10*time.Second, time.Millisecond).Should(BeNumerically(">=", 1))
	o := w.store.Lookup("a")
	w.Expect(o.Presence).To(Equal(store.Present))
	w.Expect(o.Path).To(Equal("a.yaml"))
	w.Expect(o.Object.Spec.Request).To(Equal("one\n"))
	w.Expect(w.store.Names()).To(ConsistOf("a"))
	w.Expect(w.store.Ready()).To(Succeed())
}

func TestEveryOrderIsReportedAtTheStart(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", order("a", "one"))
	w.write("deep/er/b.yml", order("b", "two"))
	w.record("recorded-only", "gone.yaml")
	w.watching()
	for _, name := range []string{"a", "b", "recorded-only"} {
		w.Eventually(func() int { return w.changes.of(name) }).Should(Equal(1), name)
	}
	w.Expect(w.store.Names()).To(ConsistOf("a", "b", "recorded-only"))
}

func TestChangesAreSeenAndTouchingIsNone(t *testing.T) {
	w := newWorld(t).watching()
	w.write("a.yaml", order("a", "one"))
	w.becomes("a", store.Present)
	w.write("a.yaml", order("a", "two"))
	w.Eventually(w.request("a")).Should(Equal("two"))
	w.settle()
	before := w.changes.of("a")
	now := time.Now()
	w.Expect(os.Chtimes(w.path("a.yaml"), now, now)).To(Succeed())
	w.write("a.yaml", order("a", "two"))
	w.settle()
	w.Expect(w.changes.of("a")).To(Equal(before), "the same bytes again are no change")
}

func TestNestedFoldersAsTheyAppear(t *testing.T) {
	w := newWorld(t).watching()
	w.write("x/y/z/deep.yaml", order("deep", "one"))
	w.becomes("deep", store.Present)
	w.write("x/y/second.json", `{"apiVersion":"awo.archon.dev/v1alpha1","kind":"WorkOrder","metadata":{"name":"second"},
		"spec":{"repository":{"url":"https://github.com/acme/app"},"request":"json"}}`)
	w.becomes("second", store.Present)
	w.Expect(w.store.Lookup("second").Path).To(Equal("x/y/second.json"))

	w.Expect(os.Rename(w.path("x/y"), w.path("moved"))).To(Succeed())
	w.Eventually(func() string { return w.store.Lookup("deep").Path }).Should(Equal("moved/z/deep.yaml"))
	w.write("moved/z/deep.yaml", order("deep", "two"))
	w.Eventually(w.request("deep")).Should(Equal("two"), "a moved directory is still watched")
}

func TestDotFilesAndOtherKinds(t *testing.T) {
	w := newWorld(t)
	w.write(".hidden.yaml", order("hidden", "no"))
	w.write(".git/config.yaml", order("git", "no"))
	w.write("README.md", "# no order")
	w.write("a.yaml~", order("backup", "no"))
	w.Expect(unix.Mkfifo(w.path("pipe.yaml"), 0o644)).To(Succeed())
	w.watching()
	w.write("later.txt", "no order")
	w.write(".later.yaml", order("later", "no"))
	w.settle()
	w.Expect(w.store.Names()).To(BeEmpty())
	w.Expect(w.problems()).To(ConsistOf(HavePrefix("pipe.yaml: is no regular file")))
	w.Expect(w.store.Ignored()).To(Equal([]string{"README.md", "a.yaml~", "later.txt"}))
	w.remove("later.txt")
	w.Eventually(w.store.Ignored).ShouldNot(ContainElement("later.txt"))
}

func TestSeveralDocumentsInAFile(t *testing.T) {
	w := newWorld(t).watching()
	w.write("two.yaml", order("a", "one")+"---\n"+order("b", "two"))
	w.becomes("b", store.Present)
	w.Expect(w.store.Lookup("a").Document).To(Equal(0))
	w.Expect(w.store.Lookup("b").Document).To(Equal(1))
	w.write("two.yaml", order("b", "two")+"---\n"+order("a", "one"))
	w.Eventually(func() int { return w.store.Lookup("a").Document }).Should(Equal(1))
}

// A file that is written in two halves 2 s apart is no error and no deletion: here the times are a tenth.

// A command that looks once sees what is whole as it stands, also where the controller would wait for more.
func TestALookOnceTakesWhatLooksUnfinished(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", strings.TrimSuffix(order("a", "work"), "\n"))
	w.write("b.yaml", strings.Replace(order("b", "work"), "https://", "ssh://", 1))
	w.Expect(w.store.Scan(t.Context())).To(Succeed())
	w.Expect(w.store.Lookup("a").Presence).To(Equal(store.Present))
	w.Expect(w.store.Lookup("b").Invalid).NotTo(BeEmpty())
}

func TestDuplicateNames(t *testing.T) {
	w := newWorld(t).watching()
	w.write("b.yaml", order("a", "recorded one"))
	w.becomes("a", store.Present)
	w.record("a", "b.yaml")
	w.write("a.yaml", order("a", "the other"))
	w.Eventually(w.problems).Should(ContainElement(And(ContainSubstring("a.yaml: line 5"), ContainSubstring("b.yaml"))))
	w.Expect(w.store.Lookup("a").Path).To(Equal("b.yaml"))
	w.Expect(w.request("a")()).To(Equal("recorded one"))
	w.remove("b.yaml")
	w.Eventually(w.request("a")).Should(Equal("the other"))
	w.Expect(w.problems()).To(BeEmpty())
	w.Expect(w.store.Lookup("a").Path).To(Equal("a.yaml"))
}

func TestTwoDocumentsWithOneName(t *testing.T) {
	w := newWorld(t).watching()
	w.write("two.yaml", order("a", "first")+"---\n"+order("a", "second"))
	w.becomes("a", store.Present)
	w.Expect(w.request("a")()).To(Equal("first"))
	w.Expect(w.problems()).To(ConsistOf(And(ContainSubstring("document 1 of two.yaml"), ContainSubstring("document 2 of two.yaml"))))
}

func TestMovedFileChangesNothingButThePath(t *testing.T) {
	w := newWorld(t).watching()
	w.write("a.yaml", order("a", "one"))
	w.record("a", "a.yaml")
	w.becomes("a", store.Present)
	w.Expect(os.MkdirAll(w.path("sub"), 0o755)).To(Succeed())
	w.Expect(os.Rename(w.path("a.yaml"), w.path("sub/z.yaml"))).To(Succeed())
	w.Eventually(func() string { return w.store.Lookup("a").Path }).Should(Equal("sub/z.yaml"))
	w.stays("a", store.Present, 600*time.Millisecond)
}

// Kubernetes mounts a ConfigMap like this and changes it by renaming one symlink.

func TestManyAtOnce(t *testing.T) {
	w := newWorld(t).watching()
	for i := range 500 {
		w.write(fmt.Sprintf("d%d/o%d.yaml", i%7, i), order(fmt.Sprintf("o%d", i), "work"))
	}
	w.Eventually(func() int { return len(w.store.Names()) }, 10*time.Second).Should(Equal(500))
	for i := range 500 {
		w.Eventually(func() int { return w.changes.of(fmt.Sprintf("o%d", i)) }).Should(BeNumerically(">=", 1))
	}
}

func TestScanWithoutWatching(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", order("a", "one"))
	w.record("b", "b.yaml")
	w.Expect(w.store.Scan(t.Context())).To(Succeed())
	w.Expect(w.store.Names()).To(ConsistOf("a", "b"))
	w.Expect(w.store.Lookup("a").Presence).To(Equal(store.Present), "a command does not wait for quiet")
	w.Expect(w.store.Lookup("b").Presence).To(Equal(store.Missing))
	w.Expect(w.store.Lookup("c").Presence).To(Equal(store.Unknown))

	other, err := store.Open(options(w.dir))
	w.Expect(err).NotTo(HaveOccurred())
	w.write("c.yaml", order("c", "new"))
	w.store = other
	r := w.record("c", "c.yaml")
	w.open()
	w.Expect(w.store.Scan(t.Context())).To(Succeed())
	w.Expect(w.store.Current("c")).To(HaveField("ID", r.ID))
}
