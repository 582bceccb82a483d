package agent_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/hack/scripted/model"
)

func formatEpoch(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// TestClaudeResumesAfterKill kills claude from its own tool call, with SIGKILL, and resumes: the conversation goes on, the
// task is not sent again, and the cost is that of both runs.
func TestClaudeResumesAfterKill(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Turns(
		model.Call(model.Write("half.txt", "half\n")), model.Call(model.Bash("kill -9 $PPID")), model.Say("Finished.")))
	_, err := r.run()
	g.Expect(expectFailure(g, err, failure.Retry, v1alpha1.ReasonAgentFailed)).To(ContainSubstring("SIGKILL"))

	r.task.Session.Resume = true
	out, err := r.run()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out.Text).To(Equal("Finished."))
	g.Expect(out.SessionID).To(Equal(r.task.Session.ID))
	g.Expect(out.Fresh).To(BeFalse())
	g.Expect(out.Usage.InputTokens).To(Equal(int64(1200)), "usage is of this run only")
	last := r.requests()[2]
	g.Expect(last.Session).To(Equal(r.task.Session.ID))
	g.Expect(last.Prompt()).To(Equal("do the task\n"))
	g.Expect(last.LastPrompt()).To(Equal("go on\n"))
	g.Expect(last.Answers()).To(BeNumerically(">=", 1))
}

func TestClaudeCostIsCumulative(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Turns(model.Say("one"), model.Say("two")))
	first, err := r.run()
	g.Expect(err).NotTo(HaveOccurred())
	r.task.Session.Resume = true
	second, err := r.run()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(second.Text).To(Equal("two"))
	g.Expect(second.CostUSD).To(BeNumerically("~", 2*first.CostUSD, 1e-9))
	g.Expect(second.Usage).To(Equal(first.Usage))
}

// TestClaudeBeginsAnewWhatCannotBeResumed keeps the id and sends the whole task.
func TestClaudeBeginsAnewWhatCannotBeResumed(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Turns(model.Say("done")))
	r.task.Session.Resume = true
	out, err := r.run()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out.SessionID).To(Equal(r.task.Session.ID))
	g.Expect(out.Fresh).To(BeTrue())
	g.Expect(r.requests()).To(HaveLen(1))
	g.Expect(r.requests()[0].LastPrompt()).To(Equal("do the task\n"))
}

func TestClaudeReplacesATakenSession(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Turns(model.Say("done")))
	_, err := r.run()
	g.Expect(err).NotTo(HaveOccurred())

	other := uuid.NewString()
	var told []string
	r.config.NewID = func() string { return other }
	r.task.OnSession = func(id string) error { told = append(told, id); return nil }
	out, err := r.run()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out.SessionID).To(Equal(other))
	g.Expect(out.Fresh).To(BeTrue())
	g.Expect(told).To(Equal([]string{other}))
	g.Expect(r.requests()[1].Session).To(Equal(other))

	refusal := errors.New("disk full")
	r.task.OnSession = func(string) error { return refusal }
	_, err = r.run()
	g.Expect(err).To(MatchError(refusal))
	g.Expect(r.requests()).To(HaveLen(2))
}

// TestClaudeInterrupted cancels while the model is asked and while a tool runs.
func TestClaudeInterrupted(t *testing.T) {
	for name, turn := range map[string]model.Turn{
		"at the model": {Fault: model.FaultHang},
		"in a tool":    model.Call(model.Bash("touch started; sleep 1000")),
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := newRig(t, model.Sequence(turn))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				g.Eventually(func() bool {
					_, err := os.Stat(filepath.Join(r.task.Dir, "started"))
					return len(r.requests()) > 0 && (err == nil || turn.Fault == model.FaultHang)
				}, "60s").Should(BeTrue())
				cancel()
			}()
			_, err := r.runIn(ctx)
			expectFailure(g, err, failure.Interrupted, v1alpha1.ReasonInterrupted)
		})
	}
}

// TestClaudeRunsNothingThatWasPlanted plants hooks and MCP servers where an earlier phase could have left them.
func TestClaudeRunsNothingThatWasPlanted(t *testing.T) {
	g := NewWithT(t)
	r := newRig(t, model.Turns(model.Call(model.Bash("true")), model.Say("done")))
	trace := filepath.Join(filepath.Dir(r.task.Dir), "trace")
	hook := `{"type":"command","command":"echo hook >> ` + trace + `"}`
	hooks := `{"enableAllProjectMcpServers":true,"hooks":{"SessionStart":[{"hooks":[` + hook + `]}],"PreToolUse":[{"matcher":"","hooks":[` + hook + `]}]}}`
	servers := `{"mcpServers":{"evil-server":{"command":"sh","args":["-c","echo mcp >> ` + trace + `"]}}}`
	for name, text := range map[string]string{
		filepath.Join(r.task.Home, ".claude", "settings.json"):       hooks,
		filepath.Join(r.task.Home, ".claude", "settings.local.json"): hooks,
		filepath.Join(r.task.Home, ".claude", ".claude.json"):        servers,
		filepath.Join(r.task.Home, ".claude", "CLAUDE.md"):           "PLANTED-MEMORY",
		filepath.Join(r.task.Home, ".bashrc"):                        "echo bashrc >> " + trace,
		filepath.Join(r.task.Dir, ".claude", "settings.json"):        hooks,
		filepath.Join(r.task.Dir, ".claude", "settings.local.json"):  hooks,
		filepath.Join(r.task.Dir, ".mcp.json"):                       servers,
	} {
		g.Expect(os.MkdirAll(filepath.Dir(name), 0o750)).To(Succeed())
		g.Expect(os.WriteFile(name, []byte(text), 0o600)).To(Succeed())
	}
	_, err := r.run()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(read(t, trace)).To(BeEmpty())
	for _, request := range r.requests() {
		for _, trace := range []string{"PLANTED-MEMORY", "evil-server"} {
			g.Expect(strings.Contains(string(request.Body), trace)).To(BeFalse(), trace)
		}
	}
}
