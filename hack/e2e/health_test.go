package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
)

// nobody is a user that owns nothing here.
const nobody = 54321

// runAs runs the command awo as another user, who sees nothing of the world but its data directory.
func (w *world) runAs(uid uint32, args ...string) (string, error) {
	cmd := exec.CommandContext(w.t.Context(), awo, args...)
	cmd.Env, cmd.Dir = []string{"AWO_DATA_DIR=" + w.data, "PATH=" + os.Getenv("PATH")}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// opened lets every user pass through the directories above the data directory.
func (w *world) opened() {
	for dir := w.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		w.g.Expect(os.Chmod(dir, 0o755)).To(Succeed())
	}
}

func TestHealthIsSeenByEveryUserWithoutAToken(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	w := newWorld(t)
	w.opened()
	w.start("--bind-address=0.0.0.0")
	out, err := w.runAs(nobody, "get", "--raw", "/health")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	w.g.Expect(out).To(ContainSubstring(`"status":"healthy"`))
	out, err = w.runAs(nobody, "get", "--raw", "/apis/awo.archon.dev/v1alpha1/workorders")
	w.g.Expect(err).To(HaveOccurred())
	w.g.Expect(out).To(MatchRegexp(`answered 401 Unauthorized, and no token could be sent: .*permission denied`))
	out, err = w.run("get", "--raw", "/apis/awo.archon.dev/v1alpha1/workorders")
	w.g.Expect(err).NotTo(HaveOccurred(), out)

	w.controller.stop()
	w.g.Expect(filepath.Join(w.data, "server-address")).NotTo(BeAnExistingFile())
	out, err = w.run("get", "--raw", "/health")
	w.g.Expect(err).To(HaveOccurred())
	w.g.Expect(out).To(HavePrefix("error: no controller answers at http://127.0.0.1:0 (from ARCHON_AWO_PORT)"))
}
