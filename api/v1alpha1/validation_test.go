package v1alpha1_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// order returns a valid order.
func order() *v1alpha1.WorkOrder {
	o := &v1alpha1.WorkOrder{}
	o.Name = "demo"
	o.Spec.Repository.URL = "https://github.com/acme/app.git"
	o.Spec.Request = "do it"
	return o
}

func TestValidate(t *testing.T) {
	number := func(n int32) *int32 { return &n }
	budget := func(s string) *intstr.IntOrString { v := intstr.FromString(s); return &v }
	dollars := func(n int) *intstr.IntOrString { v := intstr.FromInt32(int32(n)); return &v }
	phases := func(p ...v1alpha1.Phase) func(*v1alpha1.WorkOrder) {
		return func(o *v1alpha1.WorkOrder) { o.Spec.Phases = p }
	}
	cases := []struct {
		name   string
		change func(*v1alpha1.WorkOrder)
		want   string
	}{
		{"minimal", func(*v1alpha1.WorkOrder) {}, ""},
		{"dotted name", func(o *v1alpha1.WorkOrder) { o.Name = "next.js" }, ""},
		{"63 characters", func(o *v1alpha1.WorkOrder) { o.Name = strings.Repeat("a", 63) }, ""},
		{"64 characters", func(o *v1alpha1.WorkOrder) { o.Name = strings.Repeat("a", 64) }, "metadata.name: Invalid value: \"" + strings.Repeat("a", 64) + "\": must have at most 63 characters, it has 64"},
		{"capital", func(o *v1alpha1.WorkOrder) { o.Name = "Demo" }, "metadata.name: Invalid value: \"Demo\": must consist of lower case letters"},
		{"path as a name", func(o *v1alpha1.WorkOrder) { o.Name = "../x" }, "metadata.name: Invalid value"},
		{"dots", func(o *v1alpha1.WorkOrder) { o.Name = "a..b" }, "metadata.name: Invalid value"},
		{"no name", func(o *v1alpha1.WorkOrder) { o.Name = "" }, "metadata.name: Required value"},
		{"namespace", func(o *v1alpha1.WorkOrder) { o.Namespace = "Team A" }, "metadata.namespace: Invalid value"},
		{"label key", func(o *v1alpha1.WorkOrder) { o.Labels = map[string]string{"a b": "c"} }, "metadata.labels[a b]: Invalid value"},
		{"label value", func(o *v1alpha1.WorkOrder) { o.Labels = map[string]string{"a": "b c"} }, "metadata.labels[a]: Invalid value"},
		{"annotation key", func(o *v1alpha1.WorkOrder) { o.Annotations = map[string]string{"a/b/c": "x"} }, "metadata.annotations[a/b/c]: Invalid value"},
		{"annotation", func(o *v1alpha1.WorkOrder) { o.Annotations = map[string]string{"awo.archon.dev/Retried": "a b\n"} }, ""},
		{"clone", func(o *v1alpha1.WorkOrder) { o.Spec.Repository.Clone = "Hard" }, `spec.repository.clone: Unsupported value: "Hard": supported values: "Shared", "Full"`},
		{"branch is base", func(o *v1alpha1.WorkOrder) {
			o.Spec.Repository.Branch, o.Spec.Repository.BaseBranch = "main", "main"
		}, "spec.repository.branch: Invalid value: \"main\": must not be the baseBranch"},
		{"bad branch", func(o *v1alpha1.WorkOrder) { o.Spec.Repository.Branch = "-x" }, "spec.repository.branch: Invalid value: \"-x\": as the name of a branch must not begin with a dash"},
		{"bad base", func(o *v1alpha1.WorkOrder) { o.Spec.Repository.BaseBranch = "a..b" }, "spec.repository.baseBranch: Invalid value"},
		{"blank request", func(o *v1alpha1.WorkOrder) { o.Spec.Request = " \n" }, "spec.request: Required value: say in words what to do"},
		{"NUL in request", func(o *v1alpha1.WorkOrder) { o.Spec.Request = "a\x00b" }, "spec.request: Invalid value: must not contain a NUL"},
		{"request of 2 MiB", func(o *v1alpha1.WorkOrder) { o.Spec.Request = strings.Repeat("a", 2<<20) }, ""},
		{"request of more", func(o *v1alpha1.WorkOrder) { o.Spec.Request = strings.Repeat("a", 2<<20+1) }, "spec.request: Invalid value: must have at most 2097152 bytes (2 MiB), it has 2097153"},
		{"request with dashes and dollars", func(o *v1alpha1.WorkOrder) { o.Spec.Request = "--help $1 {{.X}} `x`" }, ""},
		{"planning alone", phases("Planning"), ""},
		{"no planning", phases("Implementing", "PR"), ""},
		{"no phases", phases(), ""},
		{"order", phases("Implementing", "Planning"), "spec.phases[1]: Invalid value: \"Planning\": must stand in this order: Planning, Implementing, PR"},
		{"twice", phases("Planning", "Planning"), "spec.phases[1]: Duplicate value"},
		{"only PR", phases("PR"), "spec.phases[0]: Invalid value: \"PR\": needs Implementing"},
		{"unknown phase", phases("Cloning"), `spec.phases[0]: Unsupported value: "Cloning": supported values: "Planning", "Implementing", "PR"`},
		{"agent type", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.Type = "gemini" }, `spec.agent.type: Unsupported value: "gemini": supported values: "claude", "command"`},
		{"command missing", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.Type = "command" }, "spec.agent.command: Required value"},
		{"command empty", func(o *v1alpha1.WorkOrder) { o.Spec.Agent = v1alpha1.Agent{Type: "command", Command: []string{" "}} }, "spec.agent.command[0]: Invalid value"},
		{"command NUL", func(o *v1alpha1.WorkOrder) {
			o.Spec.Agent = v1alpha1.Agent{Type: "command", Command: []string{"a", "b\x00"}}
		}, "spec.agent.command[1]: Invalid value"},
		{"command without its type", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.Command = []string{"x"} }, "spec.agent.command: Forbidden: is only for type command"},
		{"command long", func(o *v1alpha1.WorkOrder) {
			o.Spec.Agent = v1alpha1.Agent{Type: "command", Command: make([]string, 101)}
		}, "spec.agent.command: Too many"},
		{"command", func(o *v1alpha1.WorkOrder) {
			o.Spec.Agent = v1alpha1.Agent{Type: "command", Command: []string{"x", ""}}
		}, ""},
		{"model with a dash", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.Model = "--x" }, "spec.agent.model: Invalid value: \"--x\": must be the name of a model"},
		{"model with a space", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.Model = "a b" }, "spec.agent.model: Invalid value"},
		{"model long", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.Model = strings.Repeat("a", 201) }, "spec.agent.model: Invalid value"},
		{"model", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.Model = "arn:aws:bedrock/claude-x[1m]@v1" }, ""},
		{"turns", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.MaxTurns = number(0) }, "spec.agent.maxTurns: Invalid value: 0: must be 1 or more"},
		{"budget", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.MaxBudgetUSD = budget("2.50") }, ""},
		{"budget integer", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.MaxBudgetUSD = dollars(5) }, ""},
		{"budget zero", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.MaxBudgetUSD = dollars(0) }, "spec.agent.maxBudgetUSD: Invalid value"},
		{"budget zero text", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.MaxBudgetUSD = budget("0.00") }, "spec.agent.maxBudgetUSD: Invalid value"},
		{"budget word", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.MaxBudgetUSD = budget("five") }, "spec.agent.maxBudgetUSD: Invalid value"},
		{"budget exponent", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.MaxBudgetUSD = budget("1e3") }, "spec.agent.maxBudgetUSD: Invalid value"},
		{"budget sign", func(o *v1alpha1.WorkOrder) { o.Spec.Agent.MaxBudgetUSD = budget("-1") }, "spec.agent.maxBudgetUSD: Invalid value"},
		{"durations", func(o *v1alpha1.WorkOrder) {
			o.Spec.Timeouts = v1alpha1.Timeouts{Phase: "168h", Idle: "1h30m"}
		}, ""},
		{"duration zero", func(o *v1alpha1.WorkOrder) { o.Spec.Timeouts.Phase = "0s" }, "spec.timeouts.phase: Invalid value: \"0s\": must be a duration above 0 and at most 168h"},
		{"duration long", func(o *v1alpha1.WorkOrder) { o.Spec.Timeouts.Idle = "169h" }, "spec.timeouts.idle: Invalid value"},
		{"duration in days", func(o *v1alpha1.WorkOrder) { o.Spec.Timeouts.Idle = "7d" }, "spec.timeouts.idle: Invalid value"},
		{"duration negative", func(o *v1alpha1.WorkOrder) { o.Spec.Timeouts.Idle = "-1m" }, "spec.timeouts.idle: Invalid value"},
		{"duration without unit", func(o *v1alpha1.WorkOrder) { o.Spec.Timeouts.Idle = "60" }, "spec.timeouts.idle: Invalid value"},
		{"retries", func(o *v1alpha1.WorkOrder) { o.Spec.RetryLimit = number(100) }, ""},
		{"retries none", func(o *v1alpha1.WorkOrder) { o.Spec.RetryLimit = number(0) }, ""},
		{"retries many", func(o *v1alpha1.WorkOrder) { o.Spec.RetryLimit = number(101) }, "spec.retryLimit: Invalid value: 101: must be 0 to 100"},
		{"retries negative", func(o *v1alpha1.WorkOrder) { o.Spec.RetryLimit = number(-1) }, "spec.retryLimit: Invalid value"},
		{"title", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Title = strings.Repeat("é", 256) }, ""},
		{"title long", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Title = strings.Repeat("é", 257) }, "spec.pullRequest.title: Invalid value"},
		{"title of two lines", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Title = "a\nb" }, "spec.pullRequest.title: Invalid value: \"a\\nb\": must be a single line"},
		{"title blank", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Title = " " }, "spec.pullRequest.title: Invalid value"},
		{"labels", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Labels = []string{"good first issue", "kind/bug"} }, ""},
		{"label empty", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Labels = []string{"a", ""} }, "spec.pullRequest.labels[1]: Invalid value: \"\": must not be empty"},
		{"label comma", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Labels = []string{"a,b"} }, "spec.pullRequest.labels[0]: Invalid value: \"a,b\": must not contain a comma"},
		{"label dash", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Labels = []string{"-a"} }, "spec.pullRequest.labels[0]: Invalid value"},
		{"label control", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Labels = []string{"a\tb"} }, "spec.pullRequest.labels[0]: Invalid value"},
		{"label margin", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Labels = []string{" a"} }, "spec.pullRequest.labels[0]: Invalid value"},
		{"label long", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Labels = []string{strings.Repeat("a", 257)} }, "spec.pullRequest.labels[0]: Invalid value"},
		{"label twice", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Labels = []string{"a", "a"} }, "spec.pullRequest.labels[1]: Duplicate value"},
		{"labels many", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Labels = make([]string, 101) }, "spec.pullRequest.labels: Too many"},
		{"reviewers", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Reviewers = []string{"octocat", "acme/team"} }, ""},
		{"reviewer space", func(o *v1alpha1.WorkOrder) { o.Spec.PullRequest.Reviewers = []string{"octo cat"} }, "spec.pullRequest.reviewers[0]: Invalid value"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			g := NewWithT(t)
			o := order()
			tc.change(o)
			errs := v1alpha1.Validate(o, v1alpha1.Policy{})
			if tc.want == "" {
				g.Expect(errs).To(BeEmpty())
				return
			}
			g.Expect(errs).To(HaveLen(1))
			g.Expect(errs[0].Error()).To(HavePrefix(tc.want))
		})
	}
}

