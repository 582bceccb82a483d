package process_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
)

// deaf is an agent that ignores SIGTERM, and so does the daemon that it forked twice.
const deaf = `trap "" TERM
	(setsid sh -c 'trap "" TERM; echo daemon; for i in $(seq 60); do sleep 1; done' &)
	sleep 0.1; echo ready; for i in $(seq 60); do sleep 1; done`

// limit is the time in which a cancelled tree has to be gone.
const limit = 10 * time.Second

func startAgent(ctx context.Context, t *testing.T, a process.Agent) *process.Child {
	t.Helper()
	child, err := newSpawner(t).Supervise(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	readUntil(t, child.Stdout, "ready\n")
	return child
}

func TestStop(t *testing.T) {
	cases := []struct {
		name, script string
		grace        time.Duration
		status       process.ExitStatus
	}{
		{name: "obedient", script: "echo ready; exec sleep 60", status: process.ExitStatus{Code: 143, Signal: "SIGTERM"}},
		{name: "with last words", script: "trap 'echo bye; exit 9' TERM; echo ready; for i in $(seq 999); do sleep 0.05; done",
			status: process.ExitStatus{Code: 9}},
		{name: "deaf", script: deaf, status: process.ExitStatus{Code: 137, Signal: "SIGKILL"}},
		{name: "deaf with the usual grace", script: deaf, grace: 5 * time.Second,
			status: process.ExitStatus{Code: 137, Signal: "SIGKILL"}},
		{name: "stopped", script: "echo ready; kill -STOP $$; exit 1", status: process.ExitStatus{Code: 143, Signal: "SIGTERM"}},
		{name: "with a stopped supervisor", script: "kill -STOP $PPID; echo ready; exec sleep 60",
			status: process.ExitStatus{Code: 143, Signal: "SIGTERM"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			agent := shellAgent(workOrderID(t), c.script)
			if c.grace > 0 {
				agent.Grace = c.grace
			}
			child := startAgent(t.Context(), t, agent)
			g.Expect(process.Alive(child.Identity())).To(BeTrue())
			began := time.Now()
			child.Stop()
			child.Stop()
			g.Expect(child.Wait()).To(Equal(c.status))
			g.Expect(time.Since(began)).To(BeNumerically("<", limit))
			g.Expect(marked(agent.WorkOrderID)).To(BeZero())
			child.Stop()
			g.Expect(child.Wait()).To(Equal(c.status))
			_, err := io.ReadAll(child.Stdout)
			g.Expect(err).NotTo(HaveOccurred())
		})
	}
}

func TestStopByContext(t *testing.T) {
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	agent := shellAgent(workOrderID(t), deaf)
	child := startAgent(ctx, t, agent)
	cancel()
	g.Expect(child.Wait()).To(Equal(process.ExitStatus{Code: 137, Signal: "SIGKILL"}))
	g.Expect(marked(agent.WorkOrderID)).To(BeZero())
}

// An agent that keeps its supervisor stopped makes it useless; the controller does its work then.
func TestStopWhenSupervisorIsHeld(t *testing.T) {
	g := NewWithT(t)
	agent := shellAgent(workOrderID(t), `supervisor=$PPID; trap "" TERM
		(setsid sh -c "trap '' TERM; for i in $(seq 200000); do kill -STOP $supervisor || break; done" >/dev/null &); echo ready; sleep 60`)
	child := startAgent(t.Context(), t, agent)
	began := time.Now()
	child.Stop()
	_, err := child.Wait()
	g.Expect(err).To(Or(BeNil(), MatchError(process.ErrSupervisorLost)))
	g.Expect(time.Since(began)).To(BeNumerically("<", limit))
	g.Expect(marked(agent.WorkOrderID)).To(BeZero())
}

func TestSupervisorTerminatedByAgent(t *testing.T) {
	g := NewWithT(t)
	agent := shellAgent(workOrderID(t), `(setsid sleep 60 &); echo ready; for s in HUP INT QUIT USR1 TERM TERM; do kill -$s $PPID; done
		for i in $(seq 600); do sleep 0.1; done`)
	child := startAgent(t.Context(), t, agent)
	g.Expect(child.Wait()).To(Equal(process.ExitStatus{Code: 143, Signal: "SIGTERM"}))
	g.Expect(marked(agent.WorkOrderID)).To(BeZero())
}

// The agent is quicker than the report that it runs.
func TestSupervisorStoppedAtOnce(t *testing.T) {
	g := NewWithT(t)
	for range 5 {
		agent := shellAgent(workOrderID(t), "kill -STOP $PPID; echo ready; exit 3")
		child := startAgent(t.Context(), t, agent)
		child.Stop()
		_, err := child.Wait()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(marked(agent.WorkOrderID)).To(BeZero())
	}
}

func TestSupervisorHeedsNoOtherSignal(t *testing.T) {
	agent := shellAgent(workOrderID(t), `for s in HUP INT QUIT USR1 USR2 PIPE TSTP ABRT; do kill -$s $PPID; done; sleep 0.2; echo done; exit 4`)
	stdout, _, status := supervised(t, agent)
	g := NewWithT(t)
	g.Expect(stdout).To(Equal("done\n"))
	g.Expect(status).To(Equal(process.ExitStatus{Code: 4}))
}

func TestSupervisorKilledByAgent(t *testing.T) {
	g := NewWithT(t)
	agent := shellAgent(workOrderID(t), `trap "" TERM; (setsid sh -c 'trap "" TERM; for i in $(seq 60); do sleep 1; done' &)
		sleep 0.1; echo ready; kill -KILL $PPID; for i in $(seq 60); do sleep 1; done`)
	child := startAgent(t.Context(), t, agent)
	began := time.Now()
	status, err := child.Wait()
	g.Expect(err).To(MatchError(process.ErrSupervisorLost))
	g.Expect(err).To(MatchError(ContainSubstring(agent.WorkOrderID)))
	g.Expect(status.Code).To(Equal(-1))
	g.Expect(time.Since(began)).To(BeNumerically("<", 5*time.Second))
	g.Expect(marked(agent.WorkOrderID)).To(BeZero())
	_, err = io.ReadAll(child.Stdout)
	g.Expect(err).NotTo(HaveOccurred())
}

// startController starts a controller of its own process and returns it with the identity of its supervisor.
func startController(t *testing.T, id, script string) (*exec.Cmd, process.Identity) {
	t.Helper()
	g := NewWithT(t)
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), controllerScript+"="+script, controllerID+"="+id)
	stdout, err := cmd.StdoutPipe()
	g.Expect(err).NotTo(HaveOccurred())
	cmd.Stderr = os.Stderr
	g.Expect(cmd.Start()).To(Succeed())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(stdout)
	g.Expect(lines.Scan()).To(BeTrue())
	var identity process.Identity
	g.Expect(json.Unmarshal(lines.Bytes(), &identity)).To(Succeed())
	for lines.Text() != "ready" {
		g.Expect(lines.Scan()).To(BeTrue())
	}
	return cmd, identity
}

