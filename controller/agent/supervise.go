package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sys/unix"
	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

// lostGrace is how long after a supervisor the controller may be killed by the same hand.
const lostGrace = time.Second

// executor starts agents' programs and watches them.
type executor struct {
	supervisor Supervisor
	sandbox    *sandbox.Policy
	clock      clock.Clock
	redact     *process.Redactor
	verbose    bool
}

func newExecutor(s Supervisor, box *sandbox.Policy, r *process.Redactor, c clock.Clock, verbose bool) executor {
	if r == nil {
		r = process.NewRedactor()
	}
	if c == nil {
		c = clock.RealClock{}
	}
	return executor{supervisor: s, sandbox: box, clock: c, redact: r, verbose: verbose}
}

// run starts the program and returns when nothing of it is left. The error says that it could not be started or
// recorded; how it ended is in the evidence.
func (x *executor) run(ctx context.Context, t Task, a process.Agent, l limits) (seen, error) {
	files, err := openFiles(t, x.redact)
	if err != nil {
		return seen{}, err
	}
	a.Sandbox = x.rules(t, a)
	crash.Here("about to start the agent")
	child, err := x.start(ctx, t, a)
	crash.Here("agent started")
	if err != nil {
		return seen{}, errors.Join(err, files.close())
	}
	w := newWatchdog(x.clock, l)
	w.timeouts = t.Timeouts
	c := newCollector(w)
	if x.verbose {
		c.tell = teller(logr.FromContextOrDiscard(ctx), x.redact)
	}
	var exit process.ExitStatus
	var waiting error
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.read(ctx, child, files)
		exit, waiting = child.Wait()
	}()
	cause := w.watch(ctx, done)
	if cause != CauseNone {
		child.Stop()
		<-done
	}
	if err := files.close(); err != nil {
		logr.FromContextOrDiscard(ctx).Error(err, "Transcript incomplete", "transcript", t.Transcript)
	}
	crash.Here("agent ended")
	out := c.result(x.redact)
	out.Order, out.Program = t.Name, filepath.Base(a.Path)
	out.Exit, out.Cause, out.Limit, out.Now = exit, cause, w.limit(cause), x.clock.Now()
	return out, x.lost(ctx, out, waiting)
}

// rules are what the agent may reach: its program, its own directories and what was lent to it.
func (x *executor) rules(t Task, a process.Agent) *sandbox.Rules {
	program, err := process.LookPath(a.Path, a.Env)
	if err != nil {
		// That it is missing is said when it is started.
		program = ""
	}
	return x.sandbox.Rules(sandbox.Run{Program: program, Read: t.Borrowed, Write: []string{t.Dir, t.Home}})
}

// lost is the error of a run whose supervisor was ended from outside: a crash, unless the result was there already, or
// we ended it because it did not end the agent in time. Who killed it may be about to kill this process as well, and the end
// of the controller is no attempt: so that is waited for before anything is said that would be counted.
func (x *executor) lost(ctx context.Context, s seen, err error) error {
	if err == nil || s.Cause.limit() || s.Cause == CauseInterrupted || (s.Result != nil && !s.Result.IsError) {
		return nil
	}
	select {
	case <-ctx.Done():
		return failure.NewInterrupted(fmt.Errorf("%w: %w", context.Cause(ctx), err))
	case <-x.clock.After(lostGrace):
		return failure.NewRetry(v1alpha1.ReasonAgentFailed, err)
	}
}

// start starts the program once it is recorded. What goes wrong with the record is no failure of the agent.
func (x *executor) start(ctx context.Context, t Task, a process.Agent) (*process.Child, error) {
	var recording error
	if t.Started != nil {
		a.Started = func(who process.Identity) error {
			recording = t.Started(who)
			return recording
		}
	}
	child, err := x.supervisor.Supervise(ctx, a)
	switch {
	case recording != nil:
		return nil, recording
	case err != nil:
		return nil, startError(ctx, a, err)
	}
	return child, nil
}

// startError tells a missing program from other reasons not to start.
func startError(ctx context.Context, a process.Agent, err error) error {
	switch {
	case ctx.Err() != nil:
		return failure.NewInterrupted(fmt.Errorf("%w: %w", context.Cause(ctx), err))
	case errors.Is(err, fs.ErrPermission) && a.Sandbox != nil:
		return failure.NewTerminal(v1alpha1.ReasonAgentNotInstalled, fmt.Errorf(
			"%w; if it can be executed otherwise, it or its interpreter lies where the sandbox lets no agent read: name its directory in AWO_AGENT_READ", err))
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return failure.NewTerminal(v1alpha1.ReasonAgentNotInstalled, err)
	case errors.Is(err, unix.ENOEXEC):
		return failure.NewTerminal(v1alpha1.ReasonAgentNotInstalled, fmt.Errorf(
			"%w: it is a program for another machine than this one (%s), or a script that does not begin with #!; install the right one, then `awo retry`",
			err, runtime.GOARCH))
	default:
		return failure.NewRetry(v1alpha1.ReasonAgentFailed, fmt.Errorf("agent program %s: %w", a.Path, err))
	}
}

// outputs are the files of a run.
type outputs struct {
	stdout, stderr *transcript
}

func openFiles(t Task, redact *process.Redactor) (outputs, error) {
	stdout, err := openTranscript(t.Transcript, redact)
	if err != nil {
		return outputs{}, err
	}
	stderr, err := openTranscript(t.Stderr, redact)
	if err != nil {
		return outputs{}, errors.Join(err, stdout.Close())
	}
	return outputs{stdout: stdout, stderr: stderr}, nil
}

func (o outputs) close() error { return errors.Join(o.stdout.Close(), o.stderr.Close()) }
