// Package phase does the work of a WorkOrder's phases: Cloning, Planning, Implementing and PR. A phase reads
// the record of its run, acts, and writes the facts it found into the record; what they mean for the order is
// decided by the reconciler. Every phase may be run again after a crash at any point.
package phase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/forge"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/store"
)

// Records is where phases write down what they intend and what they found.
type Records interface {
	Record(id string) (*store.Record, error)
	Update(id string, change func(*store.Record) error) (*store.Record, error)
	Insist(ctx context.Context, run *store.Record, write func() error) error
	Runs(name string) ([]*store.Record, error)
}

// Git is what phases need of git.
type Git interface {
	ListRemote(ctx context.Context, url string) (git.Remote, error)
	RemoteBranch(ctx context.Context, url, branch string) (sha string, err error)
	Fetch(ctx context.Context, url, id, base string) error
	Checkout(ctx context.Context, w git.Workspace) error
	Mend(ctx context.Context, w git.Workspace) error
	Kept(w git.Workspace, head string) (bool, error)
	Content(ctx context.Context, w git.Workspace) (git.Content, error)
	Reset(ctx context.Context, w git.Workspace) error
	Borrowed(w git.Workspace) ([]string, error)
	Collect(ctx context.Context, w git.Workspace, message string) (git.Collected, error)
	Commits(ctx context.Context, w git.Workspace) (head string, err error)
	CheckPush(ctx context.Context, w git.Workspace) error
	FindLeak(ctx context.Context, w git.Workspace, head string) (*git.Leak, error)
	Push(ctx context.Context, w git.Workspace, head, lease string) error
	Bundle(ctx context.Context, w git.Workspace, head, file string) error
	Release(ctx context.Context, url, id string) error
}

// Forge opens pull requests.
type Forge interface {
	Check(ctx context.Context, repository string) error
	Ensure(ctx context.Context, p forge.PullRequest) (forge.Opened, error)
}

// Agent plans and implements.
type Agent interface {
	Run(ctx context.Context, task agent.Task) (agent.Outcome, error)
}

// Settings are the controller's choices that phases follow where the spec is silent.
type Settings struct {
	// PhaseTimeout and IdleTimeout hold where spec.timeouts is silent.
	PhaseTimeout, IdleTimeout time.Duration
	// AllowProtectedPaths lets a difference that touches protected paths be pushed.
	AllowProtectedPaths bool
	// ProtectedPaths are globs of further paths that are protected.
	ProtectedPaths []string
	// DefaultBudgetUSD holds where spec.agent.maxBudgetUSD is silent, MaxBudgetUSD whatever it says; 0: no limit.
	DefaultBudgetUSD, MaxBudgetUSD float64
	// LogPrompts keeps each prompt in outputs/<id>/prompts.
	LogPrompts bool
	// Confinement says how an agent that is started now is confined. The error carries the policy of an order whose agent
	// may not be started.
	Confinement func() (store.Confinement, error)
}

// Runner runs phases. All fields are required.
type Runner struct {
	Layout   store.Layout
	Records  Records
	Shared   *store.SharedModes
	Git      Git
	Agents   map[v1alpha1.AgentType]Agent
	Prompts  *Prompts
	Settings Settings
	// ForgeFor returns the forge of a repository, or a terminal failure that says what to configure.
	ForgeFor func(url string) (Forge, error)
	// Redact takes secrets out of a text that leaves the controller: to an agent, a commit, a pull request.
	Redact func(text string) string
	// NewSessionID returns a fresh UUID.
	NewSessionID func() string
	Clock        clock.Clock
}

// Run does one phase of the run that the record describes. A nil error means that the phase is complete.
func (r *Runner) Run(ctx context.Context, rec *store.Record, p v1alpha1.Phase) error {
	do := map[v1alpha1.Phase]func(context.Context, *store.Record) error{
		v1alpha1.PhaseCloning:      r.inTime(p, r.cloning),
		v1alpha1.PhasePlanning:     r.planning,
		v1alpha1.PhaseImplementing: r.implementing,
		v1alpha1.PhasePR:           r.inTime(p, r.pullRequest),
	}[p]
	if do == nil {
		return fmt.Errorf("order %s: phase %q is not one that can be run", rec.Name, p)
	}
	err := do(ctx, rec)
	if err != nil && ctx.Err() != nil {
		return failure.NewInterrupted(context.Cause(ctx))
	}
	if err != nil {
		return r.afterRepair(ctx, err)
	}
	return nil
}

// afterRepair has a failure tried again that came of modes which an agent, of whatever order, has changed. It counts as
// an attempt, or an agent could be run for ever.
func (r *Runner) afterRepair(ctx context.Context, err error) error {
	opened := r.repairModes(ctx, r.Layout.RepairAllModes).Opened
	if opened == 0 {
		return err
	}
	wrapped := fmt.Errorf("%w (an agent had closed %d files or directories of the data directory; they are open again)", err, opened)
	if f, ok := errors.AsType[*failure.Error](err); ok && f.Policy == failure.Terminal {
		return failure.NewRetry(f.Reason, wrapped)
	}
	return wrapped
}

// afterAgent mends the modes that the agent of a run has changed, before what it closed is needed. Who closed one thing
// may have closed more.
func (r *Runner) afterAgent(ctx context.Context, id string) {
	if r.repairModes(ctx, func() (store.Repaired, error) { return r.Layout.RepairModes([]string{id}) }).Any() {
		r.repairModes(ctx, r.Layout.RepairAllModes)
	} else {
		r.repairModes(ctx, r.Shared.Repair)
	}
	dropped, err := r.Layout.DropSetIDs(id)
	switch log := logr.FromContextOrDiscard(ctx); {
	case err != nil:
		log.Error(err, "Not all files were looked at for the right to run as their owner", "dropped", dropped)
	case dropped > 0:
		log.Info("An agent left files that ran as their owner, whoever started them", "dropped", dropped)
	}
}

func (r *Runner) repairModes(ctx context.Context, repair func() (store.Repaired, error)) store.Repaired {
	repaired, err := repair()
	switch log := logr.FromContextOrDiscard(ctx); {
	case err != nil:
		log.Error(err, "Modes in the data directory not repaired", "opened", repaired.Opened, "narrowed", repaired.Narrowed)
	case repaired.Any():
		log.Info("Modes in the data directory repaired", "opened", repaired.Opened, "narrowed", repaired.Narrowed)
	}
	return repaired
}

// workspace is where the run works.
func (r *Runner) workspace(rec *store.Record) git.Workspace {
	return git.Workspace{
		ID: rec.ID, URL: rec.Spec.Repository.URL,
		Dir: r.Layout.Workspace(rec.ID), Index: r.Layout.Index(rec.ID),
		Branch: rec.Status.Branch, BaseBranch: rec.Status.BaseBranch, BaseCommit: rec.Status.BaseCommit,
		Full: rec.Spec.Repository.Clone == v1alpha1.CloneFull,
	}
}

// has tells whether the run passes through the phase.
func has(rec *store.Record, p v1alpha1.Phase) bool {
	return slices.Contains(rec.Spec.Sequence(), p)
}

// PromptProblem says which replaced prompt templates are passed over and why; nil if all are used.
func (r *Runner) PromptProblem() error { return r.Prompts.Problem() }