func TestCheckRepositoryURL(t *testing.T) {
	policy := v1alpha1.Policy{AllowFileRepositories: true, AllowHTTPHosts: []string{"git.local", "127.0.0.1:3000", "[::1]"}}
	cases := []struct {
		raw, want string
		policy    v1alpha1.Policy
	}{
		{"http://git.local/a", "", policy},
		{"http://GIT.local:8080/a", "", policy},
		{"http://127.0.0.1:3000/a", "", policy},
		{"http://[::1]:80/a", "", policy},
		{"http://127.0.0.1:3001/a", "AWO_ALLOW_HTTP_HOSTS", policy},
		{"http://github.com/a", "AWO_ALLOW_HTTP_HOSTS", policy},
		{"/srv/git/app.git", "", policy},
		{"file:///srv/git/app.git", "", policy},
		{"/srv/git/app.git", "--allow-file-repositories", v1alpha1.Policy{}},
		{"file:///srv/git/app.git", "--allow-file-repositories", v1alpha1.Policy{}},
		{"https://github.com/acme/app", "", v1alpha1.Policy{}},
	}
	for _, tc := range cases {
		t.Run(tc.raw, func(t *testing.T) {
			g := NewWithT(t)
			err := v1alpha1.CheckRepositoryURL(tc.raw, tc.policy)
			if tc.want == "" {
				g.Expect(err).NotTo(HaveOccurred())
				return
			}
			g.Expect(err).To(MatchError(ContainSubstring(tc.want)))
		})
	}
}

