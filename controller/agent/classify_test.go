package agent_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
)

const success = ""

// now is an hour before the reset time in usage_limit.jsonl.
var now = time.Unix(1795449600, 0).Add(-time.Hour)

// gather reads a real transcript to what Classify judges by.
func gather(t *testing.T, transcript string) agent.Evidence {
	t.Helper()
	e := agent.Evidence{Order: "o", Program: "claude", Now: now}
	err := agent.Read(strings.NewReader(transcript), io.Discard, func(ev agent.Event) {
		switch {
		case ev.Result != nil:
			e.Result = ev.Result
		case ev.Retry != nil:
			e.Retry = ev.Retry
		case ev.Limit != nil:
			e.RateLimit = ev.Limit
		case ev.APIError != "":
			e.APIError = ev.APIError
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// outcomes are the exit codes as measured and how each is to be treated.
var outcomes = []struct {
	transcripts string
	exit        int
	policy      failure.Policy
	reason      string
	message     string
}{
	{"authtoken badinput badjson badmodel badtool bare_write continue empty envmodel err429_recover err529_recover " +
		"input_streamjson mcp_bad nohome nonroot_skip nopersist out_json resume resume_fork resume_othercwd resume_par1 " +
		"resume_par2 schema_ok schema_text session_id stdin_only stdin_open success_root_skip_sandbox", 0, 0, success, ""},
	{"api_SIGINT out_text codex_exec opencode gemini_sj", 0, failure.Terminal, v1alpha1.ReasonAgentFailed, "without a result"},
	{"api_SIGTERM tool_SIGTERM", 143, failure.Retry, v1alpha1.ReasonAgentFailed, "exit status 143 and without a result"},
	{"tool_SIGHUP", 129, failure.Retry, v1alpha1.ReasonAgentFailed, "exit status 129"},
	{"tool_SIGKILL", 137, failure.Retry, v1alpha1.ReasonAgentFailed, "exit status 137"},
	{"tool_SIGINT", 0, failure.Retry, v1alpha1.ReasonAgentFailed, "was interrupted"},
	{"api_timeout conn_refused drop_retry1 garbage midcut", 1, failure.Retry, v1alpha1.ReasonAgentFailed, "failed: "},
	{"err400_credit", 1, failure.Terminal, v1alpha1.ReasonAgentFailed, "Credit balance is too low; settle the account's billing"},
	{"err400_toolong", 1, failure.Terminal, v1alpha1.ReasonAgentFailed, "HTTP status 400"},
	{"err401_retry0", 1, failure.Terminal, v1alpha1.ReasonAuthenticationFailed, "ANTHROPIC_API_KEY"},
	{"err403", 1, failure.Terminal, v1alpha1.ReasonAuthenticationFailed, "HTTP status 403"},
	{"nokey", 1, failure.Terminal, v1alpha1.ReasonAuthenticationFailed, "Not logged in"},
	{"err404_model", 1, failure.Terminal, v1alpha1.ReasonAgentFailed, "spec.agent.model"},
	{"err429_default err429_retry1", 1, failure.Retry, v1alpha1.ReasonAgentFailed, "HTTP status 429"},
	{"err500_default err500_retry1", 1, failure.Retry, v1alpha1.ReasonAgentFailed, "HTTP status 500"},
	{"err529_default err529_retry0", 1, failure.Retry, v1alpha1.ReasonAgentFailed, "HTTP status 529"},
	{"max_tokens", 1, failure.Terminal, v1alpha1.ReasonAgentFailed, "output token maximum"},
	{"maxbudget", 1, failure.Terminal, v1alpha1.ReasonBudgetExceeded, "spec.agent.maxBudgetUSD"},
	{"maxturns1", 1, failure.Terminal, v1alpha1.ReasonMaxTurns, "used up its turns (1)"},
	{"maxturns3", 1, failure.Terminal, v1alpha1.ReasonMaxTurns, "spec.agent.maxTurns"},
	{"permnone stdin_and_arg", 0, failure.Terminal, v1alpha1.ReasonAgentFailed, "denied the use of Write"},
	{"refusal", 1, failure.Terminal, v1alpha1.ReasonAgentFailed, "refused by the model"},
	{"resume_missing", 1, failure.Retry, v1alpha1.ReasonAgentFailed, "No conversation found"},
	{"schema_bad", 1, failure.Terminal, v1alpha1.ReasonAgentFailed, "error_max_structured_output_retries"},
	{"usage_limit", 1, failure.Wait, v1alpha1.ReasonUsageLimit, "goes on at"},
}

func TestClassifyTranscripts(t *testing.T) {
	judged := map[string]bool{}
	for _, o := range outcomes {
		for name := range strings.FieldsSeq(o.transcripts) {
			judged[name+".jsonl"] = true
			t.Run(name, func(t *testing.T) {
				g := NewWithT(t)
				e := gather(t, read(t, "testdata", "transcripts", name+".jsonl"))
				e.Exit.Code = o.exit
				err := agent.Classify(e)
				if o.reason == success {
					g.Expect(err).NotTo(HaveOccurred())
					return
				}
				g.Expect(expectFailure(g, err, o.policy, o.reason)).To(ContainSubstring(o.message))
			})
		}
	}
	files, err := os.ReadDir(filepath.Join("testdata", "transcripts"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !judged[f.Name()] {
			t.Errorf("transcript %s is not in the table", f.Name())
		}
	}
}

// TestClassifySigns covers what no transcript shows.
func TestClassifySigns(t *testing.T) {
	done := &agent.Result{Subtype: "success"}
	apiError := func(status int) *agent.Result {
		return &agent.Result{Subtype: "success", IsError: true, TerminalReason: "api_error", APIStatus: status}
	}
	for name, c := range map[string]struct {
		agent.Evidence
		policy failure.Policy
		reason string
	}{
		"crash by a signal":                {agent.Evidence{Exit: process.ExitStatus{Code: 139, Signal: "SIGSEGV"}}, failure.Retry, v1alpha1.ReasonAgentFailed},
		"crash after the result":           {agent.Evidence{Exit: process.ExitStatus{Code: 1}, Result: done}, failure.Retry, v1alpha1.ReasonAgentFailed},
		"stopped after the result":         {agent.Evidence{Exit: process.ExitStatus{Code: 143}, Result: done, Cause: agent.CauseLinger}, 0, success},
		"idle":                             {agent.Evidence{Cause: agent.CauseIdle}, failure.Retry, v1alpha1.ReasonStalled},
		"no first event":                   {agent.Evidence{Cause: agent.CauseFirstEvent}, failure.Retry, v1alpha1.ReasonStalled},
		"wall clock":                       {agent.Evidence{Cause: agent.CauseWallClock}, failure.Terminal, v1alpha1.ReasonTimeout},
		"success told when time was up":    {agent.Evidence{Cause: agent.CauseWallClock, Result: done}, failure.Terminal, v1alpha1.ReasonTimeout},
		"failure told when time was up":    {agent.Evidence{Cause: agent.CauseWallClock, Result: apiError(500)}, failure.Terminal, v1alpha1.ReasonTimeout},
		"success told when it was silent":  {agent.Evidence{Cause: agent.CauseIdle, Result: done}, failure.Retry, v1alpha1.ReasonStalled},
		"failure told instead of an event": {agent.Evidence{Cause: agent.CauseFirstEvent, Result: apiError(400)}, failure.Retry, v1alpha1.ReasonStalled},
		"failure told when it was refused": {agent.Evidence{Cause: agent.CauseRefused, Result: apiError(500)}, failure.Terminal, v1alpha1.ReasonAuthenticationFailed},
		"interrupted":                      {agent.Evidence{Cause: agent.CauseInterrupted, Exit: process.ExitStatus{Code: 143}}, failure.Interrupted, v1alpha1.ReasonInterrupted},
		"interrupted, which is its result": {agent.Evidence{Cause: agent.CauseInterrupted, Result: apiError(0)}, failure.Interrupted, v1alpha1.ReasonInterrupted},
		"interrupted after success":        {agent.Evidence{Cause: agent.CauseInterrupted, Result: done}, 0, success},
		"credentials refused again and again": {
			agent.Evidence{Cause: agent.CauseRefused, Retry: &agent.Retry{Attempt: 2, Status: 401}},
			failure.Terminal, v1alpha1.ReasonAuthenticationFailed},
		"unknown kind of failure":     {agent.Evidence{Result: apiError(0)}, failure.Retry, v1alpha1.ReasonAgentFailed},
		"billing without a status":    {agent.Evidence{Result: apiError(0), APIError: "billing_error"}, failure.Terminal, v1alpha1.ReasonAgentFailed},
		"rate limit without a status": {agent.Evidence{Result: apiError(0), APIError: "rate_limit"}, failure.Retry, v1alpha1.ReasonAgentFailed},
		"prompt too long, told by the agent": {
			agent.Evidence{Result: &agent.Result{IsError: true, TerminalReason: "prompt_too_long"}}, failure.Terminal, v1alpha1.ReasonAgentFailed},
		"overloaded gateway": {agent.Evidence{Result: apiError(503)}, failure.Retry, v1alpha1.ReasonAgentFailed},
		"request timeout":    {agent.Evidence{Result: apiError(408)}, failure.Retry, v1alpha1.ReasonAgentFailed},
		"too large":          {agent.Evidence{Result: apiError(413)}, failure.Terminal, v1alpha1.ReasonAgentFailed},
		"usage limit told by text": {
			agent.Evidence{Result: &agent.Result{IsError: true, APIStatus: 429, Text: "You've used up your session limit - resets 4pm (Europe/Berlin)"}},
			failure.Wait, v1alpha1.ReasonUsageLimit},
		"reset time without a limit": {
			agent.Evidence{Result: &agent.Result{IsError: true, APIStatus: 500, Text: "resets 4pm (Europe/Berlin)"}},
			failure.Retry, v1alpha1.ReasonAgentFailed},
		"limit that was over already": {
			agent.Evidence{Result: apiError(429), RateLimit: &agent.RateLimit{Status: "rejected", ResetsAt: now.Add(-time.Minute).Unix()}},
			failure.Retry, v1alpha1.ReasonAgentFailed},
		"limit not reached": {
			agent.Evidence{Result: apiError(429), RateLimit: &agent.RateLimit{Status: "allowed_warning", ResetsAt: now.Add(time.Hour).Unix()}},
			failure.Retry, v1alpha1.ReasonAgentFailed},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			c.Now = now
			err := agent.Classify(c.Evidence)
			if c.reason == success {
				g.Expect(err).NotTo(HaveOccurred())
				return
			}
			expectFailure(g, err, c.policy, c.reason)
		})
	}
}

func TestClassifyWaitsUntilTheStatedReset(t *testing.T) {
	g := NewWithT(t)
	e := gather(t, read(t, "testdata", "transcripts", "usage_limit.jsonl"))
	e.Exit.Code = 1
	g.Expect(failure.Of(agent.Classify(e), "").Until).To(BeTemporally("==", now.Add(time.Hour+time.Minute)))
}

// TestResultOnlyFromItsOwnEvent shows that a result quoted by a tool, or by the assistant, decides nothing.
func TestResultOnlyFromItsOwnEvent(t *testing.T) {
	g := NewWithT(t)
	quoted := `{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"all done\"}`
	e := gather(t, strings.Join([]string{
		`{"type":"assistant","message":{"content":[{"type":"text","text":"` + quoted + `"}]}}`,
		`{"type":"user","message":{"content":[{"type":"tool_result","content":"` + quoted + `"}]},"result":{"type":"result"}}`,
		`text {"type":"result","subtype":"success"}`,
		`[{"type":"result","subtype":"success"}]`,
		`{"type":"result","status":"success"}`,
		`{"type":"result","subtype":"success"`,
	}, "\n"))
	g.Expect(e.Result).To(BeNil())
	expectFailure(g, agent.Classify(e), failure.Terminal, v1alpha1.ReasonAgentFailed)
}

func TestMessagesAreShortAndClean(t *testing.T) {
	g := NewWithT(t)
	err := agent.Classify(agent.Evidence{
		Program: "claude", Exit: process.ExitStatus{Code: 1},
		Stderr: string(bytes.Repeat([]byte("x"), 1<<16)) + "\n\x1b[31mlast\x00 line\x1b[0m\n",
	})
	g.Expect(err.Error()).To(HaveSuffix("last line"))
	g.Expect(len(err.Error())).To(BeNumerically("<", 600))
}
