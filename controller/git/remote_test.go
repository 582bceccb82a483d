package git_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// A host that is listed without a port gets the token on whatever port; a longer name that ends like it does not.
func TestTokenForAHostListedWithoutItsPort(t *testing.T) {
	w := newWorld(t, githttp.Options{Token: token})
	_, err := w.server.Create(t.Context(), "app.git", githttp.Commit{Files: map[string]string{"f": "1"}})
	w.Expect(err).NotTo(HaveOccurred())
	host, _, err := net.SplitHostPort(w.server.Host())
	w.Expect(err).NotTo(HaveOccurred())
	w.config.Hosts, w.config.AllowHTTPHosts = []string{host}, []string{host}
	w.start()
	_, err = w.client.ListRemote(t.Context(), w.server.URL("app.git"))
	w.Expect(err).NotTo(HaveOccurred())
	w.config.Hosts = []string{"x" + host, host + "x", host + ":1"}
	w.start()
	_, err = w.client.ListRemote(t.Context(), w.server.URL("app.git"))
	w.Expect(failure.Of(err, "").Reason).To(Equal(v1alpha1.ReasonAuthenticationFailed))
}

func TestListRemote(t *testing.T) {
	w := newWorld(t, githttp.Options{Token: token})
	ctx := t.Context()
	for _, branch := range []string{"main", "master", "trunk/deep"} {
		sha, err := w.server.Create(ctx, branch+".git", githttp.Commit{Branch: branch, Files: map[string]string{"f": "1"}})
		w.Expect(err).NotTo(HaveOccurred())
		_, err = w.server.Git(ctx, branch+".git", "update-ref", "refs/x/refs/heads/trap", sha)
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(w.client.ListRemote(ctx, w.server.URL(branch+".git"))).To(Equal(
			git.Remote{DefaultBranch: branch, Branches: map[string]string{branch: sha}}))
		w.Expect(w.client.RemoteBranch(ctx, w.server.URL(branch), branch)).To(Equal(sha))
		w.Expect(w.client.RemoteBranch(ctx, w.server.URL(branch), "none")).To(BeEmpty())
	}
	_, err := w.server.Git(ctx, "main.git", "symbolic-ref", "HEAD", "refs/heads/missing")
	w.Expect(err).NotTo(HaveOccurred())
	remote, err := w.client.ListRemote(ctx, w.server.URL("main.git"))
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(remote.DefaultBranch).To(BeEmpty())
	w.Expect(remote.Branches).To(HaveLen(1))

	_, err = w.server.Create(ctx, "empty.git", githttp.Commit{})
	w.Expect(err).NotTo(HaveOccurred())
	_, err = w.client.ListRemote(ctx, w.server.URL("empty.git"))
	w.expectFailure(err, failure.Terminal, v1alpha1.ReasonCloneFailed, "no branch to start from")
}