func killController(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	g := NewWithT(t)
	g.Expect(cmd.Process.Kill()).To(Succeed())
	g.Expect(cmd.Wait()).To(MatchError("signal: killed"))
}

func TestControllerKilled(t *testing.T) {
	for name, script := range map[string]string{"obedient": "(setsid sleep 60 &); echo ready; exec sleep 60", "deaf": deaf} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			id := workOrderID(t)
			cmd, supervisor := startController(t, id, script)
			killController(t, cmd)
			g.Eventually(marked, "4s").WithArguments(id).Should(BeZero())
			g.Expect(process.Alive(supervisor)).To(BeFalse())
		})
	}
}

func TestEndFormer(t *testing.T) {
	g := NewWithT(t)
	s := newSpawner(t)
	id := workOrderID(t)
	cmd, supervisor := startController(t, id, deaf)
	// A stopped supervisor does not notice the end of its controller.
	g.Expect(syscall.Kill(supervisor.PID, syscall.SIGSTOP)).To(Succeed())
	killController(t, cmd)
	began := time.Now()
	ended, err := process.EndFormer(t.Context(), []process.Identity{supervisor, {PID: os.Getpid()}}, nil)
	g.Expect(err).NotTo(HaveOccurred())
	// The supervisor, two shells and their sleeps.
	g.Expect(ended).To(BeNumerically(">=", 3))
	g.Expect(time.Since(began)).To(BeNumerically("<", 4*time.Second))
	g.Expect(marked(id)).To(BeZero())
	s.SweepStrays()
	ended, err = process.EndFormer(t.Context(), []process.Identity{supervisor}, []string{id, ""})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(ended).To(BeZero())
}

