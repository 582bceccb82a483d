package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/hack/scripted/model"
)

// gated is an agent that notes each run in runs-PHASE and, in the phase named by gate, waits until the file gate
// exists. What it starts beside itself outlives a kill of its own.
func (w *world) gated(gate v1alpha1.Phase) string {
	return w.script(`
echo $$ >> ` + w.shared + `/runs-$AWO_PHASE
if [ "$AWO_PHASE" = ` + string(gate) + ` ]; then
  (setsid bash -c 'trap "" TERM; while [ ! -e ` + w.shared + `/gate ]; do sleep 0.1; done' &)
  while [ ! -e ` + w.shared + `/gate ]; do sleep 0.1; done
fi
[ "$AWO_PHASE" = Implementing ] && echo changed > changed.txt
echo "did $AWO_PHASE"
`)
}

func (w *world) openGate() {
	w.t.Helper()
	w.g.Expect(os.WriteFile(filepath.Join(w.shared, "gate"), nil, 0o644)).To(Succeed())
}

// runs counts how often the gated agent began a phase.
func (w *world) runs(phase v1alpha1.Phase) int {
	data, err := os.ReadFile(filepath.Join(w.shared, "runs-"+string(phase)))
	if err != nil {
		return 0
	}
	return strings.Count(string(data), "\n")
}

// processesOf lists the processes of a run, by its id in their environment.
func processesOf(id string) []string { return carrying("AWO_WORK_ORDER_ID=" + id) }

// carrying lists the processes whose environment holds an entry.
func carrying(entry string) []string {
	var out []string
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil && strings.Contains(string(data), entry+"\x00") {
			out = append(out, filepath.Base(filepath.Dir(f)))
		}
	}
	return out
}

func TestKilledControllerGoesOn(t *testing.T) {
	needs(t, "gh")
	for _, c := range []struct {
		name string
		gate v1alpha1.Phase
		// arm sees to it that dead is called at the moment when the controller is to be killed.
		arm func(w *world, dead func())
	}{
		{"in Cloning", "", func(w *world, dead func()) { w.killAt(dead, "/git-upload-pack") }},
		{"in Planning", v1alpha1.PhasePlanning, nil},
		{"in Implementing", v1alpha1.PhaseImplementing, nil},
		{"before the push", "", func(w *world, dead func()) { w.killAt(dead, "/git-receive-pack") }},
		{"after the push", "", func(w *world, dead func()) { w.on(&w.onPush, dead) }},
		{"after the pull request was created", "", func(w *world, dead func()) { w.on(&w.onCreate, dead) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
			killed := make(chan struct{})
			if c.arm != nil {
				c.arm(w, func() { w.controller.kill(); close(killed) })
			}
			w.start()
			w.drop("a.yaml", order("a", url, w.gated(c.gate)))
			if c.arm == nil {
				w.g.Eventually(func() int { return w.runs(c.gate) }).Should(Equal(1), w.controller.log)
				w.controller.kill()
				close(killed)
			}
			w.g.Eventually(killed).Should(BeClosed(), w.controller.log)
			died := time.Now()
			w.g.Eventually(func() []string { return processesOf(w.firstID()) }, 5*time.Second).Should(BeEmpty(), "processes of the first life")
			w.openGate()
			w.start()
			st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
			w.g.Expect(w.branches(w.git.Dir("acme/app.git"))).To(ConsistOf(st.Branch))
			w.g.Expect(w.github.PullRequests("acme", "app")).To(HaveLen(1))
			for _, p := range []v1alpha1.Phase{v1alpha1.PhasePlanning, v1alpha1.PhaseImplementing} {
				w.g.Expect(w.runs(p)).To(BeNumerically("<=", 2))
			}
			for _, step := range st.Steps {
				w.g.Expect(step.Attempt).To(Equal(int32(1)), "a kill is no attempt")
			}
			t.Logf("went on %s after the kill", time.Since(died).Round(time.Millisecond))
		})
	}
}

// killAt calls dead when the first request of a git service arrives, before it is answered.
func (w *world) killAt(dead func(), service string) {
	var once sync.Once
	w.git.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, service) {
			once.Do(dead)
		}
		return false
	})
}

// firstID is the id of the only run there is; a made-up one before there is any.
func (w *world) firstID() string {
	found, _ := filepath.Glob(filepath.Join(w.data, "outputs", "wo-*"))
	if len(found) == 0 {
		return "wo-none"
	}
	return filepath.Base(found[0])
}

// commandsOf lists git and gh of a data directory with all that they started, by the mark in their environment.
func (w *world) commandsOf() []string {
	info, err := os.Stat(w.data)
	w.g.Expect(err).NotTo(HaveOccurred())
	stat, ok := info.Sys().(*syscall.Stat_t)
	w.g.Expect(ok).To(BeTrue())
	return carrying(fmt.Sprintf("AWO_DATA_DIR_ID=%d:%d", stat.Dev, stat.Ino))
}

