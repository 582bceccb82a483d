package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// A record that cannot be trusted is told of everywhere, and keeps nothing else from being shown or run.
func TestDamagedRecordStandsInNobodysWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	agent := w.script("echo \"$AWO_WORK_ORDER\" > new.txt; echo did\n")
	w.start()
	w.drop("good.yaml", order("good", url, agent))
	w.drop("bad.yaml", order("bad", url, agent))
	w.ends("good.yaml", v1alpha1.PhaseSucceeded)
	record := filepath.Join(w.data, "outputs", w.ends("bad.yaml", v1alpha1.PhaseSucceeded).ID, "record.json")
	w.g.Expect(os.Truncate(record, 100)).To(Succeed())
	torn := w.read(record)

	const path = "/apis/awo.archon.dev/v1alpha1/workorders"
	var list struct {
		Items    []v1alpha1.WorkOrder
		Problems []struct{ Path, Message string }
	}
	w.g.Expect(w.get(path, &list)).To(Equal(http.StatusOK))
	w.g.Expect(list.Items).To(ConsistOf(HaveField("Name", "good"), HaveField("Name", "bad")))
	w.g.Expect(list.Problems).To(ContainElement(And(HaveField("Path", record), HaveField("Message", ContainSubstring("quarantine")))))
	var status metav1.Status
	w.g.Expect(w.get(path+"/bad", &status)).To(Equal(http.StatusInternalServerError))
	w.g.Expect(status.Message).To(ContainSubstring(record))

	out, err := w.run("get")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	w.g.Expect(out).To(And(ContainSubstring("good"), ContainSubstring("bad"), ContainSubstring(record)))
	w.drop("next.yaml", order("next", url, agent))
	w.ends("next.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(w.read(record)).To(Equal(torn))

	// What the message advises works while the controller runs.
	w.g.Expect(os.Rename(filepath.Dir(record), filepath.Join(w.dir, "aside"))).To(Succeed())
	w.g.Expect(w.get(path+"/bad", &status)).To(Equal(http.StatusOK))
}

// What somebody removed between two lives of the controller is made anew, or costs one attempt that says what is missing.
func TestRemovedStateIsMadeAnew(t *testing.T) {
	needs(t, "gh")
	for name, c := range map[string]struct {
		// gate is the phase in which the controller dies; empty for just before the push.
		gate     v1alpha1.Phase
		removed  []string
		says     string
		planning int
	}{
		"plan":             {v1alpha1.PhaseImplementing, []string{"outputs/wo-*/plan.md"}, "it is planned again", 2},
		"logs and home":    {v1alpha1.PhaseImplementing, []string{"outputs/wo-*/prompts", "outputs/wo-*/transcripts", "agent-home/wo-*"}, "", 1},
		"repository":       {v1alpha1.PhasePlanning, []string{"repositories/wo-*/.git"}, "", 2},
		"repository later": {v1alpha1.PhaseImplementing, []string{"repositories/wo-*/.git"}, "", 1},
		"mirrors":          {v1alpha1.PhaseImplementing, []string{"repositories/.mirrors"}, "", 1},
		"mirrors and work": {"", []string{"repositories/.mirrors"}, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
			killed := make(chan struct{})
			if c.gate == "" {
				w.killAt(func() { w.controller.kill(); close(killed) }, "/git-receive-pack")
			}
			w.start()
			gated := w.read(w.gated(c.gate))
			w.drop("a.yaml", order("a", url, w.script("git log -1 > "+w.shared+"/log || exit 8\n"+gated)))
			if c.gate != "" {
				w.g.Eventually(func() int { return w.runs(c.gate) }).Should(Equal(1), w.controller.log)
				w.controller.kill()
				close(killed)
			}
			w.g.Eventually(killed).Should(BeClosed(), w.controller.log)
			w.g.Eventually(func() []string { return processesOf(w.firstID()) }).Should(BeEmpty())
			for _, pattern := range c.removed {
				found, err := filepath.Glob(filepath.Join(w.data, pattern))
				w.g.Expect(err).NotTo(HaveOccurred())
				w.g.Expect(found).To(HaveLen(1), pattern)
				w.g.Expect(os.RemoveAll(found[0])).To(Succeed())
			}
			w.openGate()
			w.start()
			st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
			w.g.Expect(w.runs(v1alpha1.PhasePlanning)).To(Equal(c.planning))
			w.g.Expect(w.gitOut("--git-dir="+w.git.Dir("acme/app.git"), "show", st.Branch+":changed.txt")).To(Equal("changed\n"))
			for _, step := range st.Steps {
				if step.Outcome == v1alpha1.StepFailed {
					w.g.Expect(step.Message).To(ContainSubstring(c.says))
					w.g.Expect(c.says).NotTo(BeEmpty(), step.Message)
				}
			}
		})
	}
}
