package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// TestPhaseTimeoutHoldsForPhasesWithoutAgent has a remote that does not come to its end, as the order is cloned or pushed, and
// limits of which one is set only while it waits.
func TestPhaseTimeoutHoldsForPhasesWithoutAgent(t *testing.T) {
	t.Run("PR", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		repo := w.local("app", map[string]string{"README.md": "x\n"})
		w.g.Expect(os.MkdirAll(filepath.Join(repo, "hooks"), 0o755)).To(Succeed())
		held := "#!/bin/bash\ntouch " + w.shared + "/arrived\nexec sleep 600\n"
		w.g.Expect(os.WriteFile(filepath.Join(repo, "hooks", "pre-receive"), []byte(held), 0o755)).To(Succeed())
		w.start()
		text := order("a", "file://"+repo, w.script(change), "  retryLimit: 0\n")
		w.drop("a.yaml", text)
		w.g.Eventually(filepath.Join(w.shared, "arrived")).Should(BeAnExistingFile(), w.controller.log)
		w.g.Eventually(func() error {
			saved := w.read(w.file("a.yaml"))
			return os.WriteFile(w.file("a.yaml"), []byte(strings.Replace(saved, "  retryLimit: 0\n", "  retryLimit: 0\n  timeouts: {phase: 1s}\n", 1)), 0o644)
		}).Should(Succeed())
		st := w.ends("a.yaml", v1alpha1.PhaseFailed)
		w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonTimeout), st.Message)
		w.g.Expect(st.Message).To(ContainSubstring("spec.timeouts.phase"))
		w.g.Eventually(func() []string { return processesOf(st.ID) }, 10*time.Second).Should(BeEmpty())
	})
	t.Run("Cloning", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
		released := make(chan struct{})
		t.Cleanup(func() { close(released) })
		w.killAt(func() { <-released }, "/git-upload-pack")
		w.start()
		w.drop("a.yaml", order("a", url, w.script(change), "  retryLimit: 0\n  timeouts: {phase: 1s}\n"))
		st := w.ends("a.yaml", v1alpha1.PhaseFailed)
		w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonTimeout), st.Message)
		w.g.Expect(st.Message).To(And(ContainSubstring("Cloning"), ContainSubstring(url)))
	})
}
