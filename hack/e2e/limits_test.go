package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

func TestAgentThatLeavesTooMuch(t *testing.T) {
	commits := "git -c user.name=x -c user.email=x@x commit -q -m x"
	for name, c := range map[string]struct{ work, reason, says string }{
		"a file of 5 GB": {"truncate -s 5G core.img", v1alpha1.ReasonAgentFailed, "File size limit exceeded"},
		"a file of 1 GB": {"truncate -s 1G core.img", v1alpha1.ReasonTooLarge, `"core.img" holds 1.0 GiB, and a file may hold 100.0 MiB`},
		"200000 files":   {"mkdir -p many && cd many && seq 200000 | xargs touch", v1alpha1.ReasonTooLarge, "200001 files differ, and 20000 may"},
		"128 MiB in a commit and taken back": {
			"truncate -s 128M core.img && git -c core.bigFileThreshold=1m add -A && " + commits + " && git rm -q core.img && " + commits,
			v1alpha1.ReasonTooLarge, `"core.img" holds 128.0 MiB`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			repo := w.local("app", map[string]string{"README.md": "x\n"})
			agent := w.script("echo plan\n[ $AWO_PHASE = Planning ] && exit\necho x > x.txt\n" + c.work + "\n")
			w.start()
			w.drop("a.yaml", order("a", "file://"+repo, agent))
			st := w.ends("a.yaml", v1alpha1.PhaseFailed)
			w.g.Expect(reasonOf(st)).To(Equal(c.reason), st.Message)
			w.g.Expect(st.Message).To(ContainSubstring(c.says))
			w.g.Expect(w.branches(repo)).To(BeEmpty(), "nothing is pushed")
		})
	}
}

func TestEndlessOutput(t *testing.T) {
	w := newWorld(t)
	repo := w.local("app", map[string]string{"README.md": "x\n"})
	agent := w.script("echo x > x.txt\nhead -c 300M /dev/zero | tr '\\0' x\n")
	w.start()
	w.drop("a.yaml", order("a", "file://"+repo, agent, "  phases: [Implementing, PR]\n"))
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	info, err := os.Stat(filepath.Join(w.data, "outputs", st.ID, "transcripts", "2-Implementing.jsonl"))
	w.g.Expect(err).NotTo(HaveOccurred())
	w.g.Expect(info.Size()).To(BeNumerically("~", 256<<20, 1<<10))
}

// A disk that fills up holds orders up and loses none.
func TestOrdersWaitForRoom(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a file system")
	}
	w := newWorld(t)
	w.tmpfs(64 << 20)
	repo := w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.fill()
	ballast := filepath.Join(w.data, "ballast")
	info, err := os.Stat(ballast)
	w.g.Expect(err).NotTo(HaveOccurred())
	w.g.Expect(os.Truncate(ballast, info.Size()-2<<20)).To(Succeed())
	w.drop("a.yaml", order("a", "file://"+repo, w.script("echo x > x.txt\n")))
	w.g.Eventually(func() string { return w.statusIn("a.yaml").Message }).Should(And(HavePrefix("Cloning waits until the disk has room"), ContainSubstring("3.2 MiB")))
	out, err := w.run("get", "--raw", "/health")
	w.g.Expect(err).NotTo(HaveOccurred(), "orders wait, but nothing is lost")
	w.g.Expect(out).To(ContainSubstring(`"status":"degraded"`))
	out, _ = w.run("doctor")
	w.g.Expect(out).To(MatchRegexp(`health +WARN +orders wait until the disk has room`))

	// Full to the last byte: not even a record can be written.
	w.g.Expect(os.Remove(ballast)).To(Succeed())
	empty := w.fill()
	w.g.Eventually(func() string { out, _ := w.run("get", "--raw", "/health"); return out }).Should(ContainSubstring("no space left on device"))
	empty()
	w.ends("a.yaml", v1alpha1.PhaseSucceeded)
}

// twoRuns drives an order to its end, then changes its work and waits for the end of the next run.
func (w *world) twoRuns() (past, current v1alpha1.WorkOrderStatus) {
	w.t.Helper()
	text := order("a", "file://"+w.local("app", map[string]string{"README.md": "x\n"}), w.script("echo x > x.txt\n"))
	w.drop("a.yaml", text)
	past = w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.drop("a.yaml", strings.Replace(text, "Change something.", "Change something else.", 1))
	w.g.Eventually(func() bool {
		current = w.statusIn("a.yaml")
		return current.ID != "" && current.ID != past.ID && current.Phase == v1alpha1.PhaseSucceeded
	}).Should(BeTrue())
	return past, current
}

// outputs lists what is in outputs/, also what is hidden there.
func (w *world) outputs() []string {
	entries, err := os.ReadDir(filepath.Join(w.data, "outputs"))
	w.g.Expect(err).NotTo(HaveOccurred())
	var out []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "wo-") || strings.HasSuffix(e.Name(), ".tmp") {
			out = append(out, e.Name())
		}
	}
	return out
}

func TestOutputsOfPastRunsGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	past, current := w.twoRuns()
	w.controller.stop()
	w.start("--retain-outputs=1s")
	w.g.Eventually(w.outputs).Should(Equal([]string{current.ID}))
	w.g.Expect(filepath.Join(w.data, "repositories", past.ID)).NotTo(BeADirectory())
	w.g.Expect(filepath.Join(w.data, "repositories", current.ID)).To(BeADirectory())
	out, err := w.run("get", "a", "-o", "name")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
}

// The limits of an order may change while its agent runs.
func TestTimeoutsChangeWhileTheAgentRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent := w.script("touch " + w.shared + "/up-$AWO_PHASE\n[ $AWO_PHASE = Planning ] || while :; do echo working; sleep 0.1; done\n")
	text := order("a", "file://"+w.local("app", map[string]string{"README.md": "x\n"}), agent, "  timeouts: {phase: 1h}\n")
	w.start()
	w.drop("a.yaml", text)
	w.g.Eventually(filepath.Join(w.shared, "up-Implementing")).Should(BeAnExistingFile(), w.controller.log)
	w.drop("a.yaml", strings.Replace(text, "phase: 1h", "phase: 1s", 1))
	st := w.ends("a.yaml", v1alpha1.PhaseFailed)
	w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonTimeout), st.Message)
	w.g.Expect(st.Message).To(ContainSubstring("did not end within 1s"))
}
