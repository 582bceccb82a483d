// Package controller wires the parts of the WorkOrder controller together and runs them: configuration and
// lifecycle, nothing else.
package controller

import (
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
	"github.com/agent-work-orders/awo/controller/retention"
	"github.com/agent-work-orders/awo/controller/store"
)

// Config is everything that can be chosen about a controller. Flags and variables of `awo controller` fill it.
type Config struct {
	// DataDir is the volume. Default outside the image: ./tmp/agent-work-orders.
	DataDir string
	// Claim is the claim on DataDir from NewClaim; nil to let Run take and release one.
	Claim *store.Claim
	// BindAddress and Port are where the read-only HTTP endpoint listens. Port 0 takes a free one.
	BindAddress string
	Port        int
	// HTTPAuth is token, or none for an endpoint that is open to whoever reaches it.
	HTTPAuth string
	// MaxConcurrent is how many orders may have a phase under way.
	MaxConcurrent int
	// StatusMode says where status goes; empty decides by itself.
	StatusMode store.StatusMode
	// MinFreeDisk is what must be free in bytes for a phase to begin: volume.AutoReserve, or 0 for no limit.
	MinFreeDisk int64
	// Limits bound what the work of an order may bring in.
	Limits git.Limits
	// Retention is what is kept of runs that are past. Default: everything.
	Retention retention.Policy
	// AcceptDeletions confirms that manifests which are missing at the start are meant to be deleted.
	AcceptDeletions bool

	// AllowFileRepositories lets orders name repositories by file URL or absolute path.
	AllowFileRepositories bool
	// AllowHTTPHosts may be cloned from without TLS; GitHosts alone get the token.
	AllowHTTPHosts, GitHosts []string
	// AllowProtectedPaths lets work be pushed that touches workflow files and their like.
	AllowProtectedPaths bool
	// ProtectedPaths are globs of further paths that work must not touch.
	ProtectedPaths []string
	// AllowRepositories are globs of the repositories that orders may name, AllowAgents the types of agents; empty: all.
	AllowRepositories []string
	AllowAgents       []v1alpha1.AgentType
	// DefaultBudgetUSD is what a run may cost where its order names no budget, MaxBudgetUSD what any may; 0: no limit.
	DefaultBudgetUSD, MaxBudgetUSD float64
	// AuthorName and AuthorEmail sign the commits.
	AuthorName, AuthorEmail string

	// CommandsDir holds prompt templates that replace the built-in ones. Default: commands/ of the volume.
	CommandsDir string
	// PhaseTimeout and IdleTimeout hold where a spec names none.
	PhaseTimeout, IdleTimeout time.Duration
	// BackoffBase and BackoffMax bound the delay before another attempt.
	BackoffBase, BackoffMax time.Duration

	// ClaudePath, GHPath and GitPath are programs, looked up in PATH where they hold no slash.
	ClaudePath, GHPath, GitPath string
	// Model and MaxTurns hold for claude where a spec names none; MaxTurns 0 is no limit.
	Model    string
	MaxTurns int
	// SkipPermissions lets claude act without asking; AgentEvents logs what agents do; LogPrompts and
	// KeepTranscripts keep what went in and what came out.
	SkipPermissions, AgentEvents, LogPrompts, KeepTranscripts bool
	// AgentEnvironment names further variables that agents get.
	AgentEnvironment []string
	// AgentSandbox says whether agents have to be confined. AgentRead and AgentWrite are further paths that they may
	// use, AgentPorts, if not empty, the only TCP ports that they may connect to.
	AgentSandbox          sandbox.Mode
	AgentRead, AgentWrite []string
	AgentPorts            []int
	// SecretFiles hold secrets of the controller and are closed to agents.
	SecretFiles []string

	// GitHubHost is the GitHub host beside github.com.
	GitHubHost string
	// HostToken reads the token that a host has of its own; found is false for a host that has none. Nil: no host has.
	HostToken func(host string) (token string, found bool, err error)
	// GitHubToken reads the token anew; empty means none is configured.
	GitHubToken func() (string, error)
	// AnthropicAPIKey and ClaudeOAuthToken read the agent's credentials anew; empty means none.
	AnthropicAPIKey, ClaudeOAuthToken func() (string, error)

	// Redactor knows the secrets and takes them out of whatever leaves the controller. Those in files change; the
	// functions above make known to it what they read.
	Redactor *process.Redactor
	// ExtraCACerts is a folder of certificates to trust beside the system's; empty for none.
	ExtraCACerts string

	// Environ is the controller's own environment, from which allow lists choose.
	Environ []string
	// Self is the path of this binary, which git calls for credentials.
	Self string
	// Version is told by /health.
	Version string
}

// policy is what the configuration allows orders to ask for.
func (c Config) policy() v1alpha1.Policy {
	return v1alpha1.Policy{
		AllowFileRepositories: c.AllowFileRepositories,
		AllowHTTPHosts:        c.AllowHTTPHosts,
		AllowRepositories:     c.AllowRepositories,
		AllowAgents:           c.AllowAgents,
		MaxBudgetUSD:          c.MaxBudgetUSD,
		DataDir:               c.DataDir,
	}
}
