package controller

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/uuid"
	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/forge"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/phase"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/environ"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
	"github.com/agent-work-orders/awo/controller/store"
)

// tools are the programs that orders need: git, gh, the agents.
type tools struct {
	config  Config
	sandbox *sandbox.Policy
	git     *git.Client
	github  *forge.GitHub
	local   *forge.Local
	claude  *agent.Claude
	command *agent.Command
	// versions is what was found at the start, by program.
	mu       sync.Mutex
	versions map[string]string
}

func newTools(cfg Config, spawner *process.Spawner, box *sandbox.Policy, s *store.Store) *tools {
	return &tools{
		config: cfg, sandbox: box, versions: map[string]string{}, local: forge.NewLocal(),
		git: newGit(cfg, spawner, box, s.Layout().Mirrors()),
		github: forge.NewGitHub(forge.GitHubConfig{
			Path: cfg.GHPath, Runner: spawner, Host: cfg.GitHubHost, Token: cfg.githubToken,
			Environment: process.Environment(cfg.Environ, process.ToolAllow...),
			ConfigDir:   environ.Get(cfg.Environ, "GH_CONFIG_DIR"),
		}),
		claude: agent.NewClaude(agent.ClaudeConfig{
			Path: cfg.ClaudePath, Model: cfg.Model, SkipPermissions: cfg.SkipPermissions,
			MaxTurns: int32(cfg.MaxTurns), //nolint:gosec // the flag allows 100000 at most
			Root:     os.Geteuid() == 0, Environ: cfg.agentEnvironment, Allow: cfg.AgentEnvironment,
			Supervisor: spawner, Runner: spawner, Sandbox: box, Redactor: cfg.Redactor, Verbose: cfg.AgentEvents,
		}),
		command: agent.NewCommand(agent.CommandConfig{
			Environ: cfg.agentEnvironment, Allow: cfg.AgentEnvironment, Supervisor: spawner, Sandbox: box, Redactor: cfg.Redactor, Verbose: cfg.AgentEvents,
		}),
	}
}

func newGit(cfg Config, spawner git.Runner, box *sandbox.Policy, mirrors string) *git.Client {
	return git.New(git.Config{
		Path: cfg.GitPath, Spawner: spawner, Environment: process.Environment(cfg.Environ, process.ToolAllow...),
		AuthorName: cfg.AuthorName, AuthorEmail: cfg.AuthorEmail,
		Token: func(string) (string, error) { return cfg.GitHubToken() }, HostToken: cfg.HostToken, Hosts: cfg.GitHosts, Self: cfg.Self,
		AllowHTTPHosts: cfg.AllowHTTPHosts, Mirrors: mirrors, DataDir: cfg.DataDir, Secrets: cfg.Redactor, Sandbox: box, Limits: cfg.Limits,
	})
}

// githubToken is the token with which gh speaks to a host: its own, else GITHUB_TOKEN if the host may have it, as for git.
func (c Config) githubToken(host string) (string, error) {
	if c.HostToken != nil {
		if token, found, err := c.HostToken(host); found || err != nil {
			return token, err
		}
	}
	if !v1alpha1.HostAllowed(host, c.GitHosts) {
		return "", nil
	}
	return c.GitHubToken()
}

// agentEnvironment is the environment that agents' allow lists choose from: the controller's, with the credentials
// that came in files as they are now.
func (c Config) agentEnvironment() []string {
	out := environ.Without(c.Environ, "ANTHROPIC_API_KEY_FILE", "CLAUDE_CODE_OAUTH_TOKEN_FILE")
	for name, read := range map[string]func() (string, error){
		"ANTHROPIC_API_KEY": c.AnthropicAPIKey, "CLAUDE_CODE_OAUTH_TOKEN": c.ClaudeOAuthToken,
	} {
		if value, err := read(); err == nil && value != "" {
			out = append(out, name+"="+value)
		}
	}
	return out
}

// phases makes the runner of phases. A prompt template that cannot be used ends the start.
func (t *tools) phases(s *store.Store) (*phase.Runner, error) {
	prompts, err := phase.LoadPrompts(t.config.CommandsDir)
	if err != nil {
		return nil, err
	}
	return &phase.Runner{
		Layout: s.Layout(), Records: s, Shared: s.SharedModes(), Git: t.git, Prompts: prompts, ForgeFor: t.forgeFor, Redact: t.config.Redactor.String, NewSessionID: uuid.NewString, Clock: clock.RealClock{},
		Agents: map[v1alpha1.AgentType]phase.Agent{v1alpha1.AgentClaude: t.claude, v1alpha1.AgentCommand: t.command},
		Settings: phase.Settings{
			PhaseTimeout: t.config.PhaseTimeout, IdleTimeout: t.config.IdleTimeout,
			AllowProtectedPaths: t.config.AllowProtectedPaths, ProtectedPaths: t.config.ProtectedPaths,
			DefaultBudgetUSD: t.config.DefaultBudgetUSD, MaxBudgetUSD: t.config.MaxBudgetUSD, LogPrompts: t.config.LogPrompts,
			Confinement: confinement(t.sandbox, time.Now),
		},
	}, nil
}

// forgeFor chooses the forge by the repository's host.
func (t *tools) forgeFor(repository string) (phase.Forge, error) {
	switch {
	case t.local.Serves(repository):
		return t.local, nil
	case t.github.Serves(repository):
		return t.github, nil
	}
	return nil, failure.NewTerminal(v1alpha1.ReasonPullRequestFailed, fmt.Errorf(
		"%s is neither at github.com nor at the host of GH_HOST, so no pull request can be opened there; set GH_HOST, or take PR out of spec.phases",
		repository))
}

// logVersions logs once which programs there are, and which credentials agents get.
func (t *tools) logVersions(ctx context.Context) {
	var group sync.WaitGroup
	for name, version := range map[string]func(context.Context) (string, error){
		"git": t.git.Version, "gh": t.github.Version, "claude": t.claude.Version,
	} {
		group.Go(func() { t.logVersion(ctx, name, version) })
	}
	group.Wait()
	if _, dropped := process.OneAnthropicCredential(t.config.agentEnvironment()); dropped {
		logr.FromContextOrDiscard(ctx).Info("Both ANTHROPIC_API_KEY and CLAUDE_CODE_OAUTH_TOKEN are set; agents get the API key alone, and it is billed")
	}
}

func (t *tools) logVersion(ctx context.Context, name string, version func(context.Context) (string, error)) {
	log := logr.FromContextOrDiscard(ctx).WithValues("program", name)
	v, err := version(ctx)
	if err != nil {
		log.Info("Program cannot be used", "cause", err.Error())
		return
	}
	path, _ := process.LookPath(t.path(name), t.config.Environ)
	log.Info("Program found", "path", path, "version", v)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.versions[name] = v
}

// version is what a program said of itself at the start, empty if it could not be used.
func (t *tools) version(name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.versions[name]
}

// path is what is configured for a program.
func (t *tools) path(name string) string {
	return map[string]string{"git": t.config.GitPath, "gh": t.config.GHPath, "claude": t.config.ClaudePath}[name]
}

// tracked tells the store which manifests git tracks, before anything else is there.
func tracked(cfg Config, spawner git.Runner) func(context.Context, string) (map[string]bool, error) {
	return newGit(cfg, spawner, nil, filepath.Join(cfg.DataDir, "repositories", ".mirrors")).Tracked
}
