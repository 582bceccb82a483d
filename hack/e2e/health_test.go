package e2e_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
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

// `awo controller 2>&1 | head -1` leaves a controller without anybody who reads its log.
func TestControllerOutlivesTheReaderOfItsLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := w.local("app", map[string]string{"README.md": "x\n"})
	reader, writer, err := os.Pipe()
	w.g.Expect(err).NotTo(HaveOccurred())
	w.change = func(cmd *exec.Cmd) { cmd.Stderr = writer }
	p := w.launch()
	w.g.Expect(writer.Close()).To(Succeed())
	line, err := bufio.NewReader(reader).ReadString('\n')
	w.g.Expect(err).NotTo(HaveOccurred())
	w.g.Expect(line).To(HavePrefix("{"))
	w.g.Expect(reader.Close()).To(Succeed())
	w.drop("a.yaml", order("a", "file://"+repo, w.script("echo x > x.txt\nyes | head -1\necho ${PIPESTATUS[0]} > pipe.txt\n")))
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(p.wait(0)).To(BeFalse(), "the controller lives")
	w.g.Expect(w.read(filepath.Join(w.data, "logs", "controller.log"))).To(ContainSubstring(st.ID))
	w.g.Expect(w.gitOut("--git-dir="+repo, "show", st.Branch+":pipe.txt")).To(Equal("141\n"), "children die of a broken pipe as ever")
}
