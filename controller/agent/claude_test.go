package agent_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	. "github.com/onsi/gomega"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/hack/scripted/model"
)

// claudePath finds the real claude: CLAUDE_CLI_PATH, PATH, the checkout's .tools. Without one the test is left out,
// or fails where AWO_E2E_REQUIRED=1 says that none may be.
func claudePath(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CLAUDE_CLI_PATH"); path != "" {
		return path
	}
	if path, err := exec.LookPath("claude"); err == nil {
		return path
	}
	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(here), "..", "..", ".tools", "claude", "node_modules", ".bin", "claude")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	const missing = "no claude: neither CLAUDE_CLI_PATH nor PATH nor .tools has one; `make test` installs it"
	if os.Getenv("AWO_E2E_REQUIRED") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// rig is the real claude before a scripted model.
type rig struct {
	t      *testing.T
	model  *model.Server
	config agent.ClaudeConfig
	task   agent.Task
}

func newRig(t *testing.T, script model.Script, environ ...string) *rig {
	t.Helper()
	server, err := model.New(map[string]model.Script{"task": script})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, failed := range server.Failures() {
			t.Errorf("the model server could not answer: %v", failed)
		}
		_ = server.Close()
	})
	spawner := newSpawner(t)
	task := newTask(t)
	task.Session = agent.Session{ID: uuid.NewString()}
	return &rig{t: t, model: server, task: task, config: agent.ClaudeConfig{
		Path: claudePath(t), SkipPermissions: true, Root: os.Geteuid() == 0, Supervisor: spawner, Runner: spawner,
		Environ: fixed(append([]string{
			"PATH=" + os.Getenv("PATH"), "ANTHROPIC_BASE_URL=" + server.URL("task"), "ANTHROPIC_API_KEY=sk-ant-test", "GITHUB_TOKEN=not-for-agents",
		}, environ...)),
	}}
}

func (r *rig) run() (agent.Outcome, error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 2*time.Minute)
	defer cancel()
	return r.runIn(ctx)
}

func (r *rig) runIn(ctx context.Context) (agent.Outcome, error) {
	return agent.NewClaude(r.config).Run(ctx, r.task)
}

func (r *rig) requests() []*model.Request { return r.model.Requests("task") }

func TestClaudeWritesAndRuns(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Turns(
		model.Turn{Text: "I begin.", Tools: []model.Tool{model.Write("notes/read me.txt", "hello\n"), model.Bash("env > env.txt")}},
		model.Call(model.Edit("notes/read me.txt", "hello", "bye")),
		model.Say("All done.")))
	r.task.Prompt = []byte("--help\n" + strings.Repeat("long $1 $ARGUMENTS {{.X}} `x` ü\n", 30_000) + "end")
	out, err := r.run()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out.CostUSD).To(BeNumerically(">", 0))
	g.Expect(out.Usage.Turns).To(BeNumerically(">=", 3))
	g.Expect(out).To(Equal(agent.Outcome{
		Text: "All done.", SessionID: r.task.Session.ID, CostUSD: out.CostUSD,
		Usage: v1alpha1.Usage{InputTokens: 3600, OutputTokens: 150, CacheReadTokens: 15000, CacheWriteTokens: 900, Turns: out.Usage.Turns},
	}))
	g.Expect(read(t, r.task.Dir, "notes", "read me.txt")).To(Equal("bye\n"))
	g.Expect(read(t, r.task.Dir, "env.txt")).To(And(ContainSubstring("AWO_PHASE=Implementing"), Not(ContainSubstring("not-for-agents"))))
	g.Expect(r.requests()).To(HaveLen(3))
	first := r.requests()[0]
	g.Expect(strings.TrimSpace(first.Prompt())).To(Equal(string(r.task.Prompt)))
	g.Expect(first.Session).To(Equal(r.task.Session.ID))
	g.Expect(first.Header.Get("X-Api-Key")).To(Equal("sk-ant-test"))
	g.Expect(read(t, r.task.Transcript)).To(And(ContainSubstring(`"subtype":"init"`), ContainSubstring("All done.")))
}

