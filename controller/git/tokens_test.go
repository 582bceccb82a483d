package git_test

import (
	"errors"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// passwords are all that a server was shown.
func passwords(s *githttp.Server) []string {
	seen := map[string]bool{}
	var out []string
	for _, r := range s.Requests() {
		if r.Password != "" && !seen[r.Password] {
			seen[r.Password] = true
			out = append(out, r.Password)
		}
	}
	return out
}

// Several hosts, each with a token of its own: none ever sees another's, and none sees the common one.
func TestEachHostSeesItsOwnToken(t *testing.T) {
	const one, two, common = "token-of-the-first-host", "token-of-the-second-host", "the-common-token"
	w := newWorld(t, githttp.Options{Token: one})
	second, err := githttp.New(githttp.Options{Root: filepath.Join(w.dir, "second"), Token: two})
	w.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(second.Close)
	third, err := githttp.New(githttp.Options{Root: filepath.Join(w.dir, "third"), Token: common})
	w.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(third.Close)
	own := map[string]string{w.server.Host(): one, second.Host(): two}
	w.config.HostToken = func(host string) (string, bool, error) {
		token, found := own[host]
		return token, found, nil
	}
	w.config.Token = func(string) (string, error) { return common, nil }
	w.config.Hosts = []string{w.server.Host(), third.Host()}
	w.config.AllowHTTPHosts = []string{w.server.Host(), second.Host(), third.Host()}
	w.start()
	for i, server := range []*githttp.Server{w.server, second, third} {
		sha, err := server.Create(t.Context(), "app.git", githttp.Commit{Files: map[string]string{"f": "1"}})
		w.Expect(err).NotTo(HaveOccurred())
		ws := w.workspace(server.URL("app.git"), "wo-0000000"+string(rune('0'+i)), sha)
		_, err = w.client.ListRemote(t.Context(), ws.URL)
		w.Expect(err).NotTo(HaveOccurred())
		w.checkout(ws)
		w.write(ws.Dir, map[string]string{"f": "2"})
		w.Expect(w.client.CheckPush(t.Context(), ws)).To(Succeed())
		w.Expect(w.client.Push(t.Context(), ws, w.collect(ws).Head, "")).To(Succeed())
	}
	w.Expect(passwords(w.server)).To(Equal([]string{one}))
	w.Expect(passwords(second)).To(Equal([]string{two}))
	w.Expect(passwords(third)).To(Equal([]string{common}))
}

// A token is read at each use, and what is wrong with it is told.
func TestTokenOfAHostIsReadAtEachUse(t *testing.T) {
	w := newWorld(t, githttp.Options{Token: token})
	_, err := w.server.Create(t.Context(), "a.git", githttp.Commit{Files: map[string]string{"f": "1"}})
	w.Expect(err).NotTo(HaveOccurred())
	current, found, failing := "expired-token", true, error(nil)
	w.config.HostToken = func(string) (string, bool, error) { return current, found, failing }
	w.start()
	_, err = w.client.ListRemote(t.Context(), w.server.URL("a.git"))
	w.expectFailure(err, failure.Terminal, v1alpha1.ReasonAuthenticationFailed, "its file in AWO_GIT_TOKEN_DIR")
	current = token
	_, err = w.client.ListRemote(t.Context(), w.server.URL("a.git"))
	w.Expect(err).NotTo(HaveOccurred())
	failing = errors.New("permission denied")
	_, err = w.client.ListRemote(t.Context(), w.server.URL("a.git"))
	w.expectFailure(err, failure.Retry, v1alpha1.ReasonAuthenticationFailed, "reading the token of "+w.server.Host(), "permission denied")
	found, current, failing = false, "", nil
	_, err = w.client.ListRemote(t.Context(), w.server.URL("a.git"))
	w.Expect(err).NotTo(HaveOccurred(), "without one of its own it gets the common one, for it is listed")

	w.config.Token = func(string) (string, error) { return "", errors.New("too many open files") }
	w.start()
	_, err = w.client.ListRemote(t.Context(), w.server.URL("a.git"))
	w.expectFailure(err, failure.Retry, v1alpha1.ReasonAuthenticationFailed, "too many open files")

	// A host of its own token is not thereby one that may be spoken to without TLS.
	found, current = true, token
	w.config.AllowHTTPHosts = nil
	w.start()
	_, err = w.client.ListRemote(t.Context(), w.server.URL("a.git"))
	w.expectFailure(err, failure.Terminal, v1alpha1.ReasonAuthenticationFailed)
}
