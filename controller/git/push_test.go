package git_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// worked returns a world with a workspace whose work is collected.
func worked(t *testing.T, o githttp.Options) (*world, git.Workspace, string) {
	t.Helper()
	w := newWorld(t, o)
	ws := w.create("acme/app.git", map[string]string{"f": "1\n"})
	w.write(ws.Dir, map[string]string{"f": "2\n"})
	return w, ws, w.collect(ws).Head
}

func (w *world) remote(branch string) string {
	w.tb.Helper()
	sha, err := w.server.Git(w.tb.Context(), "acme/app.git", "rev-parse", "--verify", "--quiet", "refs/heads/"+branch)
	if err != nil {
		return ""
	}
	return sha
}

func TestPush(t *testing.T) {
	w, ws, head := worked(t, githttp.Options{Token: token})
	ctx := t.Context()
	w.Expect(w.client.Push(ctx, ws, head, "")).To(Succeed())
	w.Expect(w.remote(ws.Branch)).To(Equal(head))
	w.Expect(w.client.Push(ctx, ws, head, "")).To(Succeed(), "again, after a crash")
	w.write(ws.Dir, map[string]string{"f": "3\n"})
	next := w.collect(ws).Head
	w.Expect(w.client.Push(ctx, ws, next, head)).To(Succeed(), "with a lease on our own commit")
	w.Expect(w.remote(ws.Branch)).To(Equal(next))

	foreign, err := w.server.Add(ctx, "acme/app.git", githttp.Commit{Branch: ws.Branch, Files: map[string]string{"f": "theirs"}})
	w.Expect(err).NotTo(HaveOccurred())
	for _, lease := range []string{"", head, next} {
		err = w.client.Push(ctx, ws, head, lease)
		w.expectFailure(err, failure.Terminal, v1alpha1.ReasonPushRejected, "not from this order")
	}
	w.Expect(w.remote(ws.Branch)).To(Equal(foreign))
	for _, r := range w.server.Requests() {
		w.Expect(r.Password).To(Or(BeEmpty(), Equal(token)))
	}
	w.expectNoToken()
}

// expectNoToken looks for the token in every file of the world.
func (w *world) expectNoToken() {
	w.tb.Helper()
	w.Expect(filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		w.Expect(strings.Contains(string(data), token)).To(BeFalse(), path)
		return err
	})).To(Succeed())
}

func TestPushOverTLSWithTheRealHelper(t *testing.T) {
	w := newWorld(t, githttp.Options{Token: token, TLS: true})
	w.write(w.dir, map[string]string{"ca.pem": string(w.server.Certificate())})
	w.config.Environment = append(w.config.Environment, "GIT_SSL_CAINFO="+filepath.Join(w.dir, "ca.pem"))
	w.config.AllowHTTPHosts = nil
	w.config.Self = w.oddlyNamedSelf()
	w.start()
	ws := w.create("acme/app.git", map[string]string{"f": "1\n"})
	w.write(ws.Dir, map[string]string{"f": "2\n"})
	head := w.collect(ws).Head
	w.Expect(w.client.Push(t.Context(), ws, head, "")).To(Succeed())
	w.Expect(w.remote(ws.Branch)).To(Equal(head))
	w.expectNoToken()
}

// oddlyNamedSelf is this program under a path that a careless shell would run something of.
func (w *world) oddlyNamedSelf() string {
	self, err := os.Executable()
	w.Expect(err).NotTo(HaveOccurred())
	dir := filepath.Join(w.dir, `it's "a" $(touch x); dir`)
	w.Expect(os.MkdirAll(dir, 0o755)).To(Succeed())
	odd := filepath.Join(dir, "awo")
	w.Expect(os.Symlink(self, odd)).To(Succeed())
	return odd
}

func TestTokenIsNotSeenByOthers(t *testing.T) {
	w, ws, head := worked(t, githttp.Options{Token: token})
	seen := 0
	w.server.Before(func(http.ResponseWriter, *http.Request) bool {
		for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/environ"} {
			files, err := filepath.Glob(pattern)
			w.Expect(err).NotTo(HaveOccurred())
			for _, file := range files {
				data, _ := os.ReadFile(file)
				seen += strings.Count(string(data), token)
			}
		}
		return false
	})
	w.Expect(w.client.Push(t.Context(), ws, head, "")).To(Succeed())
	w.Expect(seen).To(BeZero())
}

