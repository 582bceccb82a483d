package store

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
)

func TestNoProcessIsStartedWhileAManifestIsWritten(t *testing.T) {
	g := NewWithT(t)
	err := writeUnshared(filepath.Join(t.TempDir(), "a"), 0o600, func(*os.File) error {
		g.Expect(syscall.ForkLock.TryLock()).To(BeFalse())
		return nil
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(syscall.ForkLock.TryLock()).To(BeTrue(), "afterwards")
	syscall.ForkLock.Unlock()
}

// TestSaveThatMeetsAProcessJustStartedIsNotLost starts processes, each of which has for a moment open what this one has,
// while statuses are written and an editor saves.
func TestSaveThatMeetsAProcessJustStartedIsNotLost(t *testing.T) {
	s := newScene(t, "v0")
	done := make(chan struct{})
	var starters sync.WaitGroup
	t.Cleanup(func() {
		close(done)
		starters.Wait()
	})
	for range 4 {
		starters.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					_ = exec.CommandContext(t.Context(), "/bin/true").Run()
				}
			}
		})
	}
	for i := range 300 {
		before, err := readContent(s.path)
		s.Expect(err).NotTo(HaveOccurred())
		saved := fmt.Sprintf("v%d", i+1)
		w := swapper{exchange: func(a, b string) error {
			if saved != "" {
				s.replace(saved)
				saved = ""
			}
			return renameExchange(a, b)
		}}
		_, err = w.swap(s.path, before, []byte("ours"))
		s.Expect(err).To(MatchError(errDisturbed))
		s.Expect(os.ReadFile(s.path)).To(BeEquivalentTo(fmt.Sprintf("v%d", i+1)))
	}
}

// TestModeThatIsTakenBackDuringAStatusWriteStaysSo has the mode of a manifest repaired between the reading and the exchange.
func TestModeThatIsTakenBackDuringAStatusWriteStaysSo(t *testing.T) {
	s := newScene(t, "v1")
	s.Expect(os.Chmod(s.path, 0o666)).To(Succeed())
	before, err := readContent(s.path)
	s.Expect(err).NotTo(HaveOccurred())
	w := swapper{exchange: func(a, b string) error {
		s.Expect(os.Chmod(s.path, 0o664)).To(Succeed())
		return renameExchange(a, b)
	}}
	_, err = w.swap(s.path, before, []byte("ours"))
	s.Expect(err).NotTo(HaveOccurred())
	info, err := os.Stat(s.path)
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(info.Mode().Perm()).To(BeEquivalentTo(0o664))
	s.Expect(os.ReadFile(s.path)).To(BeEquivalentTo("ours"))
}
