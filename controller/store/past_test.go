package store

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// pastScene is a store with runs of two orders: a has a past run 1 and a current run 2 that has ended, b was deleted,
// c is under way after a run that was never cleaned up.
func pastScene(t *testing.T) *Store {
	t.Helper()
	g := NewWithT(t)
	s, err := Open(Options{DataDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	end := &End{Phase: v1alpha1.PhaseFailed}
	for _, r := range []*Record{
		{ID: "wo-000000a1", Name: "a", Run: 1, End: end, CleanedUp: true},
		{ID: "wo-000000a2", Name: "a", Run: 2, End: end, CleanedUp: true},
		{ID: "wo-000000b1", Name: "b", Run: 1, End: end, CleanedUp: true, Deleted: true},
		{ID: "wo-000000c1", Name: "c", Run: 1, End: end},
		{ID: "wo-000000c2", Name: "c", Run: 2},
	} {
		g.Expect(s.Create(r)).To(Succeed())
	}
	return s
}

func TestPast(t *testing.T) {
	g := NewWithT(t)
	s := pastScene(t)
	g.Expect(s.Past()).To(Equal([]string{"wo-000000a1", "wo-000000b1"}))
	for _, id := range []string{"wo-000000a2", "wo-000000c1", "wo-000000c2", "wo-0000dead", "../etc"} {
		g.Expect(s.RemovePast(id)).NotTo(Succeed(), id)
	}
	for _, id := range s.Past() {
		g.Expect(s.RemovePast(id)).To(Succeed())
		g.Expect(s.layout.Output(id)).NotTo(BeADirectory())
	}
	g.Expect(s.Past()).To(BeEmpty())
	g.Expect(s.Current("a")).To(HaveField("ID", "wo-000000a2"))
	g.Expect(s.Current("b")).To(BeNil())
	g.Expect(s.Runs("c")).To(HaveLen(2))
	entries, err := os.ReadDir(s.layout.Outputs())
	g.Expect(err).NotTo(HaveOccurred())
	for _, e := range entries {
		g.Expect(isTemp(e.Name())).To(BeFalse(), e.Name())
	}
}

// A run that is dropped again between the look and the removal stays.
func TestRemovePastLooksAgain(t *testing.T) {
	g := NewWithT(t)
	s := pastScene(t)
	_, err := s.Update("wo-000000b1", func(r *Record) error {
		r.Deleted = false
		return nil
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.RemovePast("wo-000000b1")).To(MatchError(errNotPast))
	g.Expect(s.Current("b")).NotTo(BeNil())
}

// What a crash leaves of a removal is no run, and goes with the next start.
func TestRemovalThatACrashCutOff(t *testing.T) {
	g := NewWithT(t)
	s := pastScene(t)
	aside := filepath.Join(s.layout.Outputs(), tempPrefix+"0123456789abcdef"+tempSuffix)
	g.Expect(os.Rename(s.layout.Output("wo-000000b1"), aside)).To(Succeed())
	again, err := Open(Options{DataDir: s.layout.Root})
	g.Expect(err).NotTo(HaveOccurred())
	release, err := again.Lock()
	g.Expect(err).NotTo(HaveOccurred())
	defer release()
	g.Expect(again.Current("b")).To(BeNil())
	g.Expect(aside).NotTo(BeADirectory())
}
