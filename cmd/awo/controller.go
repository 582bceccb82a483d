package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
	"github.com/agent-work-orders/awo/controller/store"
)

// controllerOptions are the flags of `awo controller`.
type controllerOptions struct {
	config   controller.Config
	status   string
	logLevel string
	gitHosts []string
	sandbox  string
	tokenDir string
}

// inherited are the variables that flags of the controller have beside their own.
var inherited = map[string][]string{
	"port":                    {"ARCHON_AWO_PORT"},
	"log-level":               {"LOG_LEVEL"},
	"commands-dir":            {"AGENT_WORK_ORDER_COMMANDS_DIR"},
	"phase-timeout":           {"AGENT_WORK_ORDER_TIMEOUT"},
	"claude-path":             {"CLAUDE_CLI_PATH"},
	"gh-path":                 {"GH_CLI_PATH"},
	"claude-model":            {"CLAUDE_CLI_MODEL"},
	"claude-max-turns":        {"CLAUDE_CLI_MAX_TURNS"},
	"claude-skip-permissions": {"CLAUDE_CLI_SKIP_PERMISSIONS"},
	"log-agent-events":        {"CLAUDE_CLI_VERBOSE"},
	"keep-prompts":            {"ENABLE_PROMPT_LOGGING"},
	"keep-transcripts":        {"ENABLE_OUTPUT_ARTIFACTS"},
	"github-host":             {"GH_HOST"},
}

func newControllerCommand(global *globalOptions) *cobra.Command {
	o := &controllerOptions{}
	cmd := &cobra.Command{
		Use:   "controller",
		Short: "Run the controller in the foreground",
		Long: "Run the controller in the foreground: it watches workorders/ of the data directory and drives every\n" +
			"order there to its pull request. Every flag has a variable, AWO_ and the flag in capitals.",
		Args: cobra.NoArgs,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			return bindEnvironment(cmd.LocalNonPersistentFlags(), global.lookup, inherited)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), global)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func (o *controllerOptions) addFlags(f *pflag.FlagSet) {
	o.addServerFlags(f)
	o.addPolicyFlags(f)
	o.addLimitFlags(f)
	o.addRepositoryFlags(f)
	o.addAgentFlags(f)
}

func (o *controllerOptions) addServerFlags(f *pflag.FlagSet) {
	c := &o.config
	c.BindAddress = "127.0.0.1"
	c.Port, c.HTTPAuth, c.MaxConcurrent, o.logLevel, o.status = defaultPort, "token", runtime.NumCPU(), "info", "auto"
	f.Var(word{&c.BindAddress, checkBindAddress}, "bind-address", "The address that the HTTP endpoint listens on")
	f.Var(number{&c.Port, 0, 65535}, "port", "The port of the HTTP endpoint, 0 for a free one (ARCHON_AWO_PORT)")
	f.Var(choice{&c.HTTPAuth, []string{"token", "none"}}, "http-auth", "Who may read orders over HTTP: bearers of server-token, or everyone")
	f.Var(number{&c.MaxConcurrent, 1, 1000}, "max-concurrent", "How many orders are worked on at once")
	f.Var(choice{&o.logLevel, []string{"error", "warn", "warning", "info", "debug", "trace"}}, "log-level", "What is logged (LOG_LEVEL)")
	f.Var(choice{&o.status, []string{"auto", "manifest", "record"}}, "status", "Where status is written: into the manifest, the record alone, or as the file allows")
	f.BoolVar(&c.AcceptDeletions, "accept-deletions", false, "Confirm that the manifests missing at the start are meant to be deleted")
}

func (o *controllerOptions) addRepositoryFlags(f *pflag.FlagSet) {
	c := &o.config
	c.AuthorName, c.AuthorEmail = "Agent Work Orders", "awo@users.noreply.github.com"
	f.Var(list[string]{&o.gitHosts, checkHost}, "git-hosts", "The only hosts that get the GitHub token (default: github.com and the GitHub host)")
	f.StringVar(&o.tokenDir, "git-token-dir", "", "A folder with a token for each host, in a file named by the host; such a host gets no other token and counts as one of git-hosts")
	f.Var(word{&c.AuthorName, checkAuthorName}, "git-author-name", "The name that signs commits")
	f.Var(word{&c.AuthorEmail, checkAuthorEmail}, "git-author-email", "The address that signs commits")
	f.StringVar(&c.GitPath, "git-path", "git", "The git program")
	f.StringVar(&c.GHPath, "gh-path", "gh", "The GitHub CLI (GH_CLI_PATH)")
	f.StringVar(&c.ExtraCACerts, "extra-ca-certs", "", "A folder of .crt and .pem files that git, gh and agents trust beside the system's certificates")
	f.Var(word{&c.GitHubHost, checkHost}, "github-host", "A GitHub host beside github.com (GH_HOST)")
}

