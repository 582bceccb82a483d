package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// stubborn is an agent that is deaf to SIGTERM and has a child of a session of its own that is, too. It commits
// something before it hangs.
const stubborn = `
[ "$AWO_PHASE" = Planning ] && { echo plan; exit; }
echo x > committed.txt; git add committed.txt; git commit -qm "mine"
echo y > uncommitted.txt
trap "" TERM
(setsid bash -c 'trap "" TERM; while :; do sleep 0.1; done' &)
touch %s/hanging
while :; do sleep 0.1; done
`

func (w *world) hangs() string {
	return w.script(fmt.Sprintf(stubborn, w.shared))
}

func (w *world) untilItHangs() string {
	w.t.Helper()
	w.g.Eventually(filepath.Join(w.shared, "hanging")).Should(BeAnExistingFile(), w.controller.log)
	return w.firstID()
}

func TestCancelEndsTheWholeTree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", order("a", url, w.hangs()))
	id := w.untilItHangs()
	out, err := w.run("cancel", "a")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	w.g.Eventually(func() []string { return processesOf(id) }, 10*time.Second).Should(BeEmpty(), w.controller.log)
	st := w.ends("a.yaml", v1alpha1.PhaseCancelled)
	w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonCancelled))
	w.g.Eventually(filepath.Join(w.data, "outputs", id, "unpushed.bundle")).Should(BeAnExistingFile())

	w.g.Expect(os.WriteFile(filepath.Join(w.dir, "agent.sh"), []byte("#!/bin/sh\necho z > more.txt\n"), 0o755)).To(Succeed())
	out, err = w.run("retry", "a")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	w.g.Eventually(func() v1alpha1.Phase { return w.statusIn("a.yaml").Phase }).Should(Equal(v1alpha1.PhaseSucceeded), w.controller.log)
	w.g.Expect(w.statusIn("a.yaml").ID).To(Equal(id), "a retry goes on with the run")
}

func TestDeleteEndsTheWholeTreeAndBundles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", order("a", url, w.hangs()))
	id := w.untilItHangs()
	out, err := w.run("delete", "a")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	w.g.Expect(w.file("a.yaml")).NotTo(BeAnExistingFile())
	w.g.Eventually(func() []string { return processesOf(id) }, 10*time.Second).Should(BeEmpty(), w.controller.log)
	w.g.Eventually(filepath.Join(w.data, "repositories", id)).ShouldNot(BeADirectory(), w.controller.log)

	clone := filepath.Join(w.dir, "clone")
	w.gitOut("clone", "-q", w.git.Dir("app.git"), clone)
	w.gitOut("-C", clone, "fetch", "-q", filepath.Join(w.data, "outputs", id, "unpushed.bundle"), "+refs/*:refs/saved/*")
	files := w.gitOut("-C", clone, "log", "--all", "--name-only", "--format=")
	w.g.Expect(files).To(And(ContainSubstring("committed.txt"), ContainSubstring("uncommitted.txt")))
	out, _ = w.run("get", "a")
	w.g.Expect(out).To(ContainSubstring("not found"))
}

// What the agent committed is saved also where what it left beside cannot be; the workspace then stays, and the log says so.
func TestDeleteSavesCommitsBesideWhatCannotBeStaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", order("a", url, w.script(fmt.Sprintf(strings.Replace(stubborn, "touch", "truncate -s 3G large; touch", 1), w.shared))))
	id := w.untilItHangs()
	out, err := w.run("delete", "a")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	w.g.Eventually(w.controller.log, 20*time.Second).Should(And(ContainSubstring("Workspace of a deleted order kept"), ContainSubstring("Order deleted")))
	w.g.Expect(filepath.Join(w.data, "repositories", id)).To(BeADirectory())
	clone := filepath.Join(w.dir, "clone")
	w.gitOut("clone", "-q", w.git.Dir("app.git"), clone)
	w.gitOut("-C", clone, "fetch", "-q", filepath.Join(w.data, "outputs", id, "unpushed.bundle"), "+refs/*:refs/saved/*")
	w.g.Expect(w.gitOut("-C", clone, "log", "--all", "--name-only", "--format=")).To(And(ContainSubstring("committed.txt"), Not(ContainSubstring("large"))))
}

// A Failed order that is dropped again runs anew; one that is deleted must not look like that.
func TestDeletedFailureDoesNotRunAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	agent := w.script("exit 3")
	for i := range 5 {
		name := fmt.Sprintf("f%d", i)
		w.drop(name+".yaml", order(name, url, agent, "  retryLimit: 0\n"))
		w.ends(name+".yaml", v1alpha1.PhaseFailed)
		out, err := w.run("delete", name)
		w.g.Expect(err).NotTo(HaveOccurred(), out)
	}
	w.g.Eventually(func() int { return strings.Count(w.controller.log(), "Order deleted") }).Should(BeNumerically(">=", 5))
	w.g.Consistently(func() int {
		runs, _ := filepath.Glob(filepath.Join(w.data, "outputs", "wo-*"))
		return len(runs)
	}, time.Second).Should(Equal(5), w.controller.log)
}

