package process

import (
	"slices"
	"strings"

	"github.com/agent-work-orders/awo/controller/process/environ"
)

// common is what every child may know: where programs and its own directories are, the language, and the way to
// the network.
var common = []string{
	"PATH", "HOME", "TMPDIR", "LANG", "LANGUAGE", "LC_*",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"SSL_CERT_*",
}

// AgentAllow lists the variables that pass to an agent: its own credentials and endpoint, the network, locale and
// directories.
var AgentAllow = append(slices.Clone(common), "ANTHROPIC_*", "CLAUDE_CODE_*", "API_TIMEOUT_MS", "NODE_EXTRA_CA_CERTS")

// ToolAllow lists the variables that pass to git and gh.
var ToolAllow = append(slices.Clone(common), "GIT_SSL_CAINFO", "GH_HOST", "GH_CONFIG_DIR")

// refused never pass, whatever a list says: they are, or lead to, the right to push. Who needs one is given it
// explicitly.
var refused = []string{
	"GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN_FILE", "GH_TOKEN_FILE",
	"GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_ENTERPRISE_TOKEN_FILE", "GITHUB_ENTERPRISE_TOKEN_FILE",
}

const (
	apiKeyVariable     = "ANTHROPIC_API_KEY"       //nolint:gosec // the name of a variable
	oauthTokenVariable = "CLAUDE_CODE_OAUTH_TOKEN" //nolint:gosec // the name of a variable
)

// Environment returns the inherited entries whose names are allowed, sorted. An allowed name may end in _* for all
// that begin with what stands before the asterisk. An empty variable counts as unset, of two with one name the
// last counts, and GitHub's tokens never pass.
func Environment(inherited []string, allow ...string) []string {
	values := map[string]string{}
	for _, entry := range inherited {
		if name, value, ok := strings.Cut(entry, "="); ok {
			values[name] = value
		}
	}
	passed := make([]string, 0, len(values))
	for name, value := range values {
		if name != "" && value != "" && !slices.Contains(refused, name) && allowed(name, allow) {
			passed = append(passed, name+"="+value)
		}
	}
	slices.Sort(passed)
	return passed
}

// allowed says whether a name is in the list.
func allowed(name string, allow []string) bool {
	return slices.ContainsFunc(allow, func(pattern string) bool {
		if strings.HasSuffix(pattern, "_*") {
			return strings.HasPrefix(name, strings.TrimSuffix(pattern, "*"))
		}
		return name == pattern
	})
}

// OneAnthropicCredential leaves only the API key in an agent's environment if the OAuth token is there, too: with both
// the agent takes the key and bills it without a word. dropped says that the token was taken out.
func OneAnthropicCredential(env []string) (single []string, dropped bool) {
	if environ.Get(env, apiKeyVariable) == "" || environ.Get(env, oauthTokenVariable) == "" {
		return env, false
	}
	return environ.Without(env, oauthTokenVariable), true
}
