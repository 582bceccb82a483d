package main

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestChecksOfValues(t *testing.T) {
	for name, c := range map[string]struct {
		check     func(string) error
		good, bad []string
	}{
		"hosts": {
			checkHost,
			[]string{"github.com", "ghe.corp:8443", "localhost", "127.0.0.1", "127.0.0.1:80", "::1", "[::1]:80", "a_b.example", "GitHub.com"},
			[]string{"", "https://github.com", "github.com/acme", "*", "a b", "user@host", "host:", "host:0", "host:x", "-a.com", "a..b", "*.github.com"},
		},
		"bind address": {checkBindAddress, []string{"127.0.0.1", "0.0.0.0", "::1", "localhost"}, []string{"", "foo", "999.1.1.1", "[::1]", "127.0.0.1:80"}},
		"author":       {checkAuthorName, []string{"Agent Work Orders", "J. Doe"}, []string{"<>", "...", " ", "a\nb", "a<b"}},
		"address":      {checkAuthorEmail, []string{"awo@example.com"}, []string{"", "a b", "<a@b>", "a\n", "."}},
		"model":        {checkModel, []string{"sonnet", "claude-opus-4-1[1m]"}, []string{"--foo", "a b"}},
		"variable":     {checkAgentVariable, []string{"NPM_TOKEN", "_x9"}, []string{"", "*", "a=b", "9x", "GITHUB_TOKEN", "GH_TOKEN_FILE"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			for _, word := range c.good {
				g.Expect(c.check(word)).To(Succeed(), "%q", word)
			}
			for _, word := range c.bad {
				g.Expect(c.check(word)).NotTo(Succeed(), "%q", word)
			}
		})
	}
}
