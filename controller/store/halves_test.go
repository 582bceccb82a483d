package store_test

import (
	"os"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// add appends to a file, as the second half of a save does.
func (w *world) add(rel, text string) {
	w.t.Helper()
	f, err := os.OpenFile(w.path(rel), os.O_APPEND|os.O_WRONLY, 0)
	w.Expect(err).NotTo(HaveOccurred())
	_, err = f.WriteString(text)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(f.Close()).To(Succeed())
}

// A manifest that comes in two halves, of which the first is complete as it stands, gets its status at once. The second
// half is put where its writer meant it: behind the first, not behind the status.
func TestRestOfAManifestBelongsBehindItsFirstHalf(t *testing.T) {
	const whole = "apiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\nmetadata:\n  name: a\nspec:\n" +
		"  repository: {url: https://github.com/acme/app}\n  request: |\n    one\n\n    two\n" +
		"  retryLimit: 1\n  phases: [Planning]\n  # the end\n"
	for _, cut := range []string{"    one\n", "    two\n", "  retryLimit: 1\n", "Planning]\n"} {
		t.Run(strings.TrimSpace(cut), func(t *testing.T) {
			w := newWorld(t).watching()
			at := strings.Index(whole, cut) + len(cut)
			w.write("a.yaml", whole[:at])
			w.becomes("a", store.Present)
			r := w.record("a", "a.yaml")
			w.Expect(w.project("a").Written).To(BeTrue())
			w.update(r.ID, func(r *store.Record) { r.Status.Phase = v1alpha1.PhaseCloning })
			w.Expect(w.project("a").Written).To(BeTrue(), "the second status has not hidden the first half")
			w.add("a.yaml", whole[at:])
			w.Eventually(w.read).WithArguments("a.yaml").Should(Equal(whole))
			w.Eventually(func() int { p, _ := w.projectOnce("a"); return strings.Count(w.read("a.yaml"), p.Message+"\nstatus:") }).Should(Equal(1))
			w.Expect(w.read("a.yaml")).To(HavePrefix(whole))
			w.Expect(w.statusOf("a.yaml", "a").ID).To(Equal(r.ID))
			spec := w.store.Lookup("a").Object.Spec
			w.Expect(spec.Request).To(Equal("one\n\ntwo\n"))
			w.Expect(spec.Phases).To(HaveLen(1))
		})
	}
}

func TestNoStatusIsWrittenIntoHalfASave(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(1)
	w.project("order-00")
	whole := w.read("order-00.yaml")
	for _, half := range []string{"", whole[:len(whole)/2], whole[:len(whole)-7]} {
		id := w.store.Lookup("order-00").StatusInFile.ID
		w.write("order-00.yaml", half)
		w.update(id, func(r *store.Record) { r.Status.Message += "x" })
		_, err := w.projectOnce("order-00")
		w.Expect(err).To(MatchError(store.ErrBusy), "it is told to come again")
		w.Expect(w.read("order-00.yaml")).To(Equal(half))
		w.write("order-00.yaml", whole)
		w.Expect(w.project("order-00").Written).To(BeTrue(), "no event tells of a save that changed nothing")
		w.Eventually(func() string { return w.store.Lookup("order-00").StatusInFile.Message }).Should(HaveSuffix("x"))
	}
}

// What stands behind a status moves with it, and problems are told with the lines they are on.
func TestLinesBehindAStatusMove(t *testing.T) {
	w := newWorld(t).watching()
	w.write("two.yaml", order("a", "one")+"---\n"+strings.Replace(order("b", "two"), "https://", "ssh://", 1))
	w.becomes("b", store.Present)
	w.record("a", "two.yaml")
	line := func() int { return w.store.Lookup("b").Invalid[0].Line }
	before := line()
	w.Expect(w.project("a").Written).To(BeTrue())
	w.Expect(line()).To(BeNumerically(">", before))
	text, _, found := strings.Cut(w.read("two.yaml"), "ssh://")
	w.Expect(found).To(BeTrue())
	w.Expect(line()).To(Equal(1 + strings.Count(text, "\n")))
}

func TestStatusOfAGoodDocumentBesideABrokenOneIsKeptOut(t *testing.T) {
	w := newWorld(t).watching()
	text := order("a", "one") + "---\nkind: WorkOrder\nspec: [\n"
	w.write("two.yaml", text)
	w.Eventually(w.problems).Should(ContainElement(ContainSubstring("two.yaml")))
	w.record("a", "two.yaml")
	w.Expect(w.project("a")).To(And(HaveField("KeptOut", v1alpha1.ReasonNotWritable), HaveField("Message", ContainSubstring("another document"))))
	w.Expect(w.read("two.yaml")).To(Equal(text))
}
