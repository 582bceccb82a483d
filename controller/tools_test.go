package controller

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestGhGetsTheTokenForItsHostsAlone(t *testing.T) {
	g := NewWithT(t)
	c := Config{GitHosts: []string{"github.com"}, GitHubToken: func() (string, error) { return "common", nil }}
	g.Expect(c.githubToken("github.com")).To(Equal("common"))
	g.Expect(c.githubToken("ghe.corp")).To(BeEmpty())
	c.HostToken = func(host string) (string, bool, error) { return "own", host == "ghe.corp", nil }
	g.Expect(c.githubToken("ghe.corp")).To(Equal("own"), "what a host has for itself it gets")
	g.Expect(c.githubToken("other.corp")).To(BeEmpty())
}
