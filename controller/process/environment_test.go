package process_test

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
)

func TestEnvironment(t *testing.T) {
	cases := []struct {
		name                 string
		environ, allow, want []string
	}{
		{name: "names and prefixes, sorted", environ: []string{"LC_ALL=C", "B=2", "A=1", "LC_TIME=de", "LCX=no", "AB=no"},
			allow: []string{"A", "B", "LC_*"}, want: []string{"A=1", "B=2", "LC_ALL=C", "LC_TIME=de"}},
		{name: "nothing allowed", environ: []string{"A=1"}, want: []string{}},
		{name: "the last counts", environ: []string{"A=1", "A=2"}, allow: []string{"A"}, want: []string{"A=2"}},
		{name: "empty is unset", environ: []string{"A=1", "A=", "=x", "broken"}, allow: []string{"A", "", "broken"}, want: []string{}},
		{name: "values with =", environ: []string{"A=b=c"}, allow: []string{"A"}, want: []string{"A=b=c"}},
		{name: "an asterisk alone is no prefix", environ: []string{"A=1", "X1=2"}, allow: []string{"*", "X*"}, want: []string{}},
		{name: "tokens never", environ: []string{"GITHUB_TOKEN=a", "GH_TOKEN=b", "GITHUB_TOKEN_FILE=c", "GH_TOKEN_FILE=d",
			"GH_ENTERPRISE_TOKEN=e", "GITHUB_ENTERPRISE_TOKEN=f", "GH_HOST=g"},
			allow: []string{"GITHUB_TOKEN", "GH_TOKEN", "GH_*", "GITHUB_*"}, want: []string{"GH_HOST=g"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			NewWithT(t).Expect(process.Environment(c.environ, c.allow...)).To(Equal(c.want))
		})
	}
}

func TestAllowLists(t *testing.T) {
	g := NewWithT(t)
	environ := []string{
		"ANTHROPIC_API_KEY=x", "ANTHROPIC_BASE_URL=x", "CLAUDE_CODE_OAUTH_TOKEN=x", "API_TIMEOUT_MS=x", "HTTPS_PROXY=x",
		"no_proxy=x", "SSL_CERT_FILE=x", "NODE_EXTRA_CA_CERTS=x", "LANG=x", "PATH=x", "HOME=x", "TMPDIR=x", "GIT_SSL_CAINFO=x",
		"GH_HOST=x", "GH_CONFIG_DIR=x", "GITHUB_TOKEN=x", "AWS_SECRET_ACCESS_KEY=x", "SSH_AUTH_SOCK=x", "AWO_DATA_DIR=x",
	}
	g.Expect(process.Environment(environ, process.AgentAllow...)).To(ConsistOf("ANTHROPIC_API_KEY=x", "ANTHROPIC_BASE_URL=x",
		"CLAUDE_CODE_OAUTH_TOKEN=x", "API_TIMEOUT_MS=x", "HTTPS_PROXY=x", "no_proxy=x", "SSL_CERT_FILE=x",
		"NODE_EXTRA_CA_CERTS=x", "LANG=x", "PATH=x", "HOME=x", "TMPDIR=x"))
	g.Expect(process.Environment(environ, process.ToolAllow...)).To(ConsistOf("HTTPS_PROXY=x", "no_proxy=x", "SSL_CERT_FILE=x",
		"LANG=x", "PATH=x", "HOME=x", "TMPDIR=x", "GIT_SSL_CAINFO=x", "GH_HOST=x", "GH_CONFIG_DIR=x"))
}

func TestOneAnthropicCredential(t *testing.T) {
	cases := []struct {
		name      string
		env, want []string
		dropped   bool
	}{
		{name: "both", env: []string{"A=1", "CLAUDE_CODE_OAUTH_TOKEN=t", "ANTHROPIC_API_KEY=k"},
			want: []string{"A=1", "ANTHROPIC_API_KEY=k"}, dropped: true},
		{name: "key", env: []string{"ANTHROPIC_API_KEY=k"}, want: []string{"ANTHROPIC_API_KEY=k"}},
		{name: "token", env: []string{"CLAUDE_CODE_OAUTH_TOKEN=t"}, want: []string{"CLAUDE_CODE_OAUTH_TOKEN=t"}},
		{name: "empty key", env: []string{"ANTHROPIC_API_KEY=", "CLAUDE_CODE_OAUTH_TOKEN=t"},
			want: []string{"ANTHROPIC_API_KEY=", "CLAUDE_CODE_OAUTH_TOKEN=t"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			single, dropped := process.OneAnthropicCredential(c.env)
			g.Expect(single).To(Equal(c.want))
			g.Expect(dropped).To(Equal(c.dropped))
		})
	}
}
