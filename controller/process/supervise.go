package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/agent-work-orders/awo/controller/process/environ"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
	"github.com/agent-work-orders/awo/controller/process/supervisor"
)

const (
	// WorkOrderIDVariable marks every process of an agent, so that what is left of a former life can be found.
	WorkOrderIDVariable = "AWO_WORK_ORDER_ID"
	// defaultGrace is how long an agent may take to end after SIGTERM.
	defaultGrace = 5 * time.Second
	// supervisorGrace is how much longer than the agent's grace a supervisor may take before it is killed: 1 s for
	// the descendants and what killing takes.
	supervisorGrace = 2500 * time.Millisecond
	// startLimit is how long a supervisor may take to start the agent, also on a machine that is overloaded, and
	// wakeInterval how often it is woken meanwhile.
	startLimit   = 30 * time.Second
	wakeInterval = 200 * time.Millisecond
)

// Agent is a program to run under a supervisor.
type Agent struct {
	// WorkOrderID is the run it works for. It is added to the environment as AWO_WORK_ORDER_ID.
	WorkOrderID string
	Command
	// Grace is how long the agent may take to end after SIGTERM; 5 s by default.
	Grace time.Duration
	// Started, if set, is called with the supervisor's identity before the agent exists, so that nothing runs
	// that was not recorded. An error ends it.
	Started func(Identity) error
	// Sandbox confines the agent; nil does not.
	Sandbox *sandbox.Rules
}

// Supervise starts an agent under a supervisor: the running binary, executed once more. The agent has begun when
// Supervise returns. When ctx ends the agent is stopped, as by Stop. A program that does not exist gives an error
// that wraps fs.ErrNotExist.
//
// Stdout and Stderr of the Child have to be read, or the agent blocks when the pipe is full.
func (s *Spawner) Supervise(ctx context.Context, a Agent) (*Child, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start %s: %w", a.name(), err)
	}
	spec, err := a.spec()
	if err != nil {
		return nil, err
	}
	spec, confinement, err := a.confine(spec)
	if err != nil {
		return nil, err
	}
	if confinement != nil {
		defer confinement.Close()
	}
	p, err := openPipes()
	if err != nil {
		return nil, fmt.Errorf("open pipes for %s: %w", a.name(), err)
	}
	c, err := s.startSupervisor(a, p)
	p.closeTheirs()
	if err != nil {
		p.closeOurs()
		return nil, fmt.Errorf("start the supervisor of %s: %w", a.name(), err)
	}
	unwatch := context.AfterFunc(ctx, c.Stop)
	if err := c.begin(spec, a.Started, confinement); err != nil {
		unwatch()
		// The end of the lifeline ends the supervisor, and the agent if there is one.
		c.closeLifeline()
		_ = wait(c.cmd)
		if errors.Is(err, ErrSupervisorLost) {
			s.SweepStrays()
		}
		p.closeOurs()
		return nil, fmt.Errorf("start %s: %w", a.name(), err)
	}
	go func() {
		c.await(s)
		unwatch()
	}()
	return c, nil
}

// spec is what the supervisor is told.
func (a Agent) spec() (supervisor.Spec, error) {
	if a.WorkOrderID == "" {
		return supervisor.Spec{}, fmt.Errorf("start %s: no work order id", a.name())
	}
	var resolved exec.Cmd
	if err := a.build(&resolved); err != nil {
		return supervisor.Spec{}, err
	}
	dir := a.Dir
	if dir == "" {
		// The supervisor itself works in the root directory.
		current, err := os.Getwd()
		if err != nil {
			return supervisor.Spec{}, fmt.Errorf("start %s: %w", a.name(), err)
		}
		dir = current
	}
	return supervisor.Spec{
		Path: resolved.Path, Argv: resolved.Args, Dir: dir, Env: environ.With(resolved.Env, WorkOrderIDVariable+"="+a.WorkOrderID),
		Grace: a.grace(), MaxProcesses: a.Sandbox.MaxProcesses(), ExtraFiles: len(a.ExtraFiles),
	}, nil
}

func (a Agent) grace() time.Duration {
	if a.Grace > 0 {
		return a.Grace
	}
	return defaultGrace
}

// startSupervisor executes this binary again. Its arguments can be read by everybody, so they hold only the id.
func (s *Spawner) startSupervisor(a Agent, p *pipes) (*Child, error) {
	cmd := &exec.Cmd{
		Path: supervisor.Path, Args: []string{supervisor.Name, a.WorkOrderID}, Dir: "/",
		Env:   []string{"GOMAXPROCS=1", "GOGC=20", "GOTRACEBACK=none", WorkOrderIDVariable + "=" + a.WorkOrderID},
		Stdin: a.Stdin, Stdout: p.stdout.w, Stderr: p.stderr.w,
		ExtraFiles:  append([]*os.File{p.lifeline.r, p.report.w}, a.ExtraFiles...),
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
		WaitDelay:   time.Second,
	}
	if err := s.start(cmd); err != nil {
		return nil, err
	}
	identity, err := Identify(cmd.Process.Pid)
	if err != nil {
		// It cannot be gone before it is waited for, so /proc cannot be read: nothing could be supervised.
		_ = cmd.Process.Kill()
		return nil, errors.Join(err, wait(cmd))
	}
	return newChild(cmd, identity, a, p), nil
}

// begin records the supervisor and has it start the agent, which is confined first if it is to be.
func (c *Child) begin(spec supervisor.Spec, started func(Identity) error, confinement *Confinement) error {
	if started != nil {
		if err := started(c.identity); err != nil {
			return fmt.Errorf("record the supervisor: %w", err)
		}
	}
	// EPIPE: it has ended; what it reported says more.
	if err := c.tell(spec); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("tell the supervisor what to start: %w", err)
	}
	first, err := c.firstReport()
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("before the agent ran: %w", ErrSupervisorLost)
	case err != nil:
		return fmt.Errorf("hear from the supervisor: %w", err)
	case first.Started && confinement != nil:
		return confinement.Outcome()
	case first.Started:
		return nil
	case confinement != nil:
		return &confineError{Name: confinement.name, Step: "starting", Err: first.Errno}
	}
	return &os.PathError{Op: "execute", Path: spec.Path, Err: first.Errno}
}

// firstReport waits for the supervisor to say that the agent runs. An agent may stop its supervisor before it
// comes to say so; it is woken then, and killed if that does not help.
func (c *Child) firstReport() (supervisor.Report, error) {
	heard := make(chan struct{})
	defer close(heard)
	go func() {
		limit := time.NewTimer(startLimit)
		defer limit.Stop()
		wake := time.NewTicker(wakeInterval)
		defer wake.Stop()
		for {
			select {
			case <-heard:
				return
			case <-wake.C:
				_ = c.cmd.Process.Signal(syscall.SIGCONT)
			case <-limit.C:
				_ = c.cmd.Process.Kill()
			}
		}
	}()
	return supervisor.ReadReport(c.pipes.report.r)
}