// What git forks to speak to a remote is not told of the end of the controller, and waits for an answer.
func TestKilledControllerLeavesNoHelpersOfGit(t *testing.T) {
	needs(t, "gh")
	t.Parallel()
	w := newWorld(t)
	url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
	asked := make(chan struct{})
	var once sync.Once
	w.git.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		silent := false
		once.Do(func() { silent = true })
		if silent {
			close(asked)
			select {
			case <-r.Context().Done():
			case <-time.After(60 * time.Second):
			}
		}
		return silent
	})
	w.start()
	w.drop("a.yaml", order("a", url, w.gated("")))
	w.g.Eventually(asked).Should(BeClosed(), w.controller.log)
	w.controller.kill()
	left := w.commandsOf()
	w.g.Expect(left).NotTo(BeEmpty(), "a helper that waits for the remote")
	w.start()
	w.g.Eventually(func() []string {
		return slices.DeleteFunc(w.commandsOf(), func(pid string) bool { return !slices.Contains(left, pid) })
	}, 5*time.Second).Should(BeEmpty(), "processes of the first life")
	w.ends("a.yaml", v1alpha1.PhaseSucceeded)
}

// With its supervisor dead as well, only where it works tells whose a process is that has thrown its environment away, and
// only its directory's name tells of a run whose record is torn.
func TestKilledControllerLeavesNoOrphans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", order("a", url, w.script(`
[ "$AWO_PHASE" = Planning ] && exit
(env -i setsid bash -c 'trap "" TERM; echo $$ >> `+w.shared+`/pids; while :; do sleep 0.1; done' &)
(cd /; exec setsid bash -c 'trap "" TERM; echo $$ >> `+w.shared+`/pids; while :; do sleep 0.1; done' &)
while :; do sleep 0.1; done
`)))
	pids := func() []string {
		data, _ := os.ReadFile(filepath.Join(w.shared, "pids"))
		return strings.Fields(string(data))
	}
	w.g.Eventually(pids).Should(HaveLen(2), w.controller.log)
	// The controller is not to see the end of the supervisor.
	w.g.Expect(w.controller.cmd.Process.Signal(syscall.SIGSTOP)).To(Succeed())
	for _, pid := range processesOf(w.firstID()) {
		name, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		if number, err := strconv.Atoi(pid); err == nil && strings.HasPrefix(string(name), "awo-supervisor\x00") {
			w.g.Expect(syscall.Kill(number, syscall.SIGKILL)).To(Succeed())
		}
	}
	w.controller.kill()
	for _, pid := range pids() {
		w.g.Expect("/proc/" + pid + "/cmdline").To(BeAnExistingFile())
	}
	w.g.Expect(os.Truncate(filepath.Join(w.data, "outputs", w.firstID(), "record.json"), 50)).To(Succeed())
	w.start()
	for _, pid := range pids() {
		// One that has ended and was not reaped yet has none.
		arguments, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		w.g.Expect(string(arguments)).To(BeEmpty(), "a process of the first life")
	}
}

func TestKilledControllerResumesTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var killed sync.Once
	dead := make(chan struct{})
	w.withClaude(func(r *model.Request) model.Turn {
		if r.HasTool("Write") && r.Answers() == 1 {
			killed.Do(func() { close(dead) })
			select {
			case <-w.again:
			case <-time.After(20 * time.Second):
			}
		}
		return plansThenWrites(r)
	})
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", claudeOrder("a", url, "Say hello."))
	w.g.Eventually(dead).Should(BeClosed(), w.controller.log)
	w.controller.kill()
	close(w.again)
	w.start()
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)

	sessions := map[string]bool{}
	for _, s := range st.Steps {
		if s.Phase == v1alpha1.PhaseImplementing {
			sessions[s.SessionID] = true
		}
	}
	w.g.Expect(sessions).To(HaveLen(1), "one session over both lives")
	requests := w.model.Requests("claude")
	last := requests[len(requests)-1]
	w.g.Expect(last.LastPrompt()).To(ContainSubstring("interrupted"), "the session was told to go on")
	w.g.Expect(last.Prompts()).To(ContainElement(ContainSubstring("Say hello.")), "and remembers the task")
}

func TestStopEndsChildrenAndGoesOnLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", order("a", url, w.gated(v1alpha1.PhaseImplementing)))
	w.g.Eventually(func() int { return w.runs(v1alpha1.PhaseImplementing) }).Should(Equal(1), w.controller.log)
	began := time.Now()
	w.controller.stop()
	w.g.Expect(time.Since(began)).To(BeNumerically("<", 10*time.Second), "the promise of the README")
	w.g.Expect(w.controller.cmd.ProcessState.ExitCode()).To(Equal(0), w.controller.log())
	w.g.Expect(processesOf(w.firstID())).To(BeEmpty())
	halfMade := filepath.Join(w.data, "repositories", ".wo-0000dead.new")
	w.g.Expect(os.MkdirAll(filepath.Join(halfMade, ".git"), 0o755)).To(Succeed(), "as a kill in Cloning leaves of a run that is then cancelled")
	w.openGate()
	w.start()
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(halfMade).NotTo(BeADirectory())
	w.g.Expect(st.Steps).To(ContainElement(HaveField("Outcome", v1alpha1.StepInterrupted)))
}