func TestRepositoryOutsideDataDir(t *testing.T) {
	g := NewWithT(t)
	root := t.TempDir()
	data := filepath.Join(root, "data")
	for _, dir := range []string{"data/repositories/wo-1", "data-2", "repo", "alias-of-git"} {
		g.Expect(os.MkdirAll(filepath.Join(root, dir), 0o755)).To(Succeed())
	}
	for link, target := range map[string]string{
		"link": "data", "dangling": "data/repositories/wo-2", "deep": "link/repositories", "chain": "link",
		"alias-of-git/.git": "../data/repositories/wo-1", "suffix.git": "data",
	} {
		g.Expect(os.Symlink(target, filepath.Join(root, link))).To(Succeed())
	}
	g.Expect(os.Symlink("loop", filepath.Join(root, "loop"))).To(Succeed())
	cases := []struct {
		path string
		ok   bool
	}{
		{"repo", true}, {"data-2", true}, {"absent/x", true}, {"", true}, {"loop", true},
		{"data", false}, {"data/", false}, {"data/repositories/wo-1", false}, {"data/absent", false}, {"link", false}, {"link/x", false},
		{"dangling", false}, {"dangling/x", false}, {"deep/x", false}, {"chain", false}, {"alias-of-git", false}, {"suffix", false},
	}
	for _, dir := range []string{data, data + "/", filepath.Join(root, "link")} {
		policy := v1alpha1.Policy{AllowFileRepositories: true, DataDir: dir}
		for _, tc := range cases {
			for _, form := range []string{"", "file://"} {
				err := v1alpha1.CheckRepositoryURL(form+root+"/"+tc.path, policy)
				if tc.ok {
					g.Expect(err).NotTo(HaveOccurred(), tc.path)
				} else {
					g.Expect(err).To(MatchError(ContainSubstring("must not lie in the data directory")), tc.path)
				}
			}
		}
	}
	escaped := v1alpha1.CheckRepositoryURL("file://"+root+"/d%61ta", v1alpha1.Policy{AllowFileRepositories: true, DataDir: data})
	g.Expect(escaped).To(MatchError(ContainSubstring("data directory")))
}
