package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/agent-work-orders/awo/controller/process"
)

// versionTimeout bounds how long a program may think about its version.
const versionTimeout = 20 * time.Second

// runner runs a program to its end.
type runner interface {
	Run(ctx context.Context, c process.Command) (process.Result, error)
}

// versionBy returns a function that asks a program for its version.
func versionBy(r runner, environ []string) func(context.Context, string) (string, error) {
	return func(ctx context.Context, path string) (string, error) {
		result, err := r.Run(ctx, process.Command{Path: path, Args: []string{"--version"}, Env: environ, Timeout: versionTimeout})
		if err != nil {
			return "", fmt.Errorf("ask %s for its version: %w", path, err)
		}
		line, _, _ := strings.Cut(strings.TrimSpace(string(result.Stdout)), "\n")
		return strings.TrimSpace(line), nil
	}
}

// program is something that orders need.
type program struct {
	name, variable string
	// missing is how bad it is to do without.
	missing verdict
	advice  string
}

func programs() []program {
	return []program{
		{"git", "AWO_GIT_PATH", verdictFail, "install git"},
		{"claude", "CLAUDE_CLI_PATH", verdictWarn, "orders of agent type claude need it: `npm install -g @anthropic-ai/claude-code`, or set CLAUDE_CLI_PATH"},
		{"gh", "GH_CLI_PATH", verdictWarn, "pull requests on GitHub need it: https://cli.github.com, or set GH_CLI_PATH"},
	}
}

// checkPrograms finds git, claude and gh and asks them for their versions.
func (d *doctor) checkPrograms(ctx context.Context) []finding {
	needed := programs()
	findings := make([]finding, 0, len(needed))
	for _, each := range needed {
		findings = append(findings, d.checkProgram(ctx, each))
	}
	return findings
}

// programPath is what is configured for a program, by our variable or the inherited one.
func (d *doctor) programPath(name, inherited string) string {
	ours, _ := d.lookup(variableOf(name + "-path"))
	theirs, _ := d.lookup(inherited)
	return cmp.Or(ours, theirs, name)
}

func (d *doctor) checkProgram(ctx context.Context, p program) finding {
	path, err := process.LookPath(d.programPath(p.name, p.variable), d.environ)
	if err != nil {
		return finding{p.name, p.missing, "not found: " + err.Error(), p.advice}
	}
	version, err := d.version(ctx, path)
	if err != nil {
		return finding{p.name, p.missing, path + " cannot be run: " + err.Error(), p.advice}
	}
	return finding{p.name, verdictOK, path + ", " + version, ""}
}

// Variables of credentials.
const (
	variableGitHubToken = "GITHUB_TOKEN"            //nolint:gosec // the name of a variable
	variableGHToken     = "GH_TOKEN"                //nolint:gosec // the name of a variable
	variableAPIKey      = "ANTHROPIC_API_KEY"       //nolint:gosec // the name of a variable
	variableOAuthToken  = "CLAUDE_CODE_OAUTH_TOKEN" //nolint:gosec // the name of a variable
	variableGitHosts    = "AWO_GIT_HOSTS"
)

// checkCredentials tells which credentials are there, by name.
func (d *doctor) checkCredentials() []finding {
	findings := []finding{d.checkGitHubToken()}
	findings = append(findings, d.checkAnthropic()...)
	return append(findings, d.checkGitHosts(), d.checkTokenDir())
}

func (d *doctor) checkGitHubToken() finding {
	const check = "github token"
	host := d.githubHost()
	_, found, err := d.tokenDir().token(host)
	switch {
	case err != nil:
		return finding{check, verdictFail, err.Error(), ""}
	case found:
		return finding{check, verdictOK, "from " + variableTokenDir + ", the file " + host, ""}
	}
	for _, name := range []string{variableGitHubToken, variableGHToken} {
		source, err := d.secretSource(name)
		if err != nil {
			return finding{check, verdictFail, err.Error(), ""}
		}
		if source != "" {
			return finding{check, verdictOK, "from " + source, ""}
		}
	}
	return finding{check, verdictWarn, "none", "set " + variableGitHubToken + " or " + variableGitHubToken + "_FILE to push and to open pull requests"}
}

// secretSource returns the variable that a secret comes from, NAME or NAME_FILE; empty if it is not set.
func (d *doctor) secretSource(name string) (string, error) {
	secret, err := secretFromEnvironment(d.lookup, name)
	if secret == "" || err != nil {
		return "", err
	}
	if value, _ := d.lookup(name); value != "" {
		return name, nil
	}
	return name + "_FILE", nil
}

// checkAnthropic looks at the two credentials of claude, of which only one may be used.
func (d *doctor) checkAnthropic() []finding {
	const check = "anthropic credential"
	var sources []string
	for _, name := range []string{variableAPIKey, variableOAuthToken} {
		source, err := d.secretSource(name)
		if err != nil {
			return []finding{{check, verdictFail, err.Error(), ""}}
		}
		if source != "" {
			sources = append(sources, source)
		}
	}
	switch len(sources) {
	case 0:
		return []finding{{check, verdictWarn, "none", "set " + variableAPIKey + " or " + variableOAuthToken + " for orders of agent type claude"}}
	case 1:
		return []finding{{check, verdictOK, "from " + sources[0], ""}}
	}
	return []finding{{check, verdictWarn, "both " + strings.Join(sources, " and ") + " are set: only the API key reaches the agent",
		"unset one of them"}}
}

// checkGitHosts shows which hosts get the token.
func (d *doctor) checkGitHosts() finding {
	const check = "git hosts"
	value, _ := d.lookup(variableGitHosts)
	hosts := splitList(value)
	if len(hosts) == 0 {
		host, _ := d.lookup("GH_HOST")
		hosts = append([]string{"github.com"}, splitList(host)...)
	}
	for _, host := range hosts {
		if strings.ContainsAny(host, "/@") {
			return finding{check, verdictFail, fmt.Sprintf("%s: %q is not a host", variableGitHosts, host), "write host or host:port, such as github.com"}
		}
	}
	return finding{check, verdictOK, "only " + strings.Join(hosts, ", ") + " get the token", ""}
}

// checkTokenDir shows which hosts have a token of their own.
func (d *doctor) checkTokenDir() finding {
	const check = "git tokens"
	dir := d.tokenDir()
	hosts, err := dir.hosts()
	if err == nil {
		_, err = dir.all()
	}
	switch {
	case err != nil:
		return finding{check, verdictFail, err.Error(), ""}
	case dir == "":
		return finding{check, verdictOK, "no host has one of its own (" + variableTokenDir + ")", ""}
	case len(hosts) == 0:
		return finding{check, verdictWarn, fmt.Sprintf("%s: %s names no host", variableTokenDir, dir), "write each token into a file named by its host, such as github.com"}
	}
	return finding{check, verdictOK, strings.Join(hosts, ", ") + " have one of their own, in " + string(dir), ""}
}
