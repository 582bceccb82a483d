package git

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

const (
	// defaultTimeout bounds one call of git where Config.Timeout is 0.
	defaultTimeout = 10 * time.Minute
	// transferTimeout bounds one that brings a repository over for who is patient.
	transferTimeout = 168 * time.Hour
)

// The identity of commits where none is configured.
const (
	defaultName  = "Agent Work Orders"
	defaultEmail = "awo@localhost"
)

// Runner starts a program and waits for it; *process.Spawner is one.
type Runner interface {
	Run(ctx context.Context, c process.Command) (process.Result, error)
}

// Config is what a Client needs. Path, Spawner and Mirrors are required.
type Config struct {
	// Path is the git program.
	Path string
	// Spawner starts it.
	Spawner Runner
	// Environment is what git may inherit: of it PATH, TMPDIR, proxies and certificate locations pass, the rest is
	// left out.
	Environment []string
	// AuthorName and AuthorEmail are author and committer of the controller's commits, and the identity that an
	// agent finds configured in its workspace. Default: Agent Work Orders <awo@localhost>.
	AuthorName, AuthorEmail string
	// HostToken returns the token that a host has of its own; found is false for a host that has none, to which Token and
	// Hosts apply. Nil: no host has.
	HostToken func(host string) (token string, found bool, err error)
	// Token returns the token for one of Hosts, "" if none is configured. Nil: none for any host.
	Token func(host string) (string, error)
	// Hosts are the only hosts that get Token's: HOST:PORT, or HOST for whatever port.
	Hosts []string
	// Self is the awo binary; `awo git-credential` is git's credential helper.
	Self string
	// AllowHTTPHosts are the hosts that may be reached without TLS.
	AllowHTTPHosts []string
	// Secrets are what FindLeak looks for. Nil: nothing.
	Secrets Secrets
	// Limits bound the work of a run. Default: none.
	Limits Limits
	// Mirrors is the directory of the mirrors.
	Mirrors string
	// DataDir is the volume, into which no repository in the file system may lead. Empty: they are not followed.
	DataDir string
	// Sandbox confines the git that reads an agent's repository; nil does not.
	Sandbox *sandbox.Policy
	// Timeout bounds each call of git that brings no repository over. Default: 10 minutes.
	Timeout time.Duration
}

// Client runs git. Its methods may be called from any goroutine; two calls for the same run must not overlap.
type Client struct {
	config  Config
	base    []string
	mirrors registry
	// fresh holds, by run, the stamp of an index that nothing was staged in yet.
	fresh sync.Map
}

// New returns a Client. It touches neither disk nor git.
func New(c Config) *Client {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.AuthorName == "" || c.AuthorEmail == "" {
		c.AuthorName, c.AuthorEmail = defaultName, defaultEmail
	}
	return &Client{config: c, base: baseEnvironment(c.Environment)}
}

// Version returns what `git version` prints, such as "git version 2.39.5".
func (c *Client) Version(ctx context.Context) (string, error) {
	res, err := c.run(ctx, call{args: []string{"version"}})
	if err != nil {
		return "", fmt.Errorf("asking %s for its version: %w", c.config.Path, err)
	}
	return strings.TrimSpace(string(res.Stdout)), nil
}

// token returns the token that may be sent to a repository's host, or "". own tells that the host has it for itself. One
// that cannot be read just now is tried again: it may be written at this moment.
func (c *Client) token(l location) (token string, own bool, err error) {
	if l.scheme == schemeFile || l.scheme == schemeHTTP && !v1alpha1.HostAllowed(l.host, c.config.AllowHTTPHosts) {
		return "", false, nil
	}
	if c.config.HostToken != nil {
		token, own, err = c.config.HostToken(l.host)
	}
	if err == nil && !own && c.config.Token != nil && v1alpha1.HostAllowed(l.host, c.config.Hosts) {
		token, err = c.config.Token(l.host)
	}
	if err != nil {
		return "", own, failure.NewRetry(v1alpha1.ReasonAuthenticationFailed, fmt.Errorf("reading the token of %s: %w", l.host, err))
	}
	return token, own, nil
}

// mirrorDir returns the absolute path of a repository's mirror.
func (c *Client) mirrorDir(l location) string {
	return filepath.Join(c.config.Mirrors, l.mirror)
}
