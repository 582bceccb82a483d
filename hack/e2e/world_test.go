package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
	"github.com/agent-work-orders/awo/hack/scripted/github"
	"github.com/agent-work-orders/awo/hack/scripted/model"
)

// The secrets of a world. None of them may turn up where it does not belong.
const (
	githubToken = "ghp_e2eTokenThatMustNotLeak0123456789"
	apiKey      = "sk-ant-e2e-key-that-must-not-leak-0123"
)

// world is a controller with everything around it.
type world struct {
	t   *testing.T
	g   *WithT
	dir string
	// data is the data directory, env the controller's environment.
	data string
	env  []string
	// token is what the controller has for GitHub.
	token string
	// uid is who runs awo; 0 is whoever runs the tests.
	uid uint32
	// shared is where agents of all orders may write, so that the test sees what they do.
	shared string

	git    *githttp.Server
	github *github.Server
	model  *model.Server

	controller *controllerProcess
	// binary is the awo that runs.
	binary string
	// change, if set, changes how the controller is started.
	change func(*exec.Cmd)
	// again is closed when the controller is in its second life.
	again chan struct{}
	// onPush and onCreate are called while a push or a creation is not answered yet.
	mu       sync.Mutex
	onPush   func()
	onCreate func()
}

// newWorld makes servers and a data directory; nothing runs yet.
func newWorld(t *testing.T, env ...string) *world {
	t.Helper()
	return newWorldOf(t, githubToken, false, env...)
}

// newWorldOf makes a world with a token, whose repositories can be read without it if they are public.
func newWorldOf(t *testing.T, token string, public bool, env ...string) *world {
	t.Helper()
	w := &world{binary: awo, token: token, t: t, g: NewWithT(t), dir: t.TempDir(), again: make(chan struct{})}
	w.data, w.shared = filepath.Join(w.dir, "data"), filepath.Join(w.dir, "shared")
	w.g.Expect(os.Mkdir(w.shared, 0o777)).To(Succeed())
	var err error
	w.git, err = githttp.NewHandler(githttp.Options{
		Root: filepath.Join(w.dir, "git"), Token: token, PublicReads: public, After: w.afterGit,
	})
	w.g.Expect(err).NotTo(HaveOccurred())
	w.github, err = github.New(github.Options{
		Token: token, Other: w.git, HeadSHA: w.headSHA, OnCreate: func(github.PullRequest) { w.hook(&w.onCreate) },
	})
	w.g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = w.github.Close() })
	w.model, err = model.New(nil)
	w.g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = w.model.Close() })
	w.env = append(w.environment(), env...)
	return w
}

func (w *world) environment() []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(w.dir, "home"), "LANG=C.UTF-8",
		"AWO_DATA_DIR=" + w.data, "ARCHON_AWO_PORT=0", "AWO_BACKOFF_BASE=200ms", "AWO_AGENT_WRITE=" + w.shared,
		"GITHUB_TOKEN=" + w.token, "NO_PROXY=127.0.0.1", "AWO_ALLOW_HTTP_HOSTS=" + github.DefaultHost,
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR"),
	}, w.github.Environment()...)
}

func (w *world) afterGit(r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
		w.hook(&w.onPush)
	}
}

func (w *world) hook(f *func()) {
	w.mu.Lock()
	call := *f
	w.mu.Unlock()
	if call != nil {
		call()
	}
}

// on sets a hook, once.
func (w *world) on(f *func(), call func()) {
	var once sync.Once
	w.mu.Lock()
	defer w.mu.Unlock()
	*f = func() { once.Do(call) }
}

func (w *world) headSHA(owner, name, branch string) (string, bool) {
	sha := strings.TrimSpace(w.gitOut("--git-dir="+w.git.Dir(owner+"/"+name+".git"), "rev-parse", "--verify", "--quiet", "refs/heads/"+branch))
	return sha, sha != ""
}

// repository makes acme/NAME at the scripted GitHub with one commit on a branch and returns its URL.
func (w *world) repository(name, branch string, files map[string]string) string {
	w.t.Helper()
	_, err := w.git.Create(w.t.Context(), "acme/"+name+".git", githttp.Commit{Branch: branch, Files: files})
	w.g.Expect(err).NotTo(HaveOccurred())
	w.github.AddRepository(github.Repository{Owner: "acme", Name: name, DefaultBranch: branch})
	return w.github.RepositoryURL("acme", name)
}

