package main

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
)

func TestSecretsInVariables(t *testing.T) {
	for name, c := range map[string]struct {
		variable, value string
		want            []string
	}{
		"a proxy":                   {"HTTPS_PROXY", "http://user:pass%2Fword@proxy:8080/", []string{"pass%2Fword", "pass/word"}},
		"a proxy without a scheme":  {"https_proxy", "user:pass:w@rd@proxy:8080", []string{"pass:w@rd"}},
		"a proxy without a user":    {"HTTP_PROXY", "http://proxy:8080/a@b", nil},
		"headers":                   {"ANTHROPIC_CUSTOM_HEADERS", "X-Key: abc\nAuthorization: Bearer def\nbroken", []string{"abc", "Bearer def", "def"}},
		"by its name":               {"ANTHROPIC_FOUNDRY_API_KEY", "abc", []string{"abc"}},
		"by its name, in small":     {"npm_config_password", "abc", []string{"abc"}},
		"what says where one is":    {"SSH_KEY_PATH", "/home/user/.ssh/key", nil},
		"a setting of git":          {"GIT_CONFIG_KEY_0", "safe.directory", nil},
		"what is no secret":         {"ANTHROPIC_BASE_URL", "https://example.com", nil},
		"who needs no proxy at all": {"NO_PROXY", "localhost", nil},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(secretsIn(c.variable, c.value)).To(Equal(c.want))
		})
	}
}

func TestWhatAgentsGetIsKnown(t *testing.T) {
	g := NewWithT(t)
	r := process.NewRedactor()
	learnPassed(r, []string{
		"HTTPS_PROXY=http://u:proxy-password@h", "MY_API_KEY=named-by-hand", "OTHER_TOKEN=does-not-pass", "NPM_TOKEN=named-by-pattern", "MY_NAME=no-secret-at-all",
	}, []string{"MY_API_KEY", "MY_NAME", "NPM_*"})
	g.Expect(r.String("proxy-password named-by-hand does-not-pass named-by-pattern no-secret-at-all")).To(Equal(
		"[redacted] [redacted] does-not-pass [redacted] no-secret-at-all"))
}

func TestEveryCredentialIsKnown(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "token")
	g.Expect(os.WriteFile(file, []byte("token-in-a-file\n"), 0o600)).To(Succeed())
	o := &controllerOptions{}
	g.Expect(o.readSecrets(lookupIn(map[string]string{
		"GITHUB_TOKEN": "the-token-that-is-used", "GH_TOKEN": "the-other-token", "ANTHROPIC_AUTH_TOKEN": "bearer-of-a-gateway", "CLAUDE_CODE_OAUTH_TOKEN_FILE": file,
	}))).To(Succeed())
	g.Expect(o.config.Redactor.String("the-token-that-is-used the-other-token bearer-of-a-gateway token-in-a-file")).To(Equal(
		"[redacted] [redacted] [redacted] [redacted]"))
}
