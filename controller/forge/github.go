package forge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/environ"
)

// DefaultHost is the forge that is meant when GH_HOST is not set.
const DefaultHost = "github.com"

// defaultTimeout bounds one call of gh.
const defaultTimeout = 2 * time.Minute

// GitHubConfig says how gh is called. Runner and Token are required.
type GitHubConfig struct {
	// Path is the gh command, a path or a name to look up in the PATH of Environment. Default: gh.
	Path   string
	Runner Runner
	// Environment is what gh gets beside what is set here; it should hold PATH and no secrets.
	Environment []string
	// Host is GH_HOST, the GitHub beside github.com. Default: github.com.
	Host string
	// ConfigDir is GH_CONFIG_DIR; empty: none, so that gh reads no configuration at all.
	ConfigDir string
	// Token returns the token for a host, "" when there is none. It is asked anew for each use, so that a rotated token holds
	// from then on.
	Token func(host string) (string, error)
	// Timeout bounds one call. Default: 2 minutes.
	Timeout time.Duration
}

// GitHub opens pull requests through the gh command.
type GitHub struct {
	config GitHubConfig
}

// NewGitHub returns a GitHub with the defaults filled in. It calls nothing.
func NewGitHub(c GitHubConfig) *GitHub {
	if c.Path == "" {
		c.Path = "gh"
	}
	if c.Host == "" {
		c.Host = DefaultHost
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return &GitHub{config: c}
}

// Serves tells whether a repository lies at this forge: on github.com or on GH_HOST, whatever its port.
func (g *GitHub) Serves(repository string) bool {
	parsed, err := v1alpha1.ParseRepositoryURL(repository)
	return err == nil && g.serves(parsed)
}

func (g *GitHub) serves(r v1alpha1.RepositoryURL) bool {
	return r.Scheme != v1alpha1.SchemeFile && g.host(r) != ""
}

// host is how gh calls the repository's host, "" when it is none of ours.
func (g *GitHub) host(r v1alpha1.RepositoryURL) string {
	name := (&url.URL{Host: r.Host}).Hostname()
	switch {
	case strings.EqualFold(r.Host, g.config.Host), strings.EqualFold(name, g.config.Host):
		return g.config.Host
	case strings.TrimPrefix(name, "www.") == DefaultHost:
		return DefaultHost
	}
	return ""
}

// location is a repository as gh wants it named.
type location struct{ host, owner, name string }

func (l location) String() string { return l.host + "/" + l.owner + "/" + l.name }

// locate finds owner and name in a repository's URL.
func (g *GitHub) locate(repository string) (location, error) {
	parsed, err := v1alpha1.ParseRepositoryURL(repository)
	if err != nil {
		return location{}, failure.NewTerminal(v1alpha1.ReasonInvalidSpec, fmt.Errorf("spec.repository.url: %w", err))
	}
	if !g.serves(parsed) {
		return location{}, failure.NewTerminal(v1alpha1.ReasonPullRequestFailed, fmt.Errorf(
			"no forge is known for %s; set GH_HOST if it is a GitHub, or leave PR out of spec.phases", parsed.Host))
	}
	parts := strings.Split(strings.Trim(parsed.Path, "/"), "/")
	if len(parts) != 2 || strings.TrimSuffix(parts[1], ".git") == "" {
		return location{}, failure.NewTerminal(v1alpha1.ReasonRepositoryNotFound, fmt.Errorf(
			"%s is not a repository of a GitHub; spec.repository.url must be https://%s/OWNER/NAME", parsed.Path, g.host(parsed)))
	}
	return location{host: g.host(parsed), owner: parts[0], name: strings.TrimSuffix(parts[1], ".git")}, nil
}

// Check tells whether a pull request could be opened for a repository at all: is there a token, is there a gh. It is
// asked before an agent is paid and calls nobody.
func (g *GitHub) Check(_ context.Context, repository string) error {
	at, err := g.locate(repository)
	if err != nil {
		return err
	}
	if _, err := g.token(at.host); err != nil {
		return err
	}
	if _, err := process.LookPath(g.config.Path, g.config.Environment); err != nil {
		return notInstalled(err)
	}
	return nil
}

// token reads the token; none is a failure that no retry mends, one that cannot be read just now may be written at this
// moment.
func (g *GitHub) token(host string) (string, error) {
	token, err := g.config.Token(host)
	if err != nil {
		return "", failure.NewRetry(v1alpha1.ReasonAuthenticationFailed, fmt.Errorf("reading the token for %s: %w", host, err))
	}
	if strings.TrimSpace(token) == "" {
		return "", failure.NewTerminal(v1alpha1.ReasonAuthenticationFailed, fmt.Errorf(
			"there is no token for %s; give the controller GITHUB_TOKEN or GITHUB_TOKEN_FILE, which is for the hosts in AWO_GIT_HOSTS alone, or a file in AWO_GIT_TOKEN_DIR: %s", host, scopes))
	}
	return strings.TrimSpace(token), nil
}

// scopes is what a token must be allowed to do.
const scopes = "a fine-grained token with Contents and Pull requests read and write, or a classic one with the scopes repo, " +
	"workflow and, to ask teams for a review, read:org"

// notInstalled says what to do about a gh that is not there.
func notInstalled(err error) error {
	return failure.NewTerminal(v1alpha1.ReasonPullRequestFailed, fmt.Errorf(
		"the GitHub command gh, which opens pull requests, is not there; install it or set GH_CLI_PATH: %w", err))
}

var versionPattern = regexp.MustCompile(`gh version (\S+)`)

// Version returns gh's version, such as 2.23.0.
func (g *GitHub) Version(ctx context.Context) (string, error) {
	result, err := g.config.Runner.Run(ctx, process.Command{
		Path: g.config.Path, Args: []string{"--version"}, Env: g.environment(g.config.Host, ""), Timeout: g.config.Timeout,
	})
	if err != nil {
		return "", fmt.Errorf("asking %s for its version: %w", g.config.Path, err)
	}
	m := versionPattern.FindSubmatch(result.Stdout)
	if m == nil {
		return "", fmt.Errorf("%s does not look like gh: it answers --version without one", g.config.Path)
	}
	return string(m[1]), nil
}

// gh runs the command with the token. Its failure is typed; doing says what was attempted.
func (g *GitHub) gh(ctx context.Context, at location, doing string, args ...string) ([]byte, error) {
	token, err := g.token(at.host)
	if err != nil {
		return nil, err
	}
	logr.FromContextOrDiscard(ctx).V(1).Info("Calling gh", "command", args[:min(2, len(args))], "repository", at.String())
	result, err := g.config.Runner.Run(ctx, process.Command{
		Path: g.config.Path, Args: args, Dir: "/", Env: g.environment(at.host, token),
		Timeout: g.config.Timeout, MaxOutput: maxAnswer,
	})
	switch {
	case err == nil && result.Truncated:
		return nil, failure.NewTerminal(v1alpha1.ReasonPullRequestFailed, fmt.Errorf("%s: gh's answer has more than %d bytes", doing, maxAnswer))
	case err == nil:
		return result.Stdout, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	return nil, typed(doing, at, err)
}

// maxAnswer bounds what is read of gh's output, in bytes: 50 pull requests of the longest kind and some more.
const maxAnswer = 16 << 20

// environment is gh's: what was configured, and what makes it quiet, unattended and ours alone.
func (g *GitHub) environment(host, token string) []string {
	set := map[string]string{
		"GH_HOST": host, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "GH_NO_EXTENSION_UPDATE_NOTIFIER": "1",
		"GH_TELEMETRY": "false", "GH_SPINNER_DISABLED": "1", "NO_COLOR": "1", "GH_PAGER": "cat",
		// gh and the git that it asks about a checkout read nothing that an agent of the same user could have written:
		// a gh configuration can send the token anywhere. Below /proc nobody can make these.
		"HOME": nowhere, "XDG_CONFIG_HOME": nowhere, "XDG_STATE_HOME": nowhere, "XDG_DATA_HOME": nowhere, "XDG_CACHE_HOME": nowhere,
		"GH_CONFIG_DIR": nowhere, "GIT_DIR": nowhere, "GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1",
	}
	if g.config.ConfigDir != "" {
		set["GH_CONFIG_DIR"] = g.config.ConfigDir
	}
	if token != "" {
		set["GH_TOKEN"] = token
		// gh takes the former for github.com and its kin alone, the latter for any other host.
		set["GH_ENTERPRISE_TOKEN"] = token
	}
	ours := make([]string, 0, len(set))
	for name, value := range set {
		ours = append(ours, name+"="+value)
	}
	return slices.Sorted(slices.Values(environ.With(environ.Without(g.config.Environment, never...), ours...)))
}

// nowhere is a directory that does not exist and that nobody can make.
const nowhere = "/proc/nowhere"

// never lists variables that would change what gh does, or make it print the token.
var never = []string{
	"GH_DEBUG", "DEBUG", "GH_REPO", "GH_FORCE_TTY", "GH_EDITOR", "GH_BROWSER", "CLICOLOR_FORCE",
	"GITHUB_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN",
}

// absent tells whether a command failed because there is no such program.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
