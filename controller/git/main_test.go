package git_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

const (
	token = "ghs_SecretTokenOfTheTest"
	id    = "wo-0a1b2c3d"
)

// spawner is the one of this process.
var spawner *process.Spawner

// TestMain lets this binary be the credential helper that the git under test starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "git-credential" {
		if err := git.RunCredentialHelper(os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			syscall.Exit(1)
		}
		// os.Exit would let the race detector wait a second.
		syscall.Exit(0)
	}
	var err error
	if spawner, err = process.NewSpawner(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// world is a git server, a client and a directory for mirrors and workspaces.
type world struct {
	*WithT
	tb     testing.TB
	server *githttp.Server
	dir    string
	config git.Config
	client *git.Client
}

func newWorld(tb testing.TB, o githttp.Options) *world {
	tb.Helper()
	g := NewWithT(tb)
	dir := tb.TempDir()
	o.Root = filepath.Join(dir, "served")
	server, err := githttp.New(o)
	g.Expect(err).NotTo(HaveOccurred())
	tb.Cleanup(server.Close)
	self, err := os.Executable()
	g.Expect(err).NotTo(HaveOccurred())
	environ := []string{"PATH=" + os.Getenv("PATH")}
	box, err := sandbox.New(sandbox.Options{Mode: sandbox.Auto, DataDir: dir, Environ: environ, Root: os.Geteuid() == 0})
	g.Expect(err).NotTo(HaveOccurred())
	w := &world{WithT: g, tb: tb, server: server, dir: dir, config: git.Config{
		Path: "git", Spawner: spawner, Environment: environ, Self: self, Sandbox: box,
		AuthorName: "Robot", AuthorEmail: "robot@example.com", Mirrors: filepath.Join(dir, "mirrors"),
		Token: func(string) (string, error) { return o.Token, nil }, Hosts: []string{server.Host()}, AllowHTTPHosts: []string{server.Host()},
	}}
	w.start()
	return w
}

// start makes a client that knows nothing of the one before, as after a restart.
func (w *world) start() { w.client = git.New(w.config) }

// create makes a repository and returns its workspace, fetched and checked out.
func (w *world) create(repository string, files map[string]string) git.Workspace {
	w.tb.Helper()
	sha, err := w.server.Create(w.tb.Context(), repository, githttp.Commit{Files: files})
	w.Expect(err).NotTo(HaveOccurred())
	ws := w.workspace(w.server.URL(repository), id, sha)
	w.checkout(ws)
	return ws
}

func (w *world) workspace(url, id, base string) git.Workspace {
	return git.Workspace{
		ID: id, URL: url, Dir: filepath.Join(w.dir, "ws", id), Index: filepath.Join(w.dir, "staging", id),
		Branch: "awo/order-" + strings.TrimPrefix(id, "wo-"), BaseBranch: "main", BaseCommit: base,
	}
}

func (w *world) checkout(ws git.Workspace) {
	w.tb.Helper()
	w.Expect(w.client.Fetch(w.tb.Context(), ws.URL, ws.ID, ws.BaseCommit)).To(Succeed())
	w.Expect(w.client.Checkout(w.tb.Context(), ws)).To(Succeed())
}

func (w *world) collect(ws git.Workspace) git.Collected {
	w.tb.Helper()
	out, err := w.client.Collect(w.tb.Context(), ws, "Work\n\nbody")
	w.Expect(err).NotTo(HaveOccurred())
	return out
}

// write writes files below a directory.
func (w *world) write(dir string, files map[string]string) {
	w.tb.Helper()
	for name, content := range files {
		file := filepath.Join(dir, name)
		w.Expect(os.MkdirAll(filepath.Dir(file), 0o755)).To(Succeed())
		w.Expect(os.WriteFile(file, []byte(content), 0o644)).To(Succeed())
	}
}

// agent runs git as an agent would, in its workspace and with the workspace's configuration.
func (w *world) agent(dir string, args ...string) string {
	w.tb.Helper()
	return w.agentInput(dir, "", args...)
}

// agentInput is the same for a git that reads something.
func (w *world) agentInput(dir, input string, args ...string) string {
	w.tb.Helper()
	cmd := exec.CommandContext(w.tb.Context(), "git", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(input)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C", "GIT_ALLOW_PROTOCOL=file"}
	out, err := cmd.CombinedOutput()
	w.Expect(err).NotTo(HaveOccurred(), "git %v: %s", args, out)
	return strings.TrimSuffix(string(out), "\n")
}

// mirror runs git in the mirror of a repository of the server.
func (w *world) mirror(repository string, args ...string) string {
	w.tb.Helper()
	return w.agent(w.dir, append([]string{"--git-dir=" + w.mirrorDir(repository)}, args...)...)
}

func (w *world) mirrorDir(repository string) string {
	return filepath.Join(w.config.Mirrors, w.server.Host(), repository)
}

// show returns what a path holds in a commit of the mirror.
func (w *world) show(repository, commit, path string) string {
	w.tb.Helper()
	return w.mirror(repository, "show", commit+":"+path)
}

// expectFailure checks policy and reason of an error, and that its text says something.
func (w *world) expectFailure(err error, policy failure.Policy, reason string, texts ...string) {
	w.tb.Helper()
	w.Expect(err).To(HaveOccurred())
	f := failure.Of(err, "none")
	w.Expect(f.Policy).To(Equal(policy), err.Error())
	w.Expect(f.Reason).To(Equal(reason), err.Error())
	for _, text := range texts {
		w.Expect(err.Error()).To(ContainSubstring(text))
	}
}

// answer makes the server answer everything with a status.
func (w *world) answer(status int, header ...string) {
	w.server.Before(func(rw http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i+1 < len(header); i += 2 {
			rw.Header().Set(header[i], header[i+1])
		}
		http.Error(rw, "denied by rule 7: repository not found", status)
		return true
	})
}

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}