func TestPushFailures(t *testing.T) {
	const rejected = v1alpha1.ReasonPushRejected
	tests := map[string]struct {
		prepare func(w *world)
		policy  failure.Policy
		reason  string
		says    string
	}{
		"hook": {func(w *world) { w.hook("echo 'no \x1b[31mmerge'; exit 1") }, failure.Terminal, rejected, "the server says: no"},
		"protected": {func(w *world) { w.hook("echo 'error: GH006: Protected branch update failed'; exit 1") },
			failure.Terminal, rejected, "protects this branch"},
		"workflow": {func(w *world) { w.hook("echo 'refusing to allow an OAuth App to create workflow'; exit 1") },
			failure.Terminal, rejected, "scope workflow"},
		"file and directory": {func(w *world) {
			_, err := w.server.Git(w.tb.Context(), "acme/app.git", "branch", "awo", "main")
			w.Expect(err).NotTo(HaveOccurred())
		}, failure.Terminal, rejected, "awo"},
		"read only": {func(w *world) {
			w.server.Before(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("service") == "git-receive-pack" {
					http.Error(rw, "Write access not granted", http.StatusForbidden)
					return true
				}
				return false
			})
		}, failure.Terminal, v1alpha1.ReasonAuthenticationFailed, "read and write"},
		"down": {func(w *world) { w.answer(502) }, failure.Retry, rejected, "is in trouble or asks to wait"},
		"cut off": {func(w *world) {
			w.server.Before(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost {
					panic(http.ErrAbortHandler)
				}
				return false
			})
		}, failure.Retry, rejected, ""},
		"check fails": {func(w *world) {
			w.server.Before(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("service") == "git-upload-pack" {
					http.Error(rw, "x", http.StatusBadGateway)
					return true
				}
				return false
			})
		}, failure.Retry, rejected, "checking the push"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w, ws, head := worked(t, githttp.Options{Token: token})
			test.prepare(w)
			err := w.client.Push(t.Context(), ws, head, "")
			w.expectFailure(err, test.policy, test.reason, test.says)
			w.Expect(err.Error()).NotTo(ContainSubstring("\x1b"))
			w.server.Before(nil)
			if test.policy == failure.Retry {
				w.Expect(w.client.Push(t.Context(), ws, head, "")).To(Succeed())
			}
		})
	}
}

// hook gives the served repository a pre-receive hook.
func (w *world) hook(script string) { w.hookNamed("pre-receive", script) }

func (w *world) hookNamed(name, script string) {
	file := filepath.Join(w.server.Dir("acme/app.git"), "hooks", name)
	w.Expect(os.MkdirAll(filepath.Dir(file), 0o755)).To(Succeed())
	w.Expect(os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o755)).To(Succeed())
}

func TestPushNoticesThatTheRemoteDidNotKeepIt(t *testing.T) {
	w, ws, head := worked(t, githttp.Options{})
	w.hookNamed("post-receive", "git update-ref -d refs/heads/"+ws.Branch)
	err := w.client.Push(t.Context(), ws, head, "")
	w.expectFailure(err, failure.Retry, v1alpha1.ReasonPushRejected, "after a push")
}

func TestFileRepositories(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ctx := t.Context()
	sha, err := w.server.Create(ctx, "acme/app.git", githttp.Commit{Files: map[string]string{"f": "1\n"}})
	w.Expect(err).NotTo(HaveOccurred())
	for i, url := range []string{w.server.Dir("acme/app.git"), "file://" + w.server.Dir("acme/app.git") + "/"} {
		remote, err := w.client.ListRemote(ctx, url)
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(remote.DefaultBranch).To(Equal("main"))
		ws := w.workspace(url, []string{"wo-1", "wo-2"}[i], sha)
		w.checkout(ws)
		w.write(ws.Dir, map[string]string{"f": "2\n"})
		head := w.collect(ws).Head
		w.Expect(w.client.Push(ctx, ws, head, "")).To(Succeed())
		w.Expect(w.remote(ws.Branch)).To(Equal(head))
	}
	w.Expect(filepath.Join(w.config.Mirrors, "file", w.server.Dir("acme/app.git")+".git", "HEAD")).To(BeARegularFile())
}