// TestClaudeCannotWriteWhilePlanning shows that a plan comes out although the model tries to write.
func TestClaudeCannotWriteWhilePlanning(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Turns(
		model.Call(model.Write("plan.txt", "x"), model.Edit("a", "b", "c"), model.Bash("ls -a"),
			model.Tool{Name: "Glob", Input: map[string]any{"pattern": "*"}}),
		model.Say("1. Write it.")))
	r.task.ReadOnly = true
	out, err := r.run()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out.Text).To(Equal("1. Write it."))
	g.Expect(filepath.Join(r.task.Dir, "plan.txt")).NotTo(BeAnExistingFile())
	g.Expect(r.requests()[0].Tools).To(And(ContainElements("Bash", "Read"), Not(ContainElement(BeElementOf("Write", "Edit", "NotebookEdit")))))
	g.Expect(r.requests()[1].ToolResults()[0]).To(Equal(model.ToolResult{Text: r.requests()[1].ToolResults()[0].Text, IsError: true}))
}

func TestClaudeFailures(t *testing.T) {
	for name, c := range map[string]struct {
		turn     model.Turn
		policy   failure.Policy
		reason   string
		requests int
	}{
		"bad request":          {model.Fail(http.StatusBadRequest), failure.Terminal, v1alpha1.ReasonAgentFailed, 1},
		"forbidden":            {model.Fail(http.StatusForbidden), failure.Terminal, v1alpha1.ReasonAuthenticationFailed, 1},
		"unknown model":        {model.Fail(http.StatusNotFound), failure.Terminal, v1alpha1.ReasonAgentFailed, 1},
		"rate limit":           {model.Fail(http.StatusTooManyRequests), failure.Retry, v1alpha1.ReasonAgentFailed, 2},
		"server error":         {model.Fail(http.StatusInternalServerError), failure.Retry, v1alpha1.ReasonAgentFailed, 2},
		"overloaded":           {model.Fail(529), failure.Retry, v1alpha1.ReasonAgentFailed, 2},
		"dropped":              {model.Turn{Fault: model.FaultDrop}, failure.Retry, v1alpha1.ReasonAgentFailed, 2},
		"malformed":            {model.Turn{Fault: model.FaultMalformed}, failure.Retry, v1alpha1.ReasonAgentFailed, 1},
		"refused by the model": {model.Turn{Text: "no", StopReason: "refusal"}, failure.Terminal, v1alpha1.ReasonAgentFailed, 1},
		"no credit": {model.Turn{Error: &model.Error{Status: http.StatusBadRequest, Message: "Your credit balance is too low to access the Anthropic API."}},
			failure.Terminal, v1alpha1.ReasonAgentFailed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := newRig(t, model.Sequence(c.turn), "CLAUDE_CODE_MAX_RETRIES=1")
			out, err := r.run()
			expectFailure(g, err, c.policy, c.reason)
			g.Expect(out.SessionID).To(Equal(r.task.Session.ID))
			g.Expect(len(r.requests())).To(BeNumerically(">=", c.requests))
		})
	}
}

// TestClaudeRefusedCredentials is ended by us: claude alone goes on for minutes.
func TestClaudeRefusedCredentials(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Sequence(model.Fail(http.StatusUnauthorized)))
	_, err := r.run()
	g.Expect(expectFailure(g, err, failure.Terminal, v1alpha1.ReasonAuthenticationFailed)).To(ContainSubstring("401"))
	g.Expect(len(r.requests())).To(BeNumerically("<=", 4))
}

func TestClaudeWithoutCredentials(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Sequence(model.Say("x")), "ANTHROPIC_API_KEY=")
	_, err := r.run()
	expectFailure(g, err, failure.Terminal, v1alpha1.ReasonAuthenticationFailed)
	g.Expect(r.requests()).To(BeEmpty())
}

func TestClaudeConnectionRefused(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Sequence(model.Say("x")), "ANTHROPIC_BASE_URL=http://127.0.0.1:1", "CLAUDE_CODE_MAX_RETRIES=0")
	_, err := r.run()
	expectFailure(g, err, failure.Retry, v1alpha1.ReasonAgentFailed)
}

func TestClaudeRecovers(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Sequence(
		model.Turn{Error: &model.Error{Status: http.StatusTooManyRequests, RetryAfter: "0"}},
		model.Fail(529), model.Turn{Fault: model.FaultCut, Text: strings.Repeat("never seen whole ", 100)}, model.Say("in the end")))
	out, err := r.run()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out.Text).To(Equal("in the end"))
	g.Expect(read(t, r.task.Transcript)).To(ContainSubstring(`"subtype":"api_retry"`))
}

