// Package agent runs coding agents as child processes: what they are called with, what their output means, when
// they have to be stopped, and how an end that is not a success is to be treated.
package agent

import (
	"context"
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/process"
)

// Supervisor starts an agent at the top of a process tree of its own.
type Supervisor interface {
	Supervise(ctx context.Context, a process.Agent) (*process.Child, error)
}

// Runner runs a program to its end.
type Runner interface {
	Run(ctx context.Context, c process.Command) (process.Result, error)
}

// Task is what an agent is asked to do.
type Task struct {
	// Name and ID are the order's name and the id of its run.
	Name, ID string
	// Phase is what the agent works on, Attempt counts from 1.
	Phase   v1alpha1.Phase
	Attempt int32
	// Prompt is the task. Resume is what a session that is resumed gets instead.
	Prompt, Resume []byte
	// Spec is the agent's part of the order.
	Spec v1alpha1.Agent
	// ReadOnly asks for an agent that cannot write files, where the agent knows such a mode.
	ReadOnly bool
	// Dir is the work tree, Home the agent's home, TempDir its directory for temporary files. TempDir
	// lies in Home. Both are created when missing.
	Dir, Home, TempDir string
	// Borrowed are further directories that the agent has to read, such as the objects that its repository borrows.
	Borrowed []string
	// Transcript and Stderr are the files that what the agent prints is appended to. An empty one is not written.
	Transcript, Stderr string
	// Session is the conversation to begin or to resume, for agents that know sessions.
	Session Session
	// BudgetLeft is how many US dollars this call may cost, a decimal; empty: no limit.
	BudgetLeft string
	// PhaseTimeout bounds the wall clock of the run, IdleTimeout its silence. 0: no limit.
	PhaseTimeout, IdleTimeout time.Duration
	// Timeouts, if set, returns the two as they are now; it is asked again and again while the agent runs, and known is
	// false when that cannot be told just now.
	Timeouts func() (phase, idle time.Duration, known bool)
	// Started is told of the process before it gets its prompt. An error ends the process and is returned. May be nil.
	Started func(process.Identity) error
	// OnSession is told of the id of a session other than the one asked for before it begins. May be nil.
	OnSession func(id string) error
}

// Session is a conversation of an agent.
type Session struct {
	// ID is a UUID of ours.
	ID string
	// Resume says that the conversation was begun earlier.
	Resume bool
}

// Outcome is what came of a run. Usage and session are valid also when it failed; the error carries its policy by the
// types of package failure.
type Outcome struct {
	// Text is what the agent reported at its end, secrets redacted.
	Text string
	// SessionID is the session that was used in the end; empty for agents without sessions.
	SessionID string
	// Usage is what this run used. Its CostUSD is empty, see CostUSD below.
	Usage v1alpha1.Usage
	// CostUSD is what the session cost so far, in US dollars, all runs that it was resumed by included.
	CostUSD float64
	// Fresh says that a session that should have been resumed had to be begun anew, or under another id; its cost
	// then counts from 0.
	Fresh bool
}