func TestRetryAfterASpoiledWorkspace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", order("a", url, w.script(`[ "$AWO_PHASE" = Planning ] || { rm -rf .git; echo "gitdir: /tmp" > .git; chmod 000 README.md; }`)))
	w.g.Expect(reasonOf(w.ends("a.yaml", v1alpha1.PhaseFailed))).To(Equal(v1alpha1.ReasonAgentFailed))
	w.script("echo x > x.txt; cat README.md")
	out, err := w.run("retry", "a")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	w.g.Eventually(func() v1alpha1.Phase { return w.statusIn("a.yaml").Phase }).Should(Equal(v1alpha1.PhaseSucceeded), w.controller.log)
}

func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", order("a", url, w.gated(v1alpha1.PhaseImplementing)))
	w.g.Eventually(func() int { return w.runs(v1alpha1.PhaseImplementing) }).Should(Equal(1), w.controller.log)
	out, err := w.run("suspend", "a")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	w.g.Eventually(func() []string { return processesOf(w.firstID()) }, 10*time.Second).Should(BeEmpty())
	w.g.Eventually(func() string { return w.statusIn("a.yaml").Message }).Should(ContainSubstring("suspended"))
	w.openGate()
	out, err = w.run("resume", "a")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	for _, s := range st.Steps {
		w.g.Expect(s.Attempt).To(Equal(int32(1)), "a suspend is no attempt")
	}
}

func TestManyOrdersFewAgents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const orders, limit = 40, 4
	urls := make([]string, 0, 4)
	for i := range 4 {
		urls = append(urls, "file://"+w.local(fmt.Sprintf("app%d", i), map[string]string{"README.md": "x\n"}))
	}
	agent := w.script(`
mkdir -p ` + w.shared + `/now; echo > ` + w.shared + `/now/$$; ls ` + w.shared + `/now | wc -l >> ` + w.shared + `/seen
echo "$AWO_WORK_ORDER" > x.txt; rm ` + w.shared + `/now/$$; echo done
`)
	w.start("--max-concurrent", fmt.Sprint(limit))
	for i := range orders {
		w.drop(fmt.Sprintf("o%d.yaml", i), order(fmt.Sprintf("o%d", i), urls[i%len(urls)], agent))
	}
	for i := range orders {
		w.ends(fmt.Sprintf("o%d.yaml", i), v1alpha1.PhaseSucceeded)
	}
	for n := range strings.FieldsSeq(w.read(filepath.Join(w.shared, "seen"))) {
		w.g.Expect(n).To(BeElementOf("1", "2", "3", "4"), "agents at once")
	}
	for _, u := range urls {
		w.g.Expect(w.branches(strings.TrimPrefix(u, "file://"))).To(HaveLen(orders / len(urls)))
	}
}

func TestSecondControllerNamesTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.start()
	second := w.launch()
	w.g.Expect(second.wait(20 * time.Second)).To(BeTrue())
	w.g.Expect(second.cmd.ProcessState.ExitCode()).To(Equal(1))
	w.g.Expect(second.log()).To(ContainSubstring(fmt.Sprint(first.cmd.Process.Pid)))
	w.controller = first
}

func TestEmptiedDirectoryDeletesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	agent := w.script(change)
	w.start()
	for i := range 8 {
		w.drop(fmt.Sprintf("o%d.yaml", i), order(fmt.Sprintf("o%d", i), url, agent))
	}
	for i := range 8 {
		w.ends(fmt.Sprintf("o%d.yaml", i), v1alpha1.PhaseSucceeded)
	}
	w.g.Expect(w.get("/readyz", nil)).To(Equal(200))
	saved := filepath.Join(w.dir, "saved")
	w.g.Expect(os.Rename(filepath.Join(w.data, "workorders"), saved)).To(Succeed())
	w.g.Expect(os.Mkdir(filepath.Join(w.data, "workorders"), 0o755)).To(Succeed())
	w.g.Eventually(func() int { return w.get("/readyz", nil) }, 60*time.Second).Should(Equal(503))
	workspaces, _ := filepath.Glob(filepath.Join(w.data, "repositories", "wo-*"))
	w.g.Expect(workspaces).To(HaveLen(8))
	w.controller.stop()
	w.start("--accept-deletions")
	w.g.Eventually(func() []string {
		left, _ := filepath.Glob(filepath.Join(w.data, "repositories", "wo-*"))
		return left
	}).Should(BeEmpty(), w.controller.log)
}

func TestStartsWithNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "GITHUB_TOKEN=", "PATH="+os.Getenv("PATH"))
	w.start()
	var health struct{ Status, Service, Version string }
	w.g.Expect(w.get("/health", &health)).To(Equal(200))
	w.g.Expect(health.Status).To(Equal("healthy"))
	w.g.Expect(health.Service).To(Equal("agent-work-orders"))
	w.g.Expect(filepath.Join(w.data, "workorders")).To(BeADirectory())
}

func TestOrderThatNeedsAMissingAgentMakesUnhealthy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CLAUDE_CLI_PATH=/no/such/claude")
	w.start()
	w.g.Expect(w.get("/health", nil)).To(Equal(200), "nothing needs it yet")
	w.drop("s.yaml", claudeOrder("s", "file://"+w.local("later", map[string]string{"README.md": "x\n"}), "Say hello.")+"  suspend: true\n")
	w.g.Eventually(func() string { return w.read(w.file("s.yaml")) }).Should(ContainSubstring("reason: Suspended"))
	w.g.Expect(w.get("/health", nil)).To(Equal(200), "a suspended order needs nothing")
	w.drop("a.yaml", claudeOrder("a", "file://"+w.local("app", map[string]string{"README.md": "x\n"}), "Say hello."))
	st := w.ends("a.yaml", v1alpha1.PhaseFailed)
	w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonAgentNotInstalled), st.Message)
	w.g.Expect(w.get("/health", nil)).To(Equal(503))
}

func TestBadVariableEndsTheStartWithItsName(t *testing.T) {
	t.Parallel()
	for _, v := range []string{
		"ARCHON_AWO_PORT=x", "AWO_MAX_CONCURRENT=0", "LOG_LEVEL=loud", "AGENT_WORK_ORDER_TIMEOUT=-1", "CLAUDE_CLI_MAX_TURNS=many",
		"CLAUDE_CLI_SKIP_PERMISSIONS=perhaps", "AWO_STATUS=nowhere", "AWO_HTTP_AUTH=password", "GITHUB_TOKEN_FILE=/no/such/file",
		"AWO_GIT_PATH=/no/such/git", "AWO_GIT_PATH=/etc/passwd", "AGENT_WORK_ORDER_COMMANDS_DIR=/no/such/folder", "AGENT_WORK_ORDER_COMMANDS_DIR=/etc/passwd",
	} {
		t.Run(v, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "GITHUB_TOKEN=", v)
			p := w.launch()
			w.g.Expect(p.wait(20*time.Second)).To(BeTrue(), p.log)
			w.g.Expect(p.cmd.ProcessState.ExitCode()).To(Equal(1))
			name, _, _ := strings.Cut(v, "=")
			w.g.Expect(p.log()).To(ContainSubstring(name))
		})
	}
}

func TestBrokenManifestsAreReportedAndLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	agent := w.script(change)
	broken := map[string]string{
		"syntax.yaml":  "apiVersion: [\n",
		"unknown.yaml": order("unknown", url, agent, "  colour: blue\n"),
		"number.yaml":  strings.Replace(order("number", url, agent), "  request:", "    baseBranch: 1.10\n  request:", 1),
		"kind.yaml":    strings.Replace(order("kind", url, agent), "WorkOrder", "Deployment", 1),
		"z-copy.yaml":  order("good", url, agent),
	}
	w.drop("good.yaml", order("good", url, agent))
	w.start()
	for name, text := range broken {
		w.drop(name, text)
	}
	w.ends("good.yaml", v1alpha1.PhaseSucceeded)
	w.g.Eventually(func() string {
		out, _ := w.run("get")
		return out
	}, 20*time.Second).Should(And(ContainSubstring("good"), ContainSubstring("syntax.yaml"), ContainSubstring("unknown.yaml"),
		ContainSubstring("colour"), ContainSubstring("quote it"), ContainSubstring("kind.yaml"), ContainSubstring("z-copy.yaml")))
	for name, text := range broken {
		w.g.Expect(w.read(w.file(name))).To(Equal(text))
	}
	w.g.Eventually(w.controller.log).Should(And(ContainSubstring("z-copy.yaml"), ContainSubstring("unknown.yaml")))
	var list struct{ Problems []struct{ Path string } }
	w.g.Eventually(func() int {
		w.get("/apis/awo.archon.dev/v1alpha1/workorders", &list)
		return len(list.Problems)
	}, 20*time.Second).Should(BeNumerically(">=", len(broken)))
}
