package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
	"github.com/agent-work-orders/awo/hack/scripted/github"
	"github.com/agent-work-orders/awo/hack/scripted/model"
)

func TestModelFailures(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		script       model.Script
		attempts     int
	}{
		{"401 is not retried", v1alpha1.ReasonAuthenticationFailed, model.Turns(model.Fail(401)), 1},
		{"403 is not retried", v1alpha1.ReasonAuthenticationFailed, model.Turns(model.Fail(403)), 1},
		{"400 is not retried", v1alpha1.ReasonAgentFailed, model.Turns(model.Fail(400)), 1},
		{"429 is retried", v1alpha1.ReasonAgentFailed, model.Turns(model.Fail(429)), 3},
		{"500 is retried", v1alpha1.ReasonAgentFailed, model.Turns(model.Fail(500)), 3},
		{"529 is retried", v1alpha1.ReasonAgentFailed, model.Turns(model.Fail(529)), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.withClaude(c.script)
			url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
			w.start()
			w.drop("a.yaml", claudeOrder("a", url, "Say hello."))
			st := w.ends("a.yaml", v1alpha1.PhaseFailed)
			w.g.Expect(reasonOf(st)).To(Equal(c.reason), st.Message)
			var began []time.Time
			for _, s := range st.Steps {
				if s.Phase == v1alpha1.PhasePlanning {
					began = append(began, s.StartedAt.Time)
				}
			}
			w.g.Expect(began).To(HaveLen(c.attempts), st.Message)
		})
	}
}

// A model that nobody can be reached at is tried again, and named.
func TestModelRefusesConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withClaude(nil)
	w.env = append(w.env, "ANTHROPIC_BASE_URL=http://127.0.0.1:1")
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", claudeOrder("a", url, "Say hello."))
	st := w.ends("a.yaml", v1alpha1.PhaseFailed)
	w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonAgentFailed), st.Message)
	w.g.Expect(st.Message).To(MatchRegexp(`(?i)connection|refused`))
	w.g.Expect(lastOf(st)).To(And(HaveField("Phase", v1alpha1.PhasePlanning), HaveField("Attempt", int32(3))), st.Message)
}

// reasonOf is why an order failed.
func reasonOf(st v1alpha1.WorkOrderStatus) string {
	for _, c := range st.Conditions {
		if c.Type == v1alpha1.ConditionReady {
			return c.Reason
		}
	}
	return ""
}

func TestRepositoryFailures(t *testing.T) {
	needs(t, "gh")
	for _, c := range []struct {
		name, reason, hint string
		set                func(w *world) string
		env                []string
		public             bool
	}{
		{name: "no such repository", reason: v1alpha1.ReasonRepositoryNotFound, hint: "acme/none",
			set: func(w *world) string { return w.github.RepositoryURL("acme", "none") }},
		{name: "wrong token", reason: v1alpha1.ReasonAuthenticationFailed, hint: "GITHUB_TOKEN", env: []string{"GITHUB_TOKEN=ghp_wrongwrongwrong"}},
		{name: "no token fails before an agent is paid", reason: v1alpha1.ReasonAuthenticationFailed, hint: "GITHUB_TOKEN", env: []string{"GITHUB_TOKEN="}},
		{name: "a wrong token for a public repository fails before an agent is paid", reason: v1alpha1.ReasonAuthenticationFailed,
			hint: "GITHUB_TOKEN", env: []string{"GITHUB_TOKEN=ghp_wrongwrongwrong"}, public: true},
		{name: "empty repository", reason: v1alpha1.ReasonCloneFailed, hint: "commit", set: func(w *world) string {
			_, err := w.git.Create(w.t.Context(), "acme/empty.git", githttp.Commit{Branch: "main"})
			w.g.Expect(err).NotTo(HaveOccurred())
			w.github.AddRepository(github.Repository{Owner: "acme", Name: "empty", DefaultBranch: "main"})
			return w.github.RepositoryURL("acme", "empty")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, githubToken, c.public, c.env...)
			url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
			if c.set != nil {
				url = c.set(w)
			}
			w.start()
			w.drop("a.yaml", order("a", url, w.gated("")))
			st := w.ends("a.yaml", v1alpha1.PhaseFailed)
			w.g.Expect(reasonOf(st)).To(Equal(c.reason), st.Message)
			w.g.Expect(st.Message).To(ContainSubstring(c.hint))
			w.g.Expect(w.runs(v1alpha1.PhasePlanning)).To(BeZero(), "no agent was run")
		})
	}
}

func TestForeignBranchIsNotTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	theirs, err := w.git.Add(t.Context(), "app.git", githttp.Commit{Branch: "mine", Files: map[string]string{"other.txt": "x"}})
	w.g.Expect(err).NotTo(HaveOccurred())
	w.start()
	w.drop("a.yaml", strings.Replace(order("a", url, w.gated("")), "  request:", "    branch: mine\n  request:", 1))
	st := w.ends("a.yaml", v1alpha1.PhaseFailed)
	w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonPushRejected), st.Message)
	w.g.Expect(strings.TrimSpace(w.gitOut("--git-dir="+w.git.Dir("app.git"), "rev-parse", "mine"))).To(Equal(theirs))
}