func (o *controllerOptions) addAgentFlags(f *pflag.FlagSet) {
	c := &o.config
	c.PhaseTimeout, c.IdleTimeout = v1alpha1.DefaultPhaseTimeout, v1alpha1.DefaultIdleTimeout
	c.BackoffBase, c.BackoffMax, c.Model = 10*time.Second, 10*time.Minute, v1alpha1.DefaultModel
	f.StringVar(&c.CommandsDir, "commands-dir", "", "Prompt templates that replace the built-in ones (default: commands/ of the data directory) (AGENT_WORK_ORDER_COMMANDS_DIR)")
	f.Var(period{&c.PhaseTimeout}, "phase-timeout", "How long an attempt of a phase may take (AGENT_WORK_ORDER_TIMEOUT, in seconds)")
	f.Var(period{&c.IdleTimeout}, "idle-timeout", "How long an agent may be silent")
	f.Var(period{&c.BackoffBase}, "backoff-base", "The delay before the second attempt of a phase; it doubles each time")
	f.Var(period{&c.BackoffMax}, "backoff-max", "The longest delay between attempts")
	f.StringVar(&c.ClaudePath, "claude-path", "claude", "The Claude Code program (CLAUDE_CLI_PATH)")
	f.Var(word{&c.Model, checkModel}, "claude-model", "The model of orders that name none (CLAUDE_CLI_MODEL)")
	f.Var(number{&c.MaxTurns, 0, 100000}, "claude-max-turns", "How many turns a phase may take, 0 for no limit (CLAUDE_CLI_MAX_TURNS)")
	f.BoolVar(&c.SkipPermissions, "claude-skip-permissions", true, "Let claude act without asking (CLAUDE_CLI_SKIP_PERMISSIONS)")
	f.BoolVar(&c.AgentEvents, "log-agent-events", true, "Log what agents do (CLAUDE_CLI_VERBOSE)")
	f.BoolVar(&c.LogPrompts, "keep-prompts", true, "Keep prompts in outputs (ENABLE_PROMPT_LOGGING)")
	f.BoolVar(&c.KeepTranscripts, "keep-transcripts", true, "Keep what agents print after their run has ended (ENABLE_OUTPUT_ARTIFACTS)")
	f.Var(list[string]{&c.AgentEnvironment, checkAgentVariable}, "agent-env", "Further variables of this environment that agents get")
	o.addSandboxFlags(f)
}

func (o *controllerOptions) addSandboxFlags(f *pflag.FlagSet) {
	c := &o.config
	o.sandbox = string(sandbox.Auto)
	f.Var(choice{&o.sandbox, sandboxModes}, "agent-sandbox", "Confine agents: where the kernel can, always or not at all")
	f.Var(pathList{&c.AgentRead}, "agent-read", "Further paths that agents may read and execute, a list like PATH")
	f.Var(pathList{&c.AgentWrite}, "agent-write", "Further paths that agents may write, a list like PATH")
	f.Var(portList{&c.AgentPorts}, "agent-ports", "The only TCP ports that agents may connect to (default: all)")
}

// run completes the configuration with what no flag says, and runs the controller until ctx ends.
func (o *controllerOptions) run(ctx context.Context, global *globalOptions) error {
	if err := o.complete(global); err != nil {
		return err
	}
	// A second controller changes nothing of the first one's, not its log either.
	claim, err := controller.NewClaim(o.config.DataDir)
	if err != nil {
		return err
	}
	defer claim.Release()
	o.config.Claim = claim
	log, closeLog, err := newControllerLog(global.streams.ErrOut, o.config.DataDir, o.logLevel, o.config.Redactor)
	if err != nil {
		return err
	}
	defer closeLog()
	surviveReader()
	return controller.Run(logr.NewContext(ctx, log), o.config)
}

// surviveReader lets the process live on when whoever reads its standard error is gone: the log has a file, too. The signal
// is caught and not ignored, because children would inherit that.
func surviveReader() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

