//go:build crashpoints

package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// mendingPoints are passed where something was removed of a run; TestKilledWhileARepositoryIsMadeAnew dies at them.
var mendingPoints = []string{"repository made anew"}

func TestKilledWhileARepositoryIsMadeAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", order("a", url, w.gated(v1alpha1.PhaseImplementing)))
	w.g.Eventually(func() int { return w.runs(v1alpha1.PhaseImplementing) }).Should(Equal(1), w.controller.log)
	w.controller.kill()
	w.g.Eventually(func() []string { return processesOf(w.firstID()) }).Should(BeEmpty())
	w.g.Expect(os.RemoveAll(filepath.Join(w.data, "repositories", w.firstID(), ".git"))).To(Succeed())
	w.openGate()
	var err error
	w.binary, err = crashing()
	w.g.Expect(err).NotTo(HaveOccurred())
	env := w.env
	w.env = append(slices.Clone(env), "AWO_CRASH_AT="+mendingPoints[0])
	w.launch()
	w.g.Expect(w.controller.wait(30*time.Second)).To(BeTrue(), "it dies there")
	w.env = env
	w.start()
	w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(w.runs(v1alpha1.PhaseImplementing)).To(Equal(2))
}
