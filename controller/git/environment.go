package git

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/environ"
)

// flags are the configuration of every call. With no system and no user configuration and a git directory of ours
// they are nearly all that git is configured with; they also hold where a repository is not ours.
var flags = []string{
	"core.hooksPath=/dev/null",
	"core.fsmonitor=false",
	"core.untrackedCache=false",
	"core.splitIndex=false",
	"core.quotePath=false",
	"core.autocrlf=false",
	"core.safecrlf=false",
	"core.attributesFile=/dev/null",
	"core.excludesFile=/dev/null",
	"index.version=2",
	"protocol.ext.allow=never",
	"credential.helper=",
	"http.followRedirects=false",
	"http.lowSpeedLimit=1",
	"http.lowSpeedTime=120",
	"gc.auto=0",
	"maintenance.auto=false",
	"commit.gpgSign=false",
	"submodule.recurse=false",
	"advice.detachedHead=false",
}

// passing are the names of the variables that git may inherit beside PATH.
var passing = []string{
	"TMPDIR",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_PROXY_SSL_CAINFO",
}

// baseEnvironment is the part of the environment that all calls share.
func baseEnvironment(configured []string) []string {
	env := []string{
		"HOME=/nonexistent", "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0",
		"GIT_DEFAULT_REF_FORMAT=files", "GIT_PAGER=cat", "GIT_EDITOR=false",
	}
	for _, entry := range configured {
		if name, _, _ := strings.Cut(entry, "="); slices.Contains(passing, name) {
			env = append(env, entry)
		}
	}
	return append(withPlainProxy(env), "PATH="+cmp.Or(environ.Get(configured, "PATH"), process.DefaultPath))
}

// withPlainProxy repeats HTTP_PROXY in lower case, the only one that git's http library reads for http. Its reason,
// a CGI header of that name, is none for us, and gh and agents read the one in capitals.
func withPlainProxy(env []string) []string {
	proxy := environ.Get(env, "HTTP_PROXY")
	if _, found := environ.Lookup(env, "http_proxy"); found || proxy == "" {
		return env
	}
	return append(env, "http_proxy="+proxy)
}

// environment is the whole environment of one call.
func environment(base []string, k call) []string {
	env := slices.Clone(base)
	protocol := k.protocol
	if protocol == "" {
		protocol = "none"
	}
	env = append(env, "GIT_ALLOW_PROTOCOL="+protocol)
	if k.index != "" {
		env = append(env, "GIT_INDEX_FILE="+k.index)
	}
	if k.id != "" {
		// A git that outlives a crash of the controller is found and ended by this at the next start.
		env = append(env, "AWO_WORK_ORDER_ID="+k.id)
	}
	return append(env, k.env...)
}

// arguments are those of git before the command's own.
func arguments(k call) []string {
	var out []string
	for _, f := range slices.Concat(flags, k.config) {
		out = append(out, "-c", f)
	}
	if k.gitDir != "" {
		out = append(out, "--git-dir="+k.gitDir)
	}
	if k.workTree != "" {
		out = append(out, "--work-tree="+k.workTree)
	}
	return append(out, k.args...)
}
