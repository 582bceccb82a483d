package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

// CommandConfig configures agents that are any program.
type CommandConfig struct {
	// Environ returns the controller's environment as it is now, of which an allow list passes; Allow names more of it
	// (AWO_AGENT_ENV). Default: an empty one.
	Environ func() []string
	Allow   []string
	// Supervisor starts the agent.
	Supervisor Supervisor
	// Sandbox confines the agent; nil does not.
	Sandbox *sandbox.Policy
	// Redactor takes secrets out of transcripts and texts. Default: one that knows only well-known patterns.
	Redactor *process.Redactor
	// Clock is for the time limits. Default: the real one.
	Clock clock.Clock
	// Verbose logs what the agent says and does.
	Verbose bool
}

// Command runs any program: the prompt comes on its standard input, its work is what it does to the work tree, and
// its report is what it prints. It knows no sessions: every run begins from the prompt.
type Command struct {
	config  CommandConfig
	execute executor
}

// NewCommand fills in the defaults.
func NewCommand(c CommandConfig) *Command {
	if c.Environ == nil {
		c.Environ = none
	}
	return &Command{config: c, execute: newExecutor(c.Supervisor, c.Sandbox, c.Redactor, c.Clock, c.Verbose)}
}

// Run has the program of spec.agent.command work on the task. A program with a slash in its name is found from the
// work tree, others in PATH.
func (c *Command) Run(ctx context.Context, t Task) (Outcome, error) {
	if len(t.Spec.Command) == 0 || t.Spec.Command[0] == "" {
		return Outcome{}, failure.NewTerminal(v1alpha1.ReasonInvalidSpec,
			fmt.Errorf("order %s has no spec.agent.command; name the program and its arguments", t.Name))
	}
	if err := prepareDirs(t); err != nil {
		return Outcome{}, err
	}
	s, err := c.execute.run(ctx, t, process.Agent{WorkOrderID: t.ID, Command: process.Command{
		Path: t.Spec.Command[0], Args: t.Spec.Command[1:], Dir: t.Dir,
		Env: environment(c.config.Environ(), c.config.Allow, t), Stdin: bytes.NewReader(t.Prompt),
	}}, limits{idle: t.IdleTimeout, wallClock: t.PhaseTimeout, afterResult: afterResult})
	out := commandOutcome(s)
	if err != nil {
		return out, missingProgram(t, err)
	}
	return out, classifyCommand(s)
}

// missingProgram adds what to do to the failure of a program that does not exist.
func missingProgram(t Task, err error) error {
	var typed *failure.Error
	if !errors.As(err, &typed) || typed.Reason != v1alpha1.ReasonAgentNotInstalled {
		return err
	}
	return fmt.Errorf("spec.agent.command of order %s cannot be run: %w; a relative program is found in the repository, "+
		"a bare name in PATH, and both need to be executable", t.Name, err)
}

// classifyCommand judges by the result where there is one, as with any agent, else by the exit status. Who begins a
// stream of events owes a result.
func classifyCommand(s seen) error {
	if s.Result == nil && !s.streams && s.Cause == CauseNone && s.clean() {
		return nil
	}
	return Classify(s.Evidence)
}

// commandOutcome takes the text from the result, else what was printed, else what was said last in an event.
func commandOutcome(s seen) Outcome {
	out := outcome(s, Session{}, false)
	if s.Result == nil {
		if text := strings.TrimSpace(s.text); text != "" {
			out.Text = text
		}
	}
	return out
}
