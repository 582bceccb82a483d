package process_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
)

// supervised runs an agent to its end.
func supervised(t *testing.T, a process.Agent) (stdout, stderr string, status process.ExitStatus) {
	t.Helper()
	g := NewWithT(t)
	child, err := newSpawner(t).Supervise(t.Context(), a)
	g.Expect(err).NotTo(HaveOccurred())
	errors := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(child.Stderr)
		errors <- string(text)
	}()
	text, err := io.ReadAll(child.Stdout)
	g.Expect(err).NotTo(HaveOccurred())
	status, err = child.Wait()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(process.Alive(child.Identity())).To(BeFalse())
	g.Expect(marked(a.WorkOrderID)).To(BeZero())
	return string(text), <-errors, status
}

func TestSuperviseEnd(t *testing.T) {
	cases := []struct {
		name, script string
		status       process.ExitStatus
	}{
		{name: "success", script: "exit 0"},
		{name: "failure", script: "exit 3", status: process.ExitStatus{Code: 3}},
		{name: "signal", script: "kill -KILL $$", status: process.ExitStatus{Code: 137, Signal: "SIGKILL"}},
		{name: "child left behind", script: "sleep 60 & exit 4", status: process.ExitStatus{Code: 4}},
		{name: "deaf daemon left behind", status: process.ExitStatus{Code: 5},
			script: `(setsid sh -c 'trap "" TERM; echo ready; for i in $(seq 60); do sleep 1; done' &) | head -1; exit 5`},
		{name: "stopped daemon left behind", script: `setsid sh -c 'kill -STOP $$' & sleep 0.1; exit 6`,
			status: process.ExitStatus{Code: 6}},
		{name: "respawner left behind", status: process.ExitStatus{Code: 7},
			// One deaf process replaces another as soon as that is killed, each in a session of its own.
			script: `echo 'trap "" TERM; for i in $(seq 500); do setsid sh -c "trap \"\" TERM; sleep 60"; done' >respawn
				setsid sh respawn & setsid sh respawn & sleep 0.2; exit 7`},
		{name: "fork bomb left behind", status: process.ExitStatus{Code: 9},
			script: `(trap "" TERM; for i in $(seq 5000); do sleep 5 & done) 2>/dev/null & sleep 0.2; exit 9`},
		{name: "hundreds left behind", status: process.ExitStatus{Code: 8}, script: `
			trap "" TERM
			i=0; while [ $i -lt 300 ]; do setsid sleep 60 & i=$((i+1)); done; exit 8`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			agent := shellAgent(workOrderID(t), c.script)
			agent.Dir = t.TempDir()
			_, _, status := supervised(t, agent)
			NewWithT(t).Expect(status).To(Equal(c.status))
		})
	}
}

func TestSupervisePassesOn(t *testing.T) {
	g := NewWithT(t)
	t.Setenv("PROCESS_TEST_SECRET", "do not pass")
	r, w, err := os.Pipe()
	g.Expect(err).NotTo(HaveOccurred())
	_, err = w.WriteString("from three\n")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(w.Close()).To(Succeed())
	defer func() { _ = r.Close() }()

	id := workOrderID(t)
	agent := shellAgent(id, `echo "$0 $1"; pwd; cat; cat <&3; ls /proc/self/fd >&2; echo end >&2; env >&2; grep -E 'Sig(Ign|Blk)' /proc/self/status >&2`)
	agent.Args = append(agent.Args, "zero", "one two")
	agent.Dir = t.TempDir()
	agent.Env = []string{"PATH=" + os.Getenv("PATH"), "EMPTY=", "LINES=a\nb", "AWO_WORK_ORDER_ID=another"}
	agent.Stdin = strings.NewReader("from input\n")
	agent.ExtraFiles = []*os.File{r}
	stdout, stderr, status := supervised(t, agent)
	g.Expect(status).To(Equal(process.ExitStatus{}))
	g.Expect(stdout).To(Equal("zero one two\n" + agent.Dir + "\nfrom input\nfrom three\n"))
	fields := strings.Split(strings.TrimSpace(stderr), "\n")
	// Descriptors: three standard ones, the extra one, and that of ls.
	g.Expect(fields[:6]).To(Equal([]string{"0", "1", "2", "3", "4", "end"}))
	g.Expect(fields[6:]).To(ContainElements("EMPTY=", "LINES=a", "b", "AWO_WORK_ORDER_ID="+id))
	g.Expect(stderr).NotTo(ContainSubstring("another"))
	g.Expect(stderr).NotTo(ContainSubstring("PROCESS_TEST_SECRET"))
	g.Expect(stderr).NotTo(ContainSubstring("GOMAXPROCS"))
	// The supervisor ignores some signals and its agent must not. Real-time signals are left out: what started this
	// test may ignore some, and that is inherited.
	g.Expect(stderr).To(MatchRegexp(`SigBlk:\s+0{16}\nSigIgn:\s+[0-9a-f]{8}[08]0{7}`))
}

