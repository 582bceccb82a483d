package forge_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/forge"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/hack/scripted/github"
)

const (
	token      = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
	branch     = "awo/order-00000002"
	repository = "http://github.localhost/acme/app.git"
)

// recorder notes what is run, on its way to the real thing.
type recorder struct {
	spawner *process.Spawner
	mu      sync.Mutex
	calls   []process.Command
}

func (r *recorder) Run(ctx context.Context, c process.Command) (process.Result, error) {
	r.mu.Lock()
	r.calls = append(r.calls, c)
	r.mu.Unlock()
	return r.spawner.Run(ctx, c)
}

// fixture is a GitHub forge that runs the real gh against a scripted GitHub.
type fixture struct {
	*WithT
	t      *testing.T
	dir    string
	server *github.Server
	runner *recorder
	config forge.GitHubConfig
}

// findGh returns the real gh, or leaves the test out where that is allowed.
func findGh(t *testing.T) string {
	t.Helper()
	path := os.Getenv("GH_CLI_PATH")
	if path == "" {
		path = "gh"
	}
	path, err := exec.LookPath(path)
	if err != nil {
		if os.Getenv("AWO_E2E_REQUIRED") == "1" {
			t.Fatalf("AWO_E2E_REQUIRED=1 and there is no gh: %v", err)
		}
		t.Skipf("left out, for there is no gh: %v", err)
	}
	return path
}

// setUp starts a scripted GitHub that knows acme/app.
func setUp(t *testing.T, o github.Options) *fixture {
	t.Helper()
	f := &fixture{WithT: NewWithT(t), t: t, dir: t.TempDir()}
	path := findGh(t)
	o.Token = token
	var err error
	f.server, err = github.New(o)
	f.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = f.server.Close() })
	f.server.AddRepository(github.Repository{
		Owner: "acme", Name: "app", Labels: []string{"bug", "good, first"}, Users: []string{"alice"}, Teams: []string{"core"},
	})
	spawner, err := process.NewSpawner()
	f.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(spawner.Close)
	f.runner = &recorder{spawner: spawner}
	f.config = forge.GitHubConfig{
		Path: path, Runner: f.runner, Host: github.DefaultHost, ConfigDir: filepath.Join(f.dir, "gh"),
		Environment: []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + f.dir, "HTTP_PROXY=" + f.server.URL(), "GH_DEBUG=api", "GH_REPO=other/repo",
			"GITHUB_TOKEN=of-the-environment",
		},
		Token: func(string) (string, error) { return token, nil },
	}
	return f
}

// order is a pull request of run 2 of the WorkOrder "order", its text written as the caller does.
func (f *fixture) order() forge.PullRequest {
	marker := forge.Marker("order", "wo-00000002", 2)
	file := filepath.Join(f.dir, "pull-request.md")
	f.Expect(os.WriteFile(file, []byte("The text.\n\n"+marker+"\n"), 0o600)).To(Succeed())
	return forge.PullRequest{
		Repository: repository, Base: "main", Head: branch, HeadSHA: github.MadeUpSHA(branch),
		Title: "Add a README", BodyFile: file, Marker: marker,
	}
}

// ensure opens an order's pull request.
func (f *fixture) ensure(p forge.PullRequest) (forge.Opened, error) {
	return forge.NewGitHub(f.config).Ensure(f.t.Context(), p)
}

// fails expects a typed failure.
func (f *fixture) fails(err error, policy failure.Policy, reason, says string) {
	f.Expect(err).To(HaveOccurred())
	typed := failure.Of(err, "untyped")
	f.Expect(typed.Policy).To(Equal(policy), err.Error())
	f.Expect(typed.Reason).To(Equal(reason), err.Error())
	f.Expect(err.Error()).To(ContainSubstring(says))
	f.Expect(err.Error()).NotTo(ContainSubstring(token))
}