// A pull request that is opened late, by `awo retry`, finds what a reviewer has added to the branch meanwhile.
func TestRetryLeavesACommitOfAStrangerAlone(t *testing.T) {
	t.Parallel()
	needs(t, "gh")
	w := newWorld(t)
	url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
	w.github.Fail("PullRequestCreate", http.StatusBadGateway, 1)
	w.start()
	w.drop("a.yaml", strings.Replace(order("a", url, w.gated("")), "  request:", "  retryLimit: 0\n  request:", 1))
	st := w.ends("a.yaml", v1alpha1.PhaseFailed)
	w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonPullRequestFailed), st.Message)
	theirs, err := w.git.Add(t.Context(), "acme/app.git", githttp.Commit{Branch: st.Branch, Files: map[string]string{"review.txt": "x"}})
	w.g.Expect(err).NotTo(HaveOccurred())
	_, err = w.run("retry", "a")
	w.g.Expect(err).NotTo(HaveOccurred())
	w.g.Eventually(func() string { return reasonOf(w.statusIn("a.yaml")) }).Should(Equal(v1alpha1.ReasonPushRejected), w.controller.log)
	w.g.Expect(strings.TrimSpace(w.gitOut("--git-dir="+w.git.Dir("acme/app.git"), "rev-parse", st.Branch))).To(Equal(theirs))
	w.g.Expect(w.github.PullRequests("acme", "app")).To(BeEmpty())
}

func TestNoChangeFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n", ".gitignore": "*.log\n"})
	w.start()
	w.drop("a.yaml", order("a", url, w.script("echo secret > .env; echo x > a.log; mkdir -p .claude; echo x > .claude/x; echo did\n")))
	st := w.ends("a.yaml", v1alpha1.PhaseFailed)
	w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonNoChanges))
	w.g.Expect(st.Conditions).To(ContainElement(And(HaveField("Type", v1alpha1.ConditionFilesLeftOut), HaveField("Message", ContainSubstring(".env")))))
}

func TestCommandFailsAndIsRetried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	agent := w.script(`
echo x >> ` + w.shared + `/tries
[ "$(wc -l < ` + w.shared + `/tries)" -lt 3 ] && { echo "try again" >&2; exit 7; }
echo x > new.txt
`)
	w.start()
	w.drop("a.yaml", order("a", url, agent))
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(st.Steps).To(ContainElement(And(HaveField("Phase", v1alpha1.PhasePlanning), HaveField("Attempt", int32(3)), HaveField("Outcome", v1alpha1.StepSucceeded))))
	w.g.Expect(st.Steps).To(ContainElement(HaveField("Message", And(ContainSubstring("7"), ContainSubstring("try again")))))
}

// What the controller allows holds whatever a manifest says, and `awo validate` says the same.
func TestPolicyIsNotOverridden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := w.local("app", map[string]string{"README.md": "x\n"})
	w.env = append(w.env, "AWO_ALLOW_REPOSITORIES=file://"+repo+",https://github.com/acme/*", "AWO_ALLOW_AGENTS=command",
		"AWO_MAX_BUDGET_USD=2.50", "AWO_PROTECTED_PATHS=deploy/**")
	w.start()
	w.drop("other.yaml", order("other", "https://github.com/stranger/app", "x"))
	w.drop("claude.yaml", strings.Replace(claudeOrder("claude", "file://"+repo, "x"), "spec:\n", "spec:\n  agent: {maxBudgetUSD: 3}\n", 1))
	w.drop("deploy.yaml", order("deploy", "file://"+repo, w.script("mkdir -p deploy; echo x > deploy/x; echo x > x\n")))
	for name, field := range map[string][]string{"other.yaml": {"spec.repository.url"}, "claude.yaml": {"spec.agent.type", "spec.agent.maxBudgetUSD"}} {
		st := w.ends(name, v1alpha1.PhaseFailed)
		w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonInvalidSpec), st.Message)
		out, err := w.run("validate", "-f", w.file(name))
		w.g.Expect(err).To(HaveOccurred(), out)
		for _, f := range field {
			w.g.Expect(st.Message).To(ContainSubstring(f))
			w.g.Expect(out).To(ContainSubstring(f))
		}
	}
	st := w.ends("deploy.yaml", v1alpha1.PhaseFailed)
	w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonProtectedPath), st.Message)
	w.g.Expect(w.branches(repo)).To(BeEmpty())
}

// A status knows whole seconds: with this base one delay at its longest is shown shorter than the next at its shortest.
func TestDelaysBetweenAttemptsGrow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "AWO_BACKOFF_BASE=1550ms")
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", order("a", url, w.script("exit 7\n")))
	planned := make([]time.Time, 0, 2)
	for attempt := range 2 {
		var st v1alpha1.WorkOrderStatus
		w.g.Eventually(func() bool {
			st = w.statusIn("a.yaml")
			return st.NextAttemptAt != nil && lastOf(st).Attempt == int32(attempt+1)
		}).Should(BeTrue(), func() string { return w.read(w.file("a.yaml")) })
		planned = append(planned, st.NextAttemptAt.Time)
	}
	st := w.ends("a.yaml", v1alpha1.PhaseFailed)
	steps := st.Steps[len(st.Steps)-3:]
	first, second := planned[0].Sub(steps[0].FinishedAt.Time), planned[1].Sub(steps[1].FinishedAt.Time)
	w.g.Expect(first).To(BeNumerically(">=", 1550*time.Millisecond))
	w.g.Expect(second).To(BeNumerically(">", first))
	for i, at := range planned {
		w.g.Expect(steps[i+1].StartedAt.Time).NotTo(BeTemporally("<", at), "attempt %d waits", i+2)
	}
}

// lastOf is the newest step.
func lastOf(st v1alpha1.WorkOrderStatus) v1alpha1.Step {
	if len(st.Steps) == 0 {
		return v1alpha1.Step{}
	}
	return st.Steps[len(st.Steps)-1]
}