// With the supervisor gone, too, only the environment tells whose the processes are.
func TestEndFormerByEnvironment(t *testing.T) {
	g := NewWithT(t)
	id := workOrderID(t)
	cmd, supervisor := startController(t, id, deaf)
	g.Expect(syscall.Kill(supervisor.PID, syscall.SIGSTOP)).To(Succeed())
	killController(t, cmd)
	g.Expect(syscall.Kill(supervisor.PID, syscall.SIGKILL)).To(Succeed())
	g.Expect(marked(id)).To(BeNumerically(">=", 2))
	ended, err := process.EndFormer(t.Context(), []process.Identity{supervisor}, []string{"wo-other", id})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(ended).To(BeNumerically(">=", 2))
	g.Expect(marked(id)).To(BeZero())
}

// A controller that an agent runs carries an id itself, and so does the shell above it.
func TestEndFormerSparesItselfAndAncestors(t *testing.T) {
	g := NewWithT(t)
	me, err := process.Identify(os.Getpid())
	g.Expect(err).NotTo(HaveOccurred())
	parent, err := process.Identify(os.Getppid())
	g.Expect(err).NotTo(HaveOccurred())
	ended, err := process.EndFormer(t.Context(), []process.Identity{me, parent}, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(ended).To(BeZero())
}

func TestEndFormerSparesReusedNumbers(t *testing.T) {
	g := NewWithT(t)
	child := startAgent(t.Context(), t, shellAgent(workOrderID(t), "echo ready; sleep 60"))
	other := child.Identity()
	other.StartTime--
	ended, err := process.EndFormer(t.Context(), []process.Identity{other}, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(ended).To(BeZero())
	g.Expect(process.Alive(child.Identity())).To(BeTrue())
	child.Stop()
	_, err = child.Wait()
	g.Expect(err).NotTo(HaveOccurred())
}

func TestSweepStrays(t *testing.T) {
	g := NewWithT(t)
	s := newSpawner(t)
	id := workOrderID(t)
	// A child that other code of this process started and waits for.
	own := exec.CommandContext(t.Context(), "sleep", "60")
	g.Expect(own.Start()).To(Succeed())
	agent := startAgent(t.Context(), t, shellAgent(workOrderID(t), "echo ready; exec sleep 60"))
	command := shell("setsid sh -c 'trap \"\" TERM; sleep 60; exit' >/dev/null 2>&1 & echo $!; sleep 0.2")
	command.Env = append(command.Env, "AWO_WORK_ORDER_ID="+id)
	result, err := s.Run(t.Context(), command)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(marked(id)).To(BeNumerically(">=", 1))
	pid, err := strconv.Atoi(string(result.Stdout[:len(result.Stdout)-1]))
	g.Expect(err).NotTo(HaveOccurred())
	s.SweepStrays()
	g.Expect(marked(id)).To(BeZero())
	_, err = process.Identify(pid)
	g.Expect(err).To(MatchError(os.ErrNotExist), "reaped")
	g.Expect(own.Process.Signal(syscall.Signal(0))).To(Succeed())
	g.Expect(own.Process.Kill()).To(Succeed())
	g.Expect(own.Wait()).To(MatchError("signal: killed"))
	agent.Stop()
	_, err = agent.Wait()
	g.Expect(err).NotTo(HaveOccurred())
}
