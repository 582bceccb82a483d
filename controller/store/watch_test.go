package store_test

import (
	"fmt"
	"os"
	"path/filepath"
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
	w.Expect(w.store.Problems()).To(BeEmpty())
	w.Expect(w.store.Ignored()).To(Equal([]string{"README.md", "a.yaml~", "later.txt", "pipe.yaml"}))
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
func TestHalfWrittenInTwoHalves(t *testing.T) {
	w := newWorld(t).watching()
	w.write("a.yaml", order("a", "one"))
	w.record("a", "a.yaml")
	w.becomes("a", store.Present)

	text := order("a", "two\n    and more of it")
	for name, cut := range map[string]int{
		"in the middle of a key":   strings.Index(text, "repository") + 4,
		"before the spec":          strings.Index(text, "spec:"),
		"in the middle of a value": strings.Index(text, "and more"),
		"at nothing":               0,
	} {
		t.Run(name, func(t *testing.T) {
			w.WithT = NewWithT(t)
			w.write("a.yaml", order("a", "one"))
			w.Eventually(w.request("a")).Should(Equal("one"))
			f, err := os.Create(w.path("a.yaml"))
			w.Expect(err).NotTo(HaveOccurred())
			_, err = f.WriteString(text[:cut])
			w.Expect(err).NotTo(HaveOccurred())
			w.Consistently(func(g Gomega) {
				g.Expect(w.store.Lookup("a").Presence).To(Equal(store.Present))
				g.Expect(w.request("a")()).To(Equal("one"), "half a write is not acted on")
				g.Expect(w.store.Problems()).To(BeEmpty())
			}, 250*time.Millisecond, 5*time.Millisecond).Should(Succeed())
			_, err = f.WriteString(text[cut:])
			w.Expect(err).NotTo(HaveOccurred())
			w.Expect(f.Close()).To(Succeed())
			w.Eventually(w.request("a")).Should(ContainSubstring("and more"))
			w.Expect(w.store.Problems()).To(BeEmpty())
		})
	}
}

func TestNewFileInTwoHalvesIsNoError(t *testing.T) {
	w := newWorld(t).watching()
	text := order("a", "one")
	w.write("a.yaml", text[:60])
	w.Consistently(w.problems, 300*time.Millisecond).Should(BeEmpty())
	w.write("a.yaml", text)
	w.becomes("a", store.Present)
	w.Expect(w.problems()).To(BeEmpty())
}

func TestBrokenFileIsReportedAfterAWhileAndKeepsTheLastGoodState(t *testing.T) {
	w := newWorld(t).watching()
	w.write("a.yaml", order("a", "one"))
	w.write("b.yaml", order("b", "other"))
	w.becomes("a", store.Present)
	broken := strings.Replace(order("a", "two"), "request:", "reqest:", 1)
	w.write("a.yaml", broken)
	w.Consistently(w.problems, 700*time.Millisecond).Should(BeEmpty())
	w.Eventually(w.problems).Should(ContainElement(And(ContainSubstring("a.yaml: line 9"), ContainSubstring("reqest"))))
	o := w.store.Lookup("a")
	w.Expect(o.Presence).To(Equal(store.Present))
	w.Expect(o.Stale).To(BeTrue())
	w.Expect(o.Object.Spec.Request).To(Equal("one\n"))
	w.Expect(w.store.Lookup("b").Stale).To(BeFalse())
	w.Expect(w.read("a.yaml")).To(Equal(broken), "the file is left alone")

	w.write("a.yaml", order("a", "three"))
	w.Eventually(w.request("a")).Should(Equal("three"))
	w.Expect(w.store.Lookup("a").Stale).To(BeFalse())
	w.Expect(w.problems()).To(BeEmpty())
}

func TestEmptyFileIsReportedAndNothingIsDeleted(t *testing.T) {
	w := newWorld(t).watching()
	w.write("a.yaml", order("a", "one"))
	w.record("a", "a.yaml")
	w.becomes("a", store.Present)
	w.write("a.yaml", "")
	w.Eventually(w.problems).Should(HaveLen(1))
	w.stays("a", store.Present, 500*time.Millisecond)
	w.Expect(w.request("a")()).To(Equal("one"))
}

func TestOneBrokenDocumentDoesNotStopTheOthers(t *testing.T) {
	w := newWorld(t).watching()
	w.write("two.yaml", order("a", "one")+"---\n"+order("b", "two"))
	w.becomes("b", store.Present)
	w.write("two.yaml", strings.Replace(order("a", "bad"), "request:", "reqest:", 1)+"---\n"+order("b", "three"))
	w.Eventually(w.request("b")).Should(Equal("three"))
	w.Expect(w.request("a")()).To(Equal("one"))
	w.Expect(w.store.Lookup("a").Stale).To(BeTrue())
	w.Expect(w.store.Lookup("b").Stale).To(BeFalse())
}

func TestBrokenAfterARestart(t *testing.T) {
	for _, cached := range []bool{true, false} {
		t.Run(fmt.Sprintf("cached=%v", cached), func(t *testing.T) {
			w := newWorld(t).watching()
			w.write("a.yaml", order("a", "one"))
			w.record("a", "a.yaml")
			w.becomes("a", store.Present)
			w.stop()
			w.write("a.yaml", "kind: [")
			if !cached {
				w.Expect(os.Remove(filepath.Join(w.dir, "outputs", ".index.jsonl"))).To(Succeed())
			}
			w.open()
			w.watching()
			w.stays("a", store.Present, 2*time.Second)
			o := w.store.Lookup("a")
			w.Expect(o.Stale).To(BeTrue())
			want := "one\n"
			if !cached {
				want = "recorded"
			}
			w.Expect(o.Object.Spec.Request).To(Equal(want), "the last good state, or what the record knows")
			w.Expect(w.problems()).To(HaveLen(1))
		})
	}
}

func TestInvalidSpecIsNoBrokenFile(t *testing.T) {
	w := newWorld(t).watching()
	w.write("a.yaml", strings.Replace(order("a", "one"), "https://github.com", "ssh://github.com", 1))
	w.becomes("a", store.Present)
	o := w.store.Lookup("a")
	w.Expect(o.Invalid).NotTo(BeEmpty())
	w.Expect(o.Object).NotTo(BeNil())
	w.Expect(w.store.Problems()).To(BeEmpty())
}

func TestDuplicateNames(t *testing.T) {
	w := newWorld(t).watching()
	w.write("b.yaml", order("a", "recorded one"))
	w.becomes("a", store.Present)
	w.record("a", "b.yaml")
	w.write("a.yaml", order("a", "the other"))
	w.Eventually(w.problems).Should(ContainElement(And(ContainSubstring("a.yaml: line 2"), ContainSubstring("b.yaml"))))
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
	w.Expect(w.problems()).To(BeEmpty(), "one file that two ways lead to is no duplicate")

	w.Expect(os.WriteFile(filepath.Join(outside, "linked.yaml"), []byte(order("linked", "two")), 0o644)).To(Succeed())
	w.Eventually(w.request("linked")).Should(Equal("two"), "the target of a link is watched")
}

// Kubernetes mounts a ConfigMap like this and changes it by renaming one symlink.
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
	w.remove("..2026_1")
	w.Eventually(w.request("a")).Should(Equal("two"))
	w.stays("a", store.Present, 500*time.Millisecond)

	w.update(r.ID, func(r *store.Record) { r.Status.Message = "x" })
	p, err := w.store.Project("a")
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

func TestManyAtOnce(t *testing.T) {
	w := newWorld(t).watching()
	for i := range 500 {
		w.write(fmt.Sprintf("d%d/o%d.yaml", i%7, i), order(fmt.Sprintf("o%d", i), "work"))
	}
	w.Eventually(func() int { return len(w.store.Names()) }, 10*time.Second).Should(Equal(500))
	for i := range 500 {
		w.Expect(w.changes.of(fmt.Sprintf("o%d", i))).To(BeNumerically(">=", 1))
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

func TestFileThatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	w.write("large.yaml", "")
	w.Expect(os.Truncate(w.path("large.yaml"), 1<<30)).To(Succeed())
	w.write("a.yaml", order("a", "one"))
	w.watching()
	w.becomes("a", store.Present)
	w.Eventually(w.problems).Should(ConsistOf(And(ContainSubstring("large.yaml"), ContainSubstring("cannot be read"), ContainSubstring("MiB"))))
}