func TestRemoteFailures(t *testing.T) {
	const auth, missing, clone = v1alpha1.ReasonAuthenticationFailed, v1alpha1.ReasonRepositoryNotFound, v1alpha1.ReasonCloneFailed
	plain := t.TempDir()
	ask := `Basic realm="x"`
	tests := map[string]struct {
		prepare func(w *world)
		url     string
		policy  failure.Policy
		reason  string
		says    string
	}{
		"wrong token": {func(w *world) { w.config.Token = func(string) (string, error) { return "wrong", nil } }, "",
			failure.Terminal, auth, "must be valid and allowed"},
		"no token": {func(w *world) { w.config.Token = nil }, "", failure.Terminal, auth, "GITHUB_TOKEN"},
		"foreign host": {func(w *world) { w.config.Hosts = []string{"github.com"} }, "",
			failure.Terminal, auth, "AWO_GIT_HOSTS"},
		"http not allowed for the token": {func(w *world) { w.config.AllowHTTPHosts = nil }, "", failure.Terminal, auth, ""},
		"401":                            {func(w *world) { w.answer(401, "WWW-Authenticate", ask) }, "", failure.Terminal, auth, "must be valid"},
		"403":                            {func(w *world) { w.answer(403) }, "", failure.Terminal, auth, "refuses access"},
		"404":                            {func(w *world) { w.answer(404) }, "", failure.Terminal, missing, "check the URL"},
		"301":                            {func(w *world) { w.answer(301, "Location", "http://127.0.0.1:1/") }, "", failure.Terminal, clone, "final address"},
		"400":                            {func(w *world) { w.answer(400) }, "", failure.Terminal, clone, "does not accept the request"},
		"429":                            {func(w *world) { w.answer(429) }, "", failure.Retry, clone, "is in trouble or asks to wait"},
		"500":                            {func(w *world) { w.answer(500) }, "", failure.Retry, clone, "is in trouble or asks to wait"},
		"503":                            {func(w *world) { w.answer(503) }, "", failure.Retry, clone, "is in trouble or asks to wait"},
		"hangs up": {func(w *world) {
			w.server.Before(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
		}, "", failure.Retry, clone, "can't be reached"},
		"silent": {func(w *world) {
			w.config.Timeout = 300 * time.Millisecond
			w.server.Before(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
		}, "", failure.Retry, clone, "did not answer in time"},
		"refused":      {nil, "http://127.0.0.1:1/a.git", failure.Retry, clone, "can't be reached"},
		"unknown host": {nil, "http://host.invalid/a.git", failure.Retry, clone, "can't be reached"},
		"no TLS there, and checks can't be switched off": {func(w *world) {
			w.config.Environment = append(w.config.Environment, "GIT_SSL_NO_VERIFY=1")
		}, "https", failure.Terminal, clone, "not trusted"},
		"missing path":      {nil, "/nonexistent/a.git", failure.Terminal, missing, "not a git repository"},
		"plain directory":   {nil, plain, failure.Terminal, missing, "not a git repository"},
		"ext":               {nil, "ext::sh -c id", failure.Terminal, v1alpha1.ReasonInvalidSpec, ""},
		"option":            {nil, "--upload-pack=x", failure.Terminal, v1alpha1.ReasonInvalidSpec, ""},
		"escape":            {nil, "https://h/../../x", failure.Terminal, v1alpha1.ReasonInvalidSpec, ""},
		"web page":          {func(w *world) { w.answer(200) }, "", failure.Terminal, missing, "not a git repository"},
		"repository absent": {nil, "absent", failure.Terminal, missing, "check the URL"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{Token: token})
			_, err := w.server.Create(t.Context(), "a.git", githttp.Commit{Files: map[string]string{"f": "1"}})
			w.Expect(err).NotTo(HaveOccurred())
			if test.prepare != nil {
				test.prepare(w)
			}
			w.start()
			url := test.url
			switch url {
			case "":
				url = w.server.URL("a.git")
			case "absent":
				url = w.server.URL("absent.git")
			case "https":
				url = "https" + w.server.URL("a.git")[len("http"):]
			}
			_, err = w.client.ListRemote(t.Context(), url)
			w.expectFailure(err, test.policy, test.reason, test.says)
			w.Expect(err.Error()).NotTo(ContainSubstring(token))
			for _, r := range w.server.Requests() {
				if name == "foreign host" || name == "http not allowed for the token" {
					w.Expect(r.Password).To(BeEmpty())
				}
			}
		})
	}
}

func TestForeignOwnerIsExplained(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("only root can give a repository away; git's text is checked in TestKindOf")
		return
	}
	w := newWorld(t, githttp.Options{})
	_, err := w.server.Create(t.Context(), "a.git", githttp.Commit{Files: map[string]string{"f": "1"}})
	w.Expect(err).NotTo(HaveOccurred())
	dir := w.server.Dir("a.git")
	w.Expect(filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, 12345, 12345)
	})).To(Succeed())
	_, err = w.client.ListRemote(t.Context(), dir)
	w.expectFailure(err, failure.Terminal, v1alpha1.ReasonCloneFailed, "belongs to another user")
}

func TestInterruptedCallsAreTyped(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	sha, err := w.server.Create(t.Context(), "a.git", githttp.Commit{Files: map[string]string{"f": "1"}})
	w.Expect(err).NotTo(HaveOccurred())
	arrived := make(chan struct{}, 9)
	w.server.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		arrived <- struct{}{}
		<-r.Context().Done()
		return true
	})
	ctx, cancel := contextWithCancel(t)
	done := make(chan error, 2)
	go func() { done <- w.client.Fetch(ctx, w.server.URL("a.git"), id, sha) }()
	<-arrived
	go func() { done <- w.client.Fetch(ctx, w.server.URL("a.git"), "wo-2", sha) }()
	cancel()
	for range 2 {
		w.expectFailure(<-done, failure.Interrupted, v1alpha1.ReasonInterrupted, "")
	}
	w.server.Before(nil)
	w.write(w.mirrorDir("a.git"), map[string]string{"packed-refs.lock": "", "refs/remotes/origin/main.lock": ""})
	w.Expect(w.client.Fetch(t.Context(), w.server.URL("a.git"), id, sha)).To(Succeed(), "locks of the interrupted fetch are gone")
}
