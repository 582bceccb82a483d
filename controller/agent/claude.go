package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/uuid"
	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

const (
	// maxPrompt is the most that claude takes on stdin, in bytes.
	maxPrompt = 10 << 20
	// versionTimeout bounds `claude --version`, which takes 20 ms.
	versionTimeout = 20 * time.Second
	// installClaude tells what to do when there is no claude.
	installClaude = "install it with `npm install -g @anthropic-ai/claude-code`, or set CLAUDE_CLI_PATH to the program"
)

// ClaudeConfig configures Claude Code.
type ClaudeConfig struct {
	// Path is the program: a name that is looked up in PATH, or a path. Default: claude.
	Path string
	// Model holds where spec.agent.model is silent. Default: sonnet.
	Model string
	// MaxTurns holds where spec.agent.maxTurns is silent; 0: no limit.
	MaxTurns int32
	// SkipPermissions lets the agent use its tools without permission checks where that is possible.
	SkipPermissions bool
	// Verbose logs what the agent says and does.
	Verbose bool
	// Sandbox confines the agent; nil does not. Root may skip permissions only there.
	Sandbox *sandbox.Policy
	// Root says that the agent runs as root.
	Root bool
	// Environ returns the controller's environment as it is now, of which an allow list passes; Allow names more of it
	// (AWO_AGENT_ENV). Default: an empty one.
	Environ func() []string
	Allow   []string
	// FirstEvent is how long the first event may take. Default: 2 minutes.
	FirstEvent time.Duration
	// Supervisor starts the agent, Runner short calls of its program.
	Supervisor Supervisor
	Runner     Runner
	// Redactor takes secrets out of transcripts and texts. Default: one that knows only well-known patterns.
	Redactor *process.Redactor
	// Clock is for the time limits. Default: the real one.
	Clock clock.Clock
	// NewID makes the id of a session that replaces another. Default: a random UUID.
	NewID func() string
}

// Claude runs Claude Code.
type Claude struct {
	config  ClaudeConfig
	execute executor
}

// NewClaude fills in the defaults.
func NewClaude(c ClaudeConfig) *Claude {
	if c.Path == "" {
		c.Path = "claude"
	}
	if c.Model == "" {
		c.Model = v1alpha1.DefaultModel
	}
	if c.FirstEvent == 0 {
		c.FirstEvent = defaultFirstEvent
	}
	if c.NewID == nil {
		c.NewID = uuid.NewString
	}
	c.Path = fromHere(c.Path)
	if c.Environ == nil {
		c.Environ = none
	}
	return &Claude{config: c, execute: newExecutor(c.Supervisor, c.Sandbox, c.Redactor, c.Clock, c.Verbose)}
}

// fromHere makes a relative path absolute now: later it would be looked up in the work tree, which is a stranger's.
func fromHere(program string) string {
	if !strings.Contains(program, "/") {
		return program
	}
	if abs, err := filepath.Abs(program); err == nil {
		return abs
	}
	return program
}

// Path returns where the program is. A missing one is a terminal failure that says what to install.
func (c *Claude) Path() (string, error) {
	found, err := process.LookPath(c.config.Path, process.Environment(c.config.Environ(), "PATH"))
	if err == nil {
		_, err = os.Stat(found)
	}
	if err != nil {
		return "", notInstalled(err)
	}
	return found, nil
}

func notInstalled(err error) error {
	return failure.NewTerminal(v1alpha1.ReasonAgentNotInstalled, fmt.Errorf("claude cannot be run: %w; %s", err, installClaude))
}

// Version returns claude's version, such as 2.1.330.
func (c *Claude) Version(ctx context.Context) (string, error) {
	program, err := c.Path()
	if err != nil {
		return "", err
	}
	out, err := c.config.Runner.Run(ctx, process.Command{
		Path: program, Args: []string{"--version"}, Dir: "/",
		Env:     append(process.Environment(c.config.Environ(), process.ToolAllow...), "DISABLE_AUTOUPDATER=1"),
		Timeout: versionTimeout,
	})
	if errors.Is(err, fs.ErrNotExist) {
		return "", notInstalled(err)
	}
	if err != nil {
		return "", fmt.Errorf("ask claude for its version: %w", err)
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(out.Stdout)), " ")
	return version, nil
}

