package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/process/supervisor"
)

// ErrSupervisorLost says that a supervisor ended without a report: someone killed it. What it supervised was
// ended by this process instead; how the agent ended is not known.
var ErrSupervisorLost = errors.New("the supervisor was ended from outside")

// ExitStatus is how an agent ended.
type ExitStatus struct {
	// Code is the agent's exit code, or 128 and the number of the signal that ended it; -1 when not known.
	Code int
	// Signal is the name of that signal, such as SIGTERM; empty when it ended by itself.
	Signal string
}

// Child is a running agent with its supervisor.
type Child struct {
	// Stdout and Stderr are the agent's outputs. They end when its whole tree has ended.
	Stdout, Stderr io.Reader

	stdout, stderr *output

	identity Identity
	cmd      *exec.Cmd
	grace    time.Duration
	pipes    *pipes

	lifelineMu sync.Mutex
	stop       sync.Once
	done       chan struct{}
	// status and err are valid when done is closed.
	status ExitStatus
	err    error
}

func newChild(cmd *exec.Cmd, identity Identity, a Agent, p *pipes) *Child {
	stdout, stderr := &output{file: p.stdout.r}, &output{file: p.stderr.r}
	return &Child{
		Stdout: stdout, Stderr: stderr, stdout: stdout, stderr: stderr,
		identity: identity, cmd: cmd, grace: a.grace(),
		pipes: p, done: make(chan struct{}),
	}
}

// Identity names the supervisor, the process at the top of the agent's tree.
func (c *Child) Identity() Identity { return c.identity }

// Wait returns when the agent, all that descends from it and the supervisor are gone. An agent that fails is no
// error; ErrSupervisorLost is.
func (c *Child) Wait() (ExitStatus, error) {
	<-c.done
	return c.status, c.err
}

// Stop begins the end and returns at once: SIGTERM to the agent, after its grace to all that descends from it,
// after another second SIGKILL. A supervisor that does not manage that is killed, and its tree with it. Calling it
// again changes nothing.
func (c *Child) Stop() {
	c.stop.Do(func() {
		deadline := time.AfterFunc(c.grace+supervisorGrace, func() { _ = c.cmd.Process.Kill() })
		// An agent may have stopped its supervisor.
		_ = c.cmd.Process.Signal(syscall.SIGCONT)
		go func() {
			// An error means that it is ending already.
			c.lifelineMu.Lock()
			_, _ = c.pipes.lifeline.w.Write([]byte{supervisor.StopOrderly})
			c.lifelineMu.Unlock()
			<-c.done
			deadline.Stop()
		}()
	})
}

// tell sends what to start. Stop waits for it.
func (c *Child) tell(spec supervisor.Spec) error {
	c.lifelineMu.Lock()
	defer c.lifelineMu.Unlock()
	return supervisor.WriteSpec(c.pipes.lifeline.w, spec)
}

func (c *Child) closeLifeline() {
	_ = c.pipes.lifeline.w.Close()
}

// await follows the supervisor to its end.
func (c *Child) await(s *Spawner) {
	ended := wait(c.cmd)
	last, err := supervisor.ReadReport(c.pipes.report.r)
	if err == nil && last.Ended {
		c.status = exitStatus(last)
	} else {
		s.SweepStrays()
		c.status = ExitStatus{Code: -1}
		c.err = fmt.Errorf("follow the agent of %s, supervised by process %d (%w): %w",
			c.cmd.Args[1], c.identity.PID, describe(ended), ErrSupervisorLost)
	}
	c.closeLifeline()
	_ = c.pipes.report.r.Close()
	c.stdout.finish()
	c.stderr.finish()
	close(c.done)
}

// describe names the end of a process that itself says nothing.
func describe(ended error) error {
	if ended == nil {
		return errors.New("exit status 0")
	}
	return ended
}

// exitStatus translates the last report.
func exitStatus(r supervisor.Report) ExitStatus {
	if r.Signal == 0 {
		return ExitStatus{Code: r.Code}
	}
	name := unix.SignalName(r.Signal)
	if name == "" {
		name = r.Signal.String()
	}
	return ExitStatus{Code: signalBase + int(r.Signal), Signal: name}
}

// pipe is a pipe with the two ends that go to different processes.
type pipe struct{ r, w *os.File }

// pipes connect a Child with its supervisor.
type pipes struct{ lifeline, report, stdout, stderr pipe }

func openPipes() (*pipes, error) {
	var p pipes
	for _, one := range []*pipe{&p.lifeline, &p.report, &p.stdout, &p.stderr} {
		var err error
		if one.r, one.w, err = os.Pipe(); err != nil {
			p.closeOurs()
			p.closeTheirs()
			return nil, err
		}
	}
	return &p, nil
}

// closeTheirs closes what the supervisor has got.
func (p *pipes) closeTheirs() {
	for _, f := range []*os.File{p.lifeline.r, p.report.w, p.stdout.w, p.stderr.w} {
		// Closing nil or twice is an error without consequence.
		_ = f.Close()
	}
}

// closeOurs closes the ends of this process.
func (p *pipes) closeOurs() {
	for _, f := range []*os.File{p.lifeline.w, p.report.r, p.stdout.r, p.stderr.r} {
		_ = f.Close()
	}
}