// local makes a bare repository on disk with one commit on main and returns its path.
func (w *world) local(name string, files map[string]string) string {
	w.t.Helper()
	_, err := w.git.Create(w.t.Context(), name+".git", githttp.Commit{Branch: "main", Files: files})
	w.g.Expect(err).NotTo(HaveOccurred())
	return w.git.Dir(name + ".git")
}

// gitOut runs the real git as a person would and returns what it prints; errors give what there is.
func (w *world) gitOut(args ...string) string {
	cmd := exec.CommandContext(w.t.Context(), "git", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=P", "GIT_AUTHOR_EMAIL=p@example.com", "GIT_COMMITTER_NAME=P", "GIT_COMMITTER_EMAIL=p@example.com"}
	out, _ := cmd.Output()
	return string(out)
}

// branches lists the branches of a bare repository but for its default one.
func (w *world) branches(dir string) []string {
	var out []string
	head := strings.TrimSpace(w.gitOut("--git-dir="+dir, "symbolic-ref", "--short", "HEAD"))
	for b := range strings.FieldsSeq(w.gitOut("--git-dir="+dir, "for-each-ref", "--format=%(refname:short)", "refs/heads")) {
		if b != head {
			out = append(out, b)
		}
	}
	return out
}

// script writes an agent of type command and returns its path.
func (w *world) script(body string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, "agent.sh")
	w.g.Expect(os.WriteFile(path, []byte("#!/bin/bash\n"+body), 0o755)).To(Succeed())
	return path
}

// order is a manifest with an agent of type command.
func order(name, url, command string, more ...string) string {
	text := "apiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\nmetadata:\n  name: " + name +
		"\nspec:\n  repository:\n    url: " + url + "\n  request: Change something.\n  agent:\n    type: command\n    command: [" + command + "]\n"
	return text + strings.Join(more, "")
}

// file is the path of a manifest.
func (w *world) file(name string) string { return filepath.Join(w.data, "workorders", name) }

// drop saves a manifest as an editor does.
func (w *world) drop(name, text string) {
	w.t.Helper()
	path := w.file(name)
	w.g.Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
	w.g.Expect(os.WriteFile(path, []byte(text), 0o644)).To(Succeed())
}

func (w *world) read(path string) string {
	w.t.Helper()
	data, err := os.ReadFile(path)
	w.g.Expect(err).NotTo(HaveOccurred())
	return string(data)
}

// statusIn returns the status that stands in a manifest, document 0; an empty one while there is none.
func (w *world) statusIn(name string) v1alpha1.WorkOrderStatus {
	data, err := os.ReadFile(w.file(name))
	if err != nil {
		return v1alpha1.WorkOrderStatus{}
	}
	docs, _ := manifest.Parse(data)
	if len(docs) == 0 || docs[0].Object == nil || docs[0].Object.Status == nil {
		return v1alpha1.WorkOrderStatus{}
	}
	return *docs[0].Object.Status
}

// ends waits until the status in a manifest says that the order has ended, and returns it.
func (w *world) ends(name string, phase v1alpha1.Phase) v1alpha1.WorkOrderStatus {
	w.t.Helper()
	w.g.Eventually(func() v1alpha1.Phase {
		if p := w.statusIn(name).Phase; p.Terminal() {
			return p
		}
		return ""
	}).ShouldNot(BeEmpty(), func() string { return w.read(w.file(name)) + w.controller.log() })
	st := w.statusIn(name)
	w.g.Expect(st.Phase).To(Equal(phase), func() string { return st.Message + "\n" + w.controller.log() })
	return st
}

// run runs the command awo and returns its output.
func (w *world) run(args ...string) (string, error) {
	cmd := exec.CommandContext(w.t.Context(), w.binary, args...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = w.env, w.dir, w.identity()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// get asks the HTTP endpoint, with the token.
func (w *world) get(path string, into any) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+w.controller.address()+path, http.NoBody)
	w.g.Expect(err).NotTo(HaveOccurred())
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(w.read(filepath.Join(w.data, "server-token"))))
	res, err := (&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	w.g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = res.Body.Close() }()
	if into != nil {
		w.g.Expect(json.NewDecoder(res.Body).Decode(into)).To(Succeed())
	}
	return res.StatusCode
}
