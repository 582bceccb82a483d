package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// A directory of manifests that is not there at a start, as when a volume was not mounted, deletes nothing, however few
// orders it held.
func TestMissingRootAtTheStartDeletesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", order("a", url, w.script("echo x > new.txt; echo did\n")))
	w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.g.Eventually(filepath.Join(w.data, "outputs", ".workorders.json")).Should(BeAnExistingFile())
	w.controller.kill()
	root, aside := filepath.Join(w.data, "workorders"), filepath.Join(w.dir, "aside")
	w.g.Expect(os.Rename(root, aside)).To(Succeed())
	w.start()
	w.g.Eventually(func() int { return w.get("/readyz", nil) }).Should(Equal(http.StatusServiceUnavailable), w.controller.log)
	w.controller.kill()
	w.g.Expect(os.Remove(root)).To(Succeed())
	w.g.Expect(os.Rename(aside, root)).To(Succeed())
	w.start()
	w.g.Eventually(func() int { return w.get("/readyz", nil) }).Should(Equal(http.StatusOK), w.controller.log)
	out, err := w.run("get", "a")
	w.g.Expect(err).NotTo(HaveOccurred())
	w.g.Expect(out).To(ContainSubstring("Succeeded"))
}
