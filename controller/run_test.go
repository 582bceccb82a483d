package controller

import (
	"errors"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/store"
)

// taken is a data directory that a controller works on.
func taken(t *testing.T) store.Layout {
	t.Helper()
	s, err := store.Open(store.Options{DataDir: t.TempDir()})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	release, err := s.Lock()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	t.Cleanup(release)
	return s.Layout()
}

func TestASecondControllerTouchesNothing(t *testing.T) {
	g := NewWithT(t)
	l := taken(t)
	g.Expect(os.Chmod(l.Outputs(), 0o755)).To(Succeed())
	g.Expect(os.Remove(l.Commands())).To(Succeed())
	var locked *store.LockedError
	g.Expect(errors.As(Run(t.Context(), Config{DataDir: l.Root}), &locked)).To(BeTrue())
	info, err := os.Stat(l.Outputs())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Mode().Perm()).To(BeEquivalentTo(0o755), "no mode is repaired")
	g.Expect(l.Commands()).NotTo(BeADirectory(), "nothing is made")
}

func TestAClaimMakesADataDirectoryThatIsNotThere(t *testing.T) {
	g := NewWithT(t)
	dir := filepath.Join(t.TempDir(), "new")
	claim, err := NewClaim(dir)
	g.Expect(err).NotTo(HaveOccurred())
	_, err = NewClaim(dir)
	g.Expect(err).To(MatchError(ContainSubstring("another controller works on")))
	claim.Release()
	claim, err = NewClaim(dir)
	g.Expect(err).NotTo(HaveOccurred())
	claim.Release()
}

func TestRunLeavesNoThreadBehind(t *testing.T) {
	g := NewWithT(t)
	g.Expect(Run(t.Context(), Config{DataDir: taken(t).Root})).NotTo(Succeed())
	g.Eventually(goroutines).ShouldNot(ContainSubstring("(*Spawner).serve"))
}

// goroutines is what all goroutines do.
func goroutines() string {
	var b strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1)
	return b.String()
}