// An agent that ends without reading must not keep the writer of its input.
func TestSuperviseInputNotRead(t *testing.T) {
	agent := shellAgent(workOrderID(t), "exec sleep 0.1")
	agent.Stdin = strings.NewReader(strings.Repeat("x", 1<<20))
	_, _, status := supervised(t, agent)
	NewWithT(t).Expect(status).To(Equal(process.ExitStatus{}))
}

func TestSuperviseLargeSpec(t *testing.T) {
	g := NewWithT(t)
	agent := shellAgent(workOrderID(t), "echo ${#LARGE1} ${#LARGE2}")
	large := strings.Repeat("x", 100<<10)
	agent.Env = append(agent.Env, "LARGE1="+large, "LARGE2="+large)
	stdout, _, _ := supervised(t, agent)
	g.Expect(stdout).To(Equal("102400 102400\n"))
}

func TestSuperviseLargeOutput(t *testing.T) {
	g := NewWithT(t)
	stdout, _, _ := supervised(t, shellAgent(workOrderID(t), "head -c 3000000 /dev/zero"))
	g.Expect(stdout).To(HaveLen(3000000))
}

func TestSuperviseRefused(t *testing.T) {
	s := newSpawner(t)
	file := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name    string
		change  func(*process.Agent)
		err     error
		message string
	}{
		{name: "unknown program", change: func(a *process.Agent) { a.Path = "no-such-agent" }, err: fs.ErrNotExist, message: "no-such-agent"},
		{name: "missing file", change: func(a *process.Agent) { a.Path = "/no/agent" }, err: fs.ErrNotExist, message: "/no/agent"},
		{name: "not executable", change: func(a *process.Agent) { a.Path = file }, err: fs.ErrPermission, message: file},
		{name: "missing directory", change: func(a *process.Agent) { a.Dir = "/no/dir" }, message: "/no/dir"},
		{name: "no id", change: func(a *process.Agent) { a.WorkOrderID = "" }, message: "no work order id"},
		{name: "zero byte", change: func(a *process.Agent) { a.Args = []string{"a\x00b"} }, message: "zero byte"},
		{name: "not recorded", change: func(a *process.Agent) {
			a.Started = func(process.Identity) error { return fs.ErrClosed }
		}, err: fs.ErrClosed, message: "record the supervisor"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			id := workOrderID(t)
			agent := shellAgent(id, "echo ran")
			c.change(&agent)
			_, err := s.Supervise(t.Context(), agent)
			g.Expect(err).To(MatchError(ContainSubstring(c.message)))
			if c.err != nil {
				g.Expect(err).To(MatchError(c.err))
			} else {
				g.Expect(errors.Is(err, fs.ErrNotExist)).To(BeFalse())
			}
			g.Expect(marked(id)).To(BeZero())
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Supervise(ctx, shellAgent(workOrderID(t), "echo ran"))
	NewWithT(t).Expect(err).To(MatchError(context.Canceled))
}

// Nothing may run that a restarted controller would not find in the record.
func TestSuperviseRecordsBeforeTheAgentRuns(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "ran")
	agent := shellAgent(workOrderID(t), "touch '"+file+"'")
	var recorded process.Identity
	agent.Started = func(i process.Identity) error {
		recorded = i
		g.Expect(process.Alive(i)).To(BeTrue())
		g.Consistently(file, "100ms").ShouldNot(BeAnExistingFile())
		return nil
	}
	child, err := newSpawner(t).Supervise(t.Context(), agent)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(child.Wait()).To(Equal(process.ExitStatus{}))
	g.Expect(child.Identity()).To(Equal(recorded))
	g.Expect(file).To(BeAnExistingFile())
}