func TestBundle(t *testing.T) {
	w, ws, head := worked(t, githttp.Options{})
	ctx := t.Context()
	file := filepath.Join(w.dir, "outputs.bundle")
	w.Expect(w.client.Bundle(ctx, ws, ws.BaseCommit, file)).To(Succeed())
	w.Expect(file).NotTo(BeAnExistingFile())
	w.Expect(w.client.Bundle(ctx, ws, head, file)).To(Succeed())
	w.write(w.dir, map[string]string{".awo-outputs.bundle.tmp": "half of what a dead controller wrote"})
	w.Expect(w.client.Bundle(ctx, ws, head, file)).To(Succeed(), "again")
	clone := filepath.Join(w.dir, "clone")
	w.agent(w.dir, "clone", "-q", w.server.Dir("acme/app.git"), clone)
	w.Expect(w.agent(clone, "bundle", "verify", "--quiet", file)).To(ContainSubstring("okay"))
	w.Expect(w.agent(clone, "bundle", "list-heads", file)).To(Equal(head + " refs/heads/" + ws.Branch))
	w.agent(clone, "fetch", "-q", file, ws.Branch)
	w.Expect(w.agent(clone, "show", "FETCH_HEAD:f")).To(Equal("2"))
	w.Expect(w.client.Bundle(ctx, ws, head, filepath.Join(w.dir, "missing", "x"))).NotTo(Succeed())
	w.Expect(w.client.Bundle(ctx, ws, strings.Repeat("12", 20), file+"2")).NotTo(Succeed())
	w.Expect(filepath.Glob(filepath.Join(w.dir, ".*"))).To(BeEmpty(), "nothing is left beside it")
}

func TestSHA256Repository(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ctx := t.Context()
	source := filepath.Join(w.dir, "sha256")
	w.agent(w.dir, "init", "-q", "--object-format=sha256", "-b", "main", source)
	w.agent(source, "config", "user.name", "x")
	w.agent(source, "config", "user.email", "x")
	base := w.commit(source, map[string]string{"f": "1\n"})
	w.Expect(base).To(HaveLen(64))
	remote, err := w.client.ListRemote(ctx, source)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(remote.Branches["main"]).To(Equal(base))
	ws := w.workspace(source, id, base)
	w.checkout(ws)
	w.commit(ws.Dir, map[string]string{"f": "2\n"})
	w.write(ws.Dir, map[string]string{"g": "2\n"})
	out := w.collect(ws)
	w.Expect(out.Commits).To(BeEquivalentTo(2))
	w.Expect(w.client.Push(ctx, ws, out.Head, "")).To(Succeed())
	file := filepath.Join(w.dir, "b")
	w.Expect(w.client.Bundle(ctx, ws, out.Head, file)).To(Succeed())
	w.Expect(w.agent(source, "bundle", "verify", "-q", file)).To(ContainSubstring("okay"))
	w.Expect(w.client.Release(ctx, source, id)).To(Succeed())
}

func TestTracked(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ctx := t.Context()
	program, mark := w.plant()
	repo := filepath.Join(w.dir, "orders")
	w.agent(w.dir, "init", "-q", repo)
	w.write(repo, map[string]string{"workorders/a.yaml": "", "workorders/deep/ü b.yaml": "", "other.yaml": ""})
	w.agent(repo, "add", "-A")
	w.write(repo, map[string]string{"workorders/untracked.yaml": ""})
	w.agent(repo, "config", "core.fsmonitor", program)
	w.Expect(w.client.Tracked(ctx, filepath.Join(repo, "workorders"))).To(Equal(map[string]bool{"a.yaml": true, "deep/ü b.yaml": true}))
	w.Expect(w.client.Tracked(ctx, filepath.Join(w.dir, "served"))).To(BeNil())
	_, err := w.client.Tracked(ctx, filepath.Join(w.dir, "missing"))
	w.Expect(err).To(HaveOccurred())
	w.write(w.dir, map[string]string{"odd/.git/x": ""})
	w.Expect(w.client.Tracked(ctx, filepath.Join(w.dir, "odd"))).To(BeNil())
	w.Expect(mark).NotTo(BeAnExistingFile())
}

func TestVersion(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	w.Expect(w.client.Version(t.Context())).To(HavePrefix("git version "))
	w.config.Path = "/nonexistent/git"
	w.start()
	_, err := w.client.Version(t.Context())
	w.Expect(err).To(MatchError(os.ErrNotExist))
}
