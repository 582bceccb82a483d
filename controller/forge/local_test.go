package forge_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/forge"
)

func TestLocal(t *testing.T) {
	g := NewWithT(t)
	local := forge.NewLocal()
	g.Expect(local.Check(t.Context(), "file:///srv/app")).To(Succeed())
	file := filepath.Join(t.TempDir(), "a b#c", "pull-request.md")
	g.Expect(os.MkdirAll(filepath.Dir(file), 0o700)).To(Succeed())

	_, err := local.Ensure(t.Context(), forge.PullRequest{BodyFile: file})
	g.Expect(failure.Of(err, "").Reason).To(Equal("PullRequestFailed"))

	g.Expect(os.WriteFile(file, []byte("text"), 0o600)).To(Succeed())
	opened, err := local.Ensure(t.Context(), forge.PullRequest{BodyFile: file})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(opened.URL).To(And(HavePrefix("file:///"), HaveSuffix("/a%20b%23c/pull-request.md")))
	g.Expect(opened.Number).To(BeZero())
	g.Expect(opened.State).To(Equal(forge.StateOpen))
}

func TestServes(t *testing.T) {
	hub := forge.NewGitHub(forge.GitHubConfig{Host: "ghe.example.com"})
	plain := forge.NewGitHub(forge.GitHubConfig{})
	local := forge.NewLocal()
	for repository, want := range map[string][3]bool{
		"https://github.com/acme/app.git":          {true, true, false},
		"https://www.github.com/acme/app":          {true, true, false},
		"https://GitHub.com/acme/app":              {true, true, false},
		"https://ghe.example.com/acme/app":         {true, false, false},
		"https://ghe.example.com:8443/acme/app":    {true, false, false},
		"https://github.com.evil.example/acme/app": {false, false, false},
		"https://gitlab.com/acme/app":              {false, false, false},
		"file:///srv/git/app.git":                  {false, false, true},
		"/srv/git/app.git":                         {false, false, true},
		"git@github.com:acme/app.git":              {false, false, false},
		"":                                         {false, false, false},
	} {
		t.Run(repository, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect([3]bool{hub.Serves(repository), plain.Serves(repository), local.Serves(repository)}).To(Equal(want))
		})
	}
}
