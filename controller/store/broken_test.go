package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/store"
)

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

func TestProblemsTellTheNamespace(t *testing.T) {
	w := newWorld(t).watching()
	in := func(namespace string) string {
		return strings.Replace(order("a", "x"), "metadata:\n", "metadata:\n  namespace: "+namespace+"\n", 1)
	}
	w.write("a.yaml", order("a", "x"))
	w.becomes("a", store.Present)
	w.write("b.yaml", in("team"))
	w.write("c.yaml", strings.Replace(in("other"), "request:", "reqest:", 1))
	w.write("d.yaml", strings.Replace(order("d", "x"), "request:", "reqest:", 1))
	w.write("e.yaml", "metadata: [")
	namespaces := func() map[string]string {
		out := map[string]string{}
		for _, p := range w.store.Problems() {
			out[p.Path+" "+p.Field] = p.Namespace
		}
		return out
	}
	w.Eventually(namespaces).Should(And(HaveKeyWithValue("b.yaml metadata.name", "team"), HaveKeyWithValue("c.yaml spec.reqest", "other"),
		HaveKeyWithValue("d.yaml spec.reqest", "default"), HaveKeyWithValue("e.yaml ", "")))
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

// TestBrokenFileKeepsItsNamesOverARestart: who bears a name must not depend on when the controller was started. A new
// binary knows no less.
func TestBrokenFileKeepsItsNamesOverARestart(t *testing.T) {
	for name, head := range map[string]func(string) string{
		"same binary":  func(head string) string { return head },
		"other binary": func(head string) string { return strings.Replace(head, `"binary":{"Dev":`, `"binary":{"Dev":1`, 1) },
		"other policy": func(head string) string { return strings.Replace(head, `"policy":"`, `"policy":" `, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).watching()
			w.write("q1.yaml", order("q", "one"))
			w.record("q", "q1.yaml")
			w.Eventually(w.request("q")).Should(Equal("one"))
			w.write("q1.yaml", "kind: [")
			w.Eventually(w.problems).Should(HaveLen(1))
			w.write("q2.yaml", order("q", "two"))
			w.Eventually(w.problems).Should(ContainElement(ContainSubstring("the name q is taken by q1.yaml")))
			w.stop()
			cache := filepath.Join(w.dir, "outputs", ".index.jsonl")
			data, err := os.ReadFile(cache)
			w.Expect(err).NotTo(HaveOccurred())
			first, rest, _ := strings.Cut(string(data), "\n")
			w.Expect(os.WriteFile(cache, []byte(head(first)+"\n"+rest), 0o600)).To(Succeed())
			w.open()
			w.watching()
			w.Consistently(func(g Gomega) {
				o := w.store.Lookup("q")
				g.Expect(o.Path).To(Equal("q1.yaml"))
				g.Expect(o.Stale).To(BeTrue())
				g.Expect(o.Object.Spec.Request).NotTo(ContainSubstring("two"))
			}, 2*time.Second, 5*time.Millisecond).Should(Succeed())
			w.Expect(w.problems()).To(ContainElements(ContainSubstring("q1.yaml: line 1"), ContainSubstring("the name q is taken by q1.yaml")))
			w.write("q1.yaml", order("q", "three"))
			w.Eventually(w.request("q")).Should(Equal("three"))
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

func TestFileThatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	w.write("large.yaml", "")
	w.Expect(os.Truncate(w.path("large.yaml"), 1<<30)).To(Succeed())
	w.write("a.yaml", order("a", "one"))
	w.watching()
	w.becomes("a", store.Present)
	w.Eventually(w.problems).Should(ConsistOf(And(ContainSubstring("large.yaml"), ContainSubstring("cannot be read"), ContainSubstring("MiB"))))
}

func TestNameThatNoFileCanBear(t *testing.T) {
	w := newWorld(t).watching()
	long := strings.Repeat("a", 256)
	w.write("a.yaml", order(long, "one"))
	w.Eventually(w.problems).Should(ConsistOf(HavePrefix("a.yaml: line 5: metadata.name: has 256 bytes")))
	w.Expect(w.store.Names()).To(BeEmpty())
	w.Expect(w.store.Lookup(long).Presence).To(Equal(store.Unknown), "it has no tombstone")
	fits := long[:253]
	w.write("a.yaml", order(fits, "one"))
	w.becomes(fits, store.Present)
	w.Expect(w.store.Lookup(fits).Invalid).NotTo(BeEmpty())
	w.Expect(w.store.Delete(t.Context(), fits)).To(Succeed())
	w.Expect(w.store.Lookup(fits).Presence).To(Equal(store.Tombstoned))
	w.Expect(w.store.ClearTombstone(fits)).To(Succeed())
	w.becomes(fits, store.Unknown)
}