func TestClaudeUsageLimit(t *testing.T) {
	g := NewWithT(t)
	resets := time.Now().Add(2 * time.Hour).Truncate(time.Second)
	epoch := map[string]string{
		"Anthropic-Ratelimit-Unified-Status": "rejected", "Anthropic-Ratelimit-Unified-Reset": formatEpoch(resets),
		"Anthropic-Ratelimit-Unified-Representative-Claim": "five_hour",
	}
	r := newRig(t, model.Sequence(model.Turn{Error: &model.Error{Status: http.StatusTooManyRequests, Header: epoch}}),
		"ANTHROPIC_API_KEY=", "CLAUDE_CODE_OAUTH_TOKEN=sk-ant-oat01-made-up")
	_, err := r.run()
	expectFailure(g, err, failure.Wait, v1alpha1.ReasonUsageLimit)
	g.Expect(failure.Of(err, "").Until).To(BeTemporally("==", resets.Add(time.Minute)))
}

func TestClaudeMaxTurns(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Turns(model.Call(model.Bash("true"))))
	r.task.Spec.MaxTurns = ptr.To[int32](2)
	out, err := r.run()
	expectFailure(g, err, failure.Terminal, v1alpha1.ReasonMaxTurns)
	g.Expect(out.Usage.InputTokens).To(BeNumerically(">", 0))
}

func TestClaudeBudget(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Turns(model.Call(model.Bash("true"))))
	r.task.BudgetLeft = "0.0010"
	out, err := r.run()
	expectFailure(g, err, failure.Terminal, v1alpha1.ReasonBudgetExceeded)
	g.Expect(out.CostUSD).To(BeNumerically(">", 0.001))
}

// TestClaudeDenied runs with permission checks: what is denied is told although claude itself says that all is well.
func TestClaudeDenied(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Turns(model.Call(model.Write(".claude/settings.json", "{}")), model.Say("All is well.")))
	r.config.SkipPermissions = false
	_, err := r.run()
	g.Expect(expectFailure(g, err, failure.Terminal, v1alpha1.ReasonAgentFailed)).To(ContainSubstring("denied the use of Write"))
}

// TestClaudeSkipsChecksInASandbox does what is denied otherwise; root needs to be told that it is confined.
func TestClaudeSkipsChecksInASandbox(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Turns(model.Call(model.Write(".claude/settings.json", "{}")), model.Say("All is well.")))
	r.config.Sandbox = newSandbox(t, filepath.Dir(r.task.Dir))
	_, err := r.run()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(read(t, r.task.Dir, ".claude", "settings.json")).To(Equal("{}"))
}

// TestClaudeIsStalled hangs at the model; the clock is the test's.
func TestClaudeIsStalled(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Sequence(model.Turn{Fault: model.FaultHang}))
	clock := clocktesting.NewFakeClock(time.Now())
	r.config.Clock, r.task.IdleTimeout, r.task.PhaseTimeout = clock, 10*time.Minute, time.Hour
	ended := make(chan error, 1)
	go func() {
		_, err := r.run()
		ended <- err
	}()
	g.Eventually(r.requests, "60s").ShouldNot(BeEmpty())
	clock.Step(11 * time.Minute)
	var err error
	g.Eventually(ended, "60s").Should(Receive(&err))
	expectFailure(g, err, failure.Retry, v1alpha1.ReasonStalled)
}

func TestClaudePromptOverItsLimit(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Sequence())
	r.task.Prompt = make([]byte, 10<<20+1)
	_, err := r.run()
	g.Expect(expectFailure(g, err, failure.Terminal, v1alpha1.ReasonAgentFailed)).To(ContainSubstring("shorten spec.request"))
	g.Expect(r.requests()).To(BeEmpty())
}

func TestClaudeVersion(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Sequence())
	g.Expect(agent.NewClaude(r.config).Version(t.Context())).To(MatchRegexp(`^\d+\.\d+\.\d+$`))
}

func TestClaudeNotInstalled(t *testing.T) {
	g := NewWithT(t)
	for _, path := range []string{"", "no-such-claude", "/no/such/claude", "./claude"} {
		c := agent.NewClaude(agent.ClaudeConfig{Path: path, Environ: fixed([]string{"PATH=" + t.TempDir()}), Supervisor: newSpawner(t)})
		_, err := c.Run(t.Context(), newTask(t))
		g.Expect(expectFailure(g, err, failure.Terminal, v1alpha1.ReasonAgentNotInstalled)).To(ContainSubstring("npm install -g @anthropic-ai/claude-code"))
		_, err = c.Version(t.Context())
		expectFailure(g, err, failure.Terminal, v1alpha1.ReasonAgentNotInstalled)
	}
}
