package githttp_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// git runs git as a client that knows nothing but its arguments.
func git(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x",
	}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestServesWhatWasCreated(t *testing.T) {
	g := NewWithT(t)
	s, err := githttp.New(githttp.Options{Root: filepath.Join(t.TempDir(), "root")})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(s.Close)
	first, err := s.Create(t.Context(), "acme/app.git", githttp.Commit{Branch: "trunk", Files: map[string]string{"a \"b\"\n": "1"}})
	g.Expect(err).NotTo(HaveOccurred())
	second, err := s.Add(t.Context(), "acme/app.git", githttp.Commit{Branch: "trunk", Message: "m", Files: map[string]string{"c": "2"}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(git(t, "ls-remote", s.URL("acme/app.git"))).To(Equal(second + "\tHEAD\n" + second + "\trefs/heads/trunk"))
	g.Expect(s.Git(t.Context(), "acme/app.git", "rev-list", "trunk")).To(Equal(second + "\n" + first))
	g.Expect(s.Git(t.Context(), "acme/app.git", "ls-tree", "-z", "--name-only", "trunk")).To(Equal("a \"b\"\n\x00c\x00"))
	g.Expect(s.Create(t.Context(), "empty.git", githttp.Commit{})).To(BeEmpty())
	g.Expect(git(t, "ls-remote", s.URL("empty.git"))).To(BeEmpty())
	_, err = git(t, "ls-remote", s.URL("none.git"))
	g.Expect(err).To(HaveOccurred())
	_, err = s.Git(t.Context(), "none.git", "log")
	g.Expect(err).To(MatchError(ContainSubstring("not a git repository")))

	clone := filepath.Join(t.TempDir(), "clone")
	_, err = git(t, "clone", "-q", s.URL("acme/app.git"), clone)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(git(t, "-C", clone, "commit", "--allow-empty", "-q", "-m", "x")).To(BeEmpty())
	g.Expect(git(t, "-C", clone, "push", "-q", "origin", "HEAD:new")).To(BeEmpty())
	g.Expect(s.Git(t.Context(), "acme/app.git", "rev-parse", "new^")).To(Equal(second))
}

func TestTokenIsRequired(t *testing.T) {
	for name, o := range map[string]githttp.Options{"for all": {Token: "s"}, "for pushes": {Token: "s", PublicReads: true}} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o.Root = t.TempDir()
			s, err := githttp.New(o)
			g.Expect(err).NotTo(HaveOccurred())
			t.Cleanup(s.Close)
			sha, err := s.Create(t.Context(), "a.git", githttp.Commit{Files: map[string]string{"f": "1"}})
			g.Expect(err).NotTo(HaveOccurred())
			_, err = git(t, "ls-remote", s.URL("a.git"))
			g.Expect(err == nil).To(Equal(o.PublicReads))
			_, err = git(t, "--git-dir="+s.Dir("a.git"), "push", s.URL("a.git"), sha+":refs/heads/x")
			g.Expect(err).To(HaveOccurred())
			with := strings.Replace(s.URL("a.git"), "://", "://"+githttp.User+":s@", 1)
			_, err = git(t, "--git-dir="+s.Dir("a.git"), "push", with, sha+":refs/heads/x")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(s.Git(t.Context(), "a.git", "rev-parse", "x")).To(Equal(sha))
			requests := s.Requests()
			last := requests[len(requests)-1]
			g.Expect([]string{last.Method, last.User, last.Password, last.Service}).NotTo(ContainElement(""))
		})
	}
}

func TestHooksOfTheTest(t *testing.T) {
	g := NewWithT(t)
	var after []string
	s, err := githttp.New(githttp.Options{Root: t.TempDir(), TLS: true, After: func(r *http.Request) { after = append(after, r.Method) }})
	g.Expect(err).NotTo(HaveOccurred())
	_, err = s.Create(t.Context(), "a.git", githttp.Commit{Files: map[string]string{"f": "1"}})
	g.Expect(err).NotTo(HaveOccurred())
	ca := filepath.Join(t.TempDir(), "ca.pem")
	g.Expect(os.WriteFile(ca, s.Certificate(), 0o600)).To(Succeed())
	trusting := []string{"-c", "http.sslCAInfo=" + ca, "ls-remote", s.URL("a.git")}
	s.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "down", http.StatusBadGateway)
		return true
	})
	_, err = git(t, trusting...)
	g.Expect(err).To(HaveOccurred())
	g.Expect(after).To(BeEmpty())
	s.Before(nil)
	g.Expect(git(t, trusting...)).To(ContainSubstring("refs/heads/main"))
	_, err = git(t, "ls-remote", s.URL("a.git"))
	g.Expect(err).To(HaveOccurred(), "an unknown authority")
	s.Close()
	g.Expect(after).To(Equal([]string{"GET", "POST"}))
	g.Expect(s.Host()).To(HavePrefix("127.0.0.1:"))
}

func TestHandlerNeedsARoot(t *testing.T) {
	g := NewWithT(t)
	g.Expect(githttp.NewHandler(githttp.Options{})).Error().To(HaveOccurred())
	s, err := githttp.NewHandler(githttp.Options{Root: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	s.Close()
	g.Expect(s.Certificate()).To(BeNil())
}
