package agent

import (
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

func TestArguments(t *testing.T) {
	const (
		start  = "-p --output-format stream-json --verbose --model sonnet --session-id S "
		source = "--setting-sources user --strict-mcp-config "
		asked  = "--permission-mode acceptEdits --allowedTools "
	)
	for name, c := range map[string]struct {
		options options
		task    Task
		session Session
		want    string
	}{
		"all allowed":  {options{skip: true}, Task{}, Session{ID: "S"}, start + source + "--tools " + allTools + " --dangerously-skip-permissions --"},
		"with checks":  {options{}, Task{}, Session{ID: "S"}, start + source + "--tools " + allTools + " " + asked + allTools + " --"},
		"planning":     {options{skip: true}, Task{ReadOnly: true}, Session{ID: "S"}, start + source + "--tools " + readTools + " " + asked + readTools + " --"},
		"turn default": {options{skip: true, maxTurns: 9}, Task{}, Session{ID: "S"}, start + "--max-turns 9 " + source + "--tools " + allTools + " --dangerously-skip-permissions --"},
		"all of the spec": {options{skip: true, maxTurns: 9},
			Task{Spec: v1alpha1.Agent{Model: "opus", MaxTurns: ptr.To[int32](3)}, BudgetLeft: "1.2500"}, Session{ID: "S", Resume: true},
			"-p --output-format stream-json --verbose --model opus --resume S --max-turns 3 --max-budget-usd 1.2500 " + source +
				"--tools " + allTools + " --dangerously-skip-permissions --"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			c.options.model = "sonnet"
			args, err := c.options.arguments(c.task, c.session)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(strings.Join(args, " ")).To(Equal(c.want))
		})
	}
}

func TestArgumentsRefuseAModelThatIsAFlag(t *testing.T) {
	g := NewWithT(t)
	_, err := options{}.arguments(Task{Spec: v1alpha1.Agent{Model: "--dangerously-skip-permissions"}}, Session{})
	g.Expect(failure.Of(err, "").Reason).To(Equal(v1alpha1.ReasonInvalidSpec))
}

func TestSkipPermissions(t *testing.T) {
	for _, c := range []struct {
		name                     string
		wanted, root, confined   bool
		skips, declaredASandboxy bool
	}{
		{"ordinary user", true, false, false, true, false},
		{"root", true, true, false, false, false},
		{"root in the sandbox", true, true, true, true, true},
		{"not wanted", false, false, true, false, false},
		{"not wanted, root in the sandbox", false, true, true, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			mode := map[bool]sandbox.Mode{true: sandbox.Auto, false: sandbox.Off}[c.confined]
			box, err := sandbox.New(sandbox.Options{Mode: mode, ABI: func() int { return 7 }})
			g.Expect(err).NotTo(HaveOccurred())
			claude := NewClaude(ClaudeConfig{SkipPermissions: c.wanted, Root: c.root, Sandbox: box})
			g.Expect(claude.options().skip).To(Equal(c.skips))
			g.Expect(claude.environment(Task{})).To(WithTransform(has("IS_SANDBOX=1"), Equal(c.declaredASandboxy)))
		})
	}
}

func has(entry string) func([]string) bool {
	return func(env []string) bool { return slices.Contains(env, entry) }
}

// fixed is an environment that stays as it is.
func fixed(entries ...string) func() []string {
	return func() []string { return entries }
}

func TestEnvironment(t *testing.T) {
	g := NewWithT(t)
	claude := NewClaude(ClaudeConfig{
		Environ: fixed(
			"PATH=/bin", "HOME=/root", "GITHUB_TOKEN=ghp_x", "GH_TOKEN=ghp_x", "AWS_SECRET_ACCESS_KEY=x", "LC_ALL=C.UTF-8", "EXTRA=1", "OTHER=1",
			"ANTHROPIC_API_KEY=sk", "CLAUDE_CODE_OAUTH_TOKEN=oauth", "ANTHROPIC_API_KEY_FILE=/run/key", "CLAUDE_CONFIG_DIR=/root/.claude",
			"CLAUDE_CODE_MAX_RETRIES=2", "CLAUDE_CODE_TMPDIR=/elsewhere", "AWO_WORK_ORDER=other", "https_proxy=http://proxy", "API_TIMEOUT_MS=",
		),
		Allow: []string{"EXTRA", "GITHUB_TOKEN", "AWO_WORK_ORDER"},
	})
	env := claude.environment(Task{Name: "n", ID: "wo-1", Phase: v1alpha1.PhasePlanning, Attempt: 2, Home: "/h", TempDir: "/t"})
	g.Expect(env).To(ConsistOf(
		"PATH=/bin", "LC_ALL=C.UTF-8", "EXTRA=1", "ANTHROPIC_API_KEY=sk", "CLAUDE_CODE_MAX_RETRIES=2", "https_proxy=http://proxy",
		"HOME=/h", "TMPDIR=/t", "AWO_PHASE=Planning", "AWO_ATTEMPT=2", "AWO_WORK_ORDER=n", "AWO_WORK_ORDER_ID=wo-1",
		"CLAUDE_CONFIG_DIR=/h/.claude", "CLAUDE_CODE_TMPDIR=/t", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_AUTOUPDATER=1",
	))
}
