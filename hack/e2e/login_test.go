package e2e_test

import (
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/hack/scripted/github"
	"github.com/agent-work-orders/awo/hack/scripted/model"
)

const oauthToken = "sk-ant-oat01-e2e-token-that-must-not-leak"

// secretFile writes a file as Docker mounts a secret.
func (w *world) secretFile(content string, mode os.FileMode) string {
	w.t.Helper()
	f, err := os.CreateTemp(w.dir, "secret-")
	w.g.Expect(err).NotTo(HaveOccurred())
	_, err = f.WriteString(content)
	w.g.Expect(err).NotTo(HaveOccurred())
	w.g.Expect(f.Chmod(mode)).To(Succeed())
	w.g.Expect(f.Close()).To(Succeed())
	return f.Name()
}

func TestDoctorLogin(t *testing.T) {
	needs(t, "gh")
	for _, c := range []struct {
		name   string
		github github.Options
		env    func(w *world) []string
		want   []string
		fails  bool
	}{
		{
			name: "both good", github: github.Options{Scopes: []string{"repo", "workflow"}},
			env:  func(*world) []string { return []string{"GITHUB_TOKEN=" + githubToken, "ANTHROPIC_API_KEY=" + apiKey} },
			want: []string{`github login +OK +known to github.localhost as octo-bot, scopes repo workflow\n`, `anthropic login +OK +known to http://.* as organization org-scripted\n`},
		},
		{
			name: "from files, with a newline", github: github.Options{Scopes: []string{"repo", "workflow"}},
			env: func(w *world) []string {
				return []string{"GH_TOKEN_FILE=" + w.secretFile(githubToken+"\n", 0o400), "CLAUDE_CODE_OAUTH_TOKEN_FILE=" + w.secretFile(oauthToken+"\r\n", 0o400)}
			},
			want: []string{`github token +OK +from GH_TOKEN_FILE`, `github login +OK`, `anthropic login +OK`},
		},
		{
			name: "scopes that are missing", github: github.Options{Scopes: []string{"read:org"}},
			env:  func(*world) []string { return []string{"GITHUB_TOKEN=" + githubToken} },
			want: []string{`github login +WARN +known to github.localhost as octo-bot, scopes read:org; it lacks repo and workflow`, `anthropic login +WARN +not tried: there is no credential`},
		},
		{
			name: "fine-grained token",
			env:  func(*world) []string { return []string{"GITHUB_TOKEN=" + githubToken} },
			want: []string{`github login +OK +known to github.localhost as octo-bot, no classic token: GitHub does not tell what it may do`},
		},
		{
			name: "token of an app", github: github.Options{App: true},
			env:  func(*world) []string { return []string{"GITHUB_TOKEN=" + githubToken} },
			want: []string{`github login +OK +known to github.localhost as an app's token, which is no user's`},
		},
		{
			name: "none", env: func(*world) []string { return nil },
			want: []string{`github login +WARN +not tried: there is no token`, `anthropic login +WARN +not tried`},
		},
		{
			name: "both refused",
			env: func(*world) []string {
				return []string{"GITHUB_TOKEN=ghp_wrongwrongwrongwrong", "ANTHROPIC_API_KEY=sk-ant-wrongwrongwrong"}
			},
			want: []string{
				`github login +FAIL +refused: github.localhost answers 401 Unauthorized: Bad credentials; it is wrong, expired or revoked: make a new one at https://github.localhost/settings/tokens`,
				`anthropic login +FAIL +refused: http://.* answers 401 Unauthorized: invalid x-api-key; it is wrong, expired or revoked`,
			},
			fails: true,
		},
		{
			name: "refused OAuth token", env: func(*world) []string { return []string{"CLAUDE_CODE_OAUTH_TOKEN=sk-ant-oat01-wrongwrong"} },
			want: []string{`anthropic login +FAIL +refused: .*Invalid bearer token`}, fails: true,
		},
		{
			name: "nobody there",
			env: func(*world) []string {
				return []string{"GITHUB_TOKEN=" + githubToken, "ANTHROPIC_API_KEY=" + apiKey, "HTTP_PROXY=http://127.0.0.1:1", "ANTHROPIC_BASE_URL=http://127.0.0.1:1"}
			},
			want: []string{
				`github login +FAIL +github.localhost cannot be reached: .*connection refused; the proxy does not let it through: check HTTPS_PROXY`,
				`anthropic login +FAIL +http://127.0.0.1:1 cannot be reached: .*connection refused; nothing answers there`,
			},
			fails: true,
		},
		{
			name: "name that is not known",
			env: func(*world) []string {
				return []string{"ANTHROPIC_API_KEY=" + apiKey, "ANTHROPIC_BASE_URL=http://models.invalid", "NO_PROXY=models.invalid"}
			},
			want: []string{`anthropic login +FAIL +http://models.invalid cannot be reached: .*; (the name is not known: check the DNS|no answer in time)`}, fails: true,
		},
		{
			name: "clock", github: github.Options{Clock: func() time.Time { return time.Now().Add(-time.Hour) }},
			env:  func(*world) []string { return []string{"GITHUB_TOKEN=" + githubToken} },
			want: []string{`github login +OK`, `clock +WARN +the clock here is (1h0m|59m5\d)[0-9s]* ahead of that of github.localhost; set it`},
		},
		{
			name: "empty file", env: func(w *world) []string { return []string{"GITHUB_TOKEN_FILE=" + w.secretFile("\n", 0o400)} },
			want: []string{`github token +FAIL +GITHUB_TOKEN_FILE: .*/secret-[0-9]+ is empty`}, fails: true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.github.Token = githubToken
			hub, err := github.New(c.github)
			w.g.Expect(err).NotTo(HaveOccurred())
			t.Cleanup(func() { _ = hub.Close() })
			models, err := model.New(nil)
			w.g.Expect(err).NotTo(HaveOccurred())
			t.Cleanup(func() { _ = models.Close() })
			models.Admit(apiKey, oauthToken)
			w.env = append(w.env, hub.Environment()...)
			w.env = append(w.env, "GITHUB_TOKEN=", "ANTHROPIC_BASE_URL="+models.URL("x"))
			w.env = append(w.env, c.env(w)...)
			out, err := w.run("doctor", "--login")
			for _, want := range c.want {
				w.g.Expect(out).To(MatchRegexp(`(?m)^` + want))
			}
			w.g.Expect(err != nil).To(Equal(c.fails), out)
			for _, secret := range []string{githubToken, apiKey, oauthToken, "wrongwrong"} {
				w.g.Expect(out).NotTo(ContainSubstring(secret))
			}
		})
	}
}