// Run has claude work on the task. A session that cannot be resumed is begun anew under its id, an id that is
// taken is replaced; neither counts as a failure.
func (c *Claude) Run(ctx context.Context, t Task) (Outcome, error) {
	program, err := c.Path()
	if err != nil {
		return Outcome{}, err
	}
	log := logr.FromContextOrDiscard(ctx)
	session, fresh := t.Session, false
	for {
		s, err := c.once(ctx, program, t, session)
		if err != nil {
			return outcome(s, session, fresh), err
		}
		switch s.session(session) {
		case sessionMissing:
			log.Info("Session cannot be resumed, it is begun anew", "sessionID", session.ID)
			session.Resume, fresh = false, true
		case sessionTaken:
			session, fresh = Session{ID: c.config.NewID()}, true
			log.Info("Session id is taken, another one is used", "former", t.Session.ID, "sessionID", session.ID)
			if err := announce(t, session.ID); err != nil {
				return outcome(s, session, fresh), err
			}
		default:
			return outcome(s, session, fresh), Classify(s.Evidence)
		}
	}
}

func announce(t Task, id string) error {
	if t.OnSession == nil {
		return nil
	}
	return t.OnSession(id)
}

// once starts claude once.
func (c *Claude) once(ctx context.Context, program string, t Task, s Session) (seen, error) {
	prompt := t.Prompt
	if s.Resume {
		prompt = t.Resume
	}
	if len(prompt) > maxPrompt {
		return seen{}, failure.NewTerminal(v1alpha1.ReasonAgentFailed, fmt.Errorf(
			"the prompt of order %s has %d bytes, claude takes %d; shorten spec.request", t.Name, len(prompt), maxPrompt))
	}
	args, err := c.options().arguments(t, s)
	if err != nil {
		return seen{}, err
	}
	if err := prepareDirs(t); err != nil {
		return seen{}, err
	}
	out, err := c.execute.run(ctx, t, process.Agent{
		WorkOrderID: t.ID,
		Command:     process.Command{Path: program, Args: args, Dir: t.Dir, Env: c.environment(t), Stdin: bytes.NewReader(prompt)},
	}, limits{firstEvent: c.config.FirstEvent, idle: t.IdleTimeout, wallClock: t.PhaseTimeout, afterResult: afterResult})
	out.NoSettingHelps = c.config.SkipPermissions || t.ReadOnly
	return out, err
}

func (c *Claude) options() options {
	return options{model: c.config.Model, maxTurns: c.config.MaxTurns, skip: c.skip()}
}

// skip tells whether permission checks are left out. As root claude refuses that outside a sandbox.
func (c *Claude) skip() bool {
	return c.config.SkipPermissions && (!c.config.Root || c.config.Sandbox.Active())
}

func (c *Claude) environment(t Task) []string {
	own := []string{
		"CLAUDE_CONFIG_DIR=" + filepath.Join(t.Home, configDir),
		"CLAUDE_CODE_TMPDIR=" + t.TempDir,
		"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
		"DISABLE_AUTOUPDATER=1",
	}
	if c.config.Root && c.skip() {
		own = append(own, "IS_SANDBOX=1")
	}
	return environment(c.config.Environ(), c.config.Allow, t, own...)
}

// prepareDirs makes home, temporary directory and workspace ready for a phase.
func prepareDirs(t Task) error {
	if err := prepareHome(t.Home); err != nil {
		return err
	}
	if err := prepareTemp(t.TempDir); err != nil {
		return err
	}
	return openWorkspace(t.Dir)
}

// outcome is what is to be told of a run, however it ended.
func outcome(s seen, session Session, fresh bool) Outcome {
	out := Outcome{SessionID: session.ID, Fresh: fresh, Text: s.message}
	if s.Result == nil {
		return out
	}
	out.Usage, out.CostUSD = s.Result.Usage, s.Result.CostUSD
	if s.Result.Text != "" {
		out.Text = s.Result.Text
	}
	return out
}
