package e2e_test

import (
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

func TestHealthIsSeenByEveryUserWithoutAToken(t *testing.T) {
	needsRoot(t)
	w := newWorld(t)
	w.start("--bind-address=0.0.0.0")
	w.as(nobody)
	out, err := w.run("get", "--raw", "/health")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	w.g.Expect(out).To(ContainSubstring(`"status":"healthy"`))
	out, err = w.run("get", "--raw", "/apis/awo.archon.dev/v1alpha1/workorders")
	w.g.Expect(err).To(HaveOccurred())
	w.g.Expect(out).To(MatchRegexp(`answered 401 Unauthorized, and no token could be sent: .*permission denied`))
	w.as(0)
	out, err = w.run("get", "--raw", "/apis/awo.archon.dev/v1alpha1/workorders")
	w.g.Expect(err).NotTo(HaveOccurred(), out)

	w.controller.stop()
	w.g.Expect(filepath.Join(w.data, "server-address")).NotTo(BeAnExistingFile())
	out, err = w.run("get", "--raw", "/health")
	w.g.Expect(err).To(HaveOccurred())
	w.g.Expect(out).To(HavePrefix("error: no controller answers at http://127.0.0.1:0 (from ARCHON_AWO_PORT)"))
}