func (o *controllerOptions) complete(global *globalOptions) error {
	c := &o.config
	err := o.check()
	if err != nil {
		return err
	}
	if c.DataDir, err = global.absoluteDataDir(); err != nil {
		return err
	}
	if o.status != "auto" {
		c.StatusMode = store.StatusMode(o.status)
	}
	c.AgentSandbox = sandbox.Mode(o.sandbox)
	if c.Self, err = os.Executable(); err != nil {
		return fmt.Errorf("find the awo program: %w", err)
	}
	if err := absolutePaths(&c.GitPath, &c.GHPath, &c.ClaudePath); err != nil {
		return err
	}
	if err := absoluteFolders(&c.CommandsDir, &c.ExtraCACerts, &o.tokenDir); err != nil {
		return err
	}
	if err := o.checkNamedPaths(); err != nil {
		return err
	}
	if c.CommandsDir == "" {
		c.CommandsDir = filepath.Join(c.DataDir, "commands")
	}
	c.GitHosts = o.tokenHosts()
	c.Environ, c.Version = os.Environ(), version
	c.SecretFiles = secretFiles(global.lookup)
	if o.tokenDir != "" {
		// With a file its whole folder is closed to agents, whatever comes to lie there later.
		c.SecretFiles = append(c.SecretFiles, filepath.Join(o.tokenDir, "github.com"))
	}
	return o.readSecrets(global.lookup)
}

// check refuses settings that are good each, but not together.
func (o *controllerOptions) check() error {
	c := &o.config
	switch {
	case c.BackoffMax < c.BackoffBase:
		return fmt.Errorf("AWO_BACKOFF_MAX (--backoff-max): %s is less than %s, the first delay (AWO_BACKOFF_BASE)", c.BackoffMax, c.BackoffBase)
	case c.MaxBudgetUSD > 0 && c.DefaultBudgetUSD > c.MaxBudgetUSD:
		return fmt.Errorf("AWO_DEFAULT_BUDGET_USD (--default-budget-usd): %v is more than any run may cost, %v (AWO_MAX_BUDGET_USD)",
			c.DefaultBudgetUSD, c.MaxBudgetUSD)
	}
	return nil
}

// absoluteFolders makes paths absolute, also those that have no slash: folders are meant.
func absoluteFolders(folders ...*string) error {
	for _, folder := range folders {
		if *folder == "" {
			continue
		}
		absolute, err := filepath.Abs(*folder)
		if err != nil {
			return fmt.Errorf("find %s: %w", *folder, err)
		}
		*folder = absolute
	}
	return nil
}

// absolutePaths makes paths absolute that name a directory: the programs run in other directories than this one.
func absolutePaths(paths ...*string) error {
	for _, path := range paths {
		if !strings.Contains(*path, "/") {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("find %s: %w", *path, err)
		}
		*path = absolute
	}
	return nil
}

// tokenHosts are the hosts that get the GitHub token.
func (o *controllerOptions) tokenHosts() []string {
	if len(o.gitHosts) > 0 {
		return o.gitHosts
	}
	hosts := []string{"github.com"}
	if h := o.config.GitHubHost; h != "" && !slices.Contains(hosts, h) {
		hosts = append(hosts, h)
	}
	return hosts
}

// readTokens makes the function that reads the hosts' own tokens, and reads each once.
func (o *controllerOptions) readTokens() (func(host string) (string, bool, error), error) {
	dir := tokenDir(o.tokenDir)
	tokens, err := dir.all()
	for _, token := range tokens {
		o.config.Redactor.Learn(token)
	}
	return dir.learning(o.config.Redactor.Learn), err
}

// readSecrets makes the functions that read each secret anew, and reads each once: a bad one ends the start. Whatever
// they read is kept out of all that the controller says.
func (o *controllerOptions) readSecrets(lookup func(string) (string, bool)) error {
	c := &o.config
	c.Redactor = process.NewRedactor()
	learnSecrets(c.Redactor, lookup)
	learnPassed(c.Redactor, c.Environ, c.AgentEnvironment)
	read := func(names ...string) (func() (string, error), error) {
		again := c.Redactor.Learning(func() (string, error) { return secretFromEnvironment(lookup, names...) })
		_, err := again()
		return again, err
	}
	var err error
	if c.HostToken, err = o.readTokens(); err != nil {
		return err
	}
	if c.GitHubToken, err = read("GITHUB_TOKEN", "GH_TOKEN"); err != nil {
		return err
	}
	if c.AnthropicAPIKey, err = read("ANTHROPIC_API_KEY"); err != nil {
		return err
	}
	c.ClaudeOAuthToken, err = read("CLAUDE_CODE_OAUTH_TOKEN")
	return err
}
