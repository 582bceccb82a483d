package agent_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
)

// shellTask is a task for a script of the work tree.
func shellTask(t *testing.T, script string) agent.Task {
	t.Helper()
	task := newTask(t)
	if err := os.WriteFile(filepath.Join(task.Dir, "agent.sh"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	task.Spec = v1alpha1.Agent{Type: v1alpha1.AgentCommand, Command: []string{"./agent.sh", "an argument"}}
	return task
}

// fixed is an environment that stays as it is.
func fixed(entries []string) func() []string {
	return func() []string { return entries }
}

func newCommand(t *testing.T, config agent.CommandConfig) *agent.Command {
	t.Helper()
	config.Supervisor = newSpawner(t)
	if config.Environ == nil {
		config.Environ = fixed([]string{"PATH=" + os.Getenv("PATH"), "GITHUB_TOKEN=not-for-agents"})
	}
	return agent.NewCommand(config)
}

func TestCommandPlainText(t *testing.T) {
	g := NewWithT(t)
	task := shellTask(t, `cat > prompt.txt; printf '%s|%s' "$0" "$1" > args.txt; env | sort > env.txt; echo talk >&2; echo "  did it "; echo done`)
	var who process.Identity
	task.Started = func(i process.Identity) error { who = i; return nil }
	out, err := newCommand(t, agent.CommandConfig{}).Run(t.Context(), task)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out).To(Equal(agent.Outcome{Text: "did it \ndone"}))
	g.Expect(who.PID).To(BeNumerically(">", 0))
	g.Expect(read(t, task.Dir, "prompt.txt")).To(Equal("do the task\n"))
	g.Expect(read(t, task.Dir, "args.txt")).To(HaveSuffix("agent.sh|an argument"))
	g.Expect(strings.Split(read(t, task.Dir, "env.txt"), "\n")).To(And(
		ContainElements("AWO_PHASE=Implementing", "AWO_ATTEMPT=1", "AWO_WORK_ORDER=add-readme", "AWO_WORK_ORDER_ID=wo-0a1b2c3d",
			"HOME="+task.Home, "TMPDIR="+task.TempDir),
		Not(ContainElement(ContainSubstring("not-for-agents")))))
	g.Expect(read(t, task.Transcript)).To(Equal("  did it \ndone\n"))
	g.Expect(read(t, task.Stderr)).To(Equal("talk\n"))
}

func TestCommandOutcomes(t *testing.T) {
	const result = `echo '{"type":"result","subtype":"success","is_error":false,"result":"the report","num_turns":4,"total_cost_usd":0.25,"usage":{"output_tokens":7}}'`
	for name, c := range map[string]struct {
		script string
		policy failure.Policy
		reason string
		text   string
	}{
		"silent":                 {`exit 0`, 0, success, ""},
		"result rules over text": {`echo chatter; ` + result, 0, success, "the report"},
		"events without a result": {`echo '{"type":"assistant","message":{"content":[{"type":"text","text":"said"}]}}'`,
			failure.Terminal, v1alpha1.ReasonAgentFailed, "said"},
		"broken stream":  {`echo '{"type":"assistant",'; echo text`, failure.Terminal, v1alpha1.ReasonAgentFailed, "{\"type\":\"assistant\",\ntext"},
		"broken result":  {`echo '{"type":"result","subtype":"success",'`, failure.Terminal, v1alpha1.ReasonAgentFailed, `{"type":"result","subtype":"success",`},
		"JSON of others": {`echo '{"type":"user","name":"x"}'; echo '{"type":"system","message":"x"}'; echo '{"type":"result"}'`, 0, success, ""},
		"result that says nothing": {`echo '{"type":"result","subtype":"success","is_error":"true","result":"r"}'`,
			failure.Terminal, v1alpha1.ReasonAgentFailed, "r"},
		"events of others":      {`echo '{"type":"turn.completed"}'; echo text`, 0, success, "text"},
		"result on stderr":      {result + ` >&2; exit 3`, failure.Retry, v1alpha1.ReasonAgentFailed, ""},
		"non-zero exit":         {`echo partial; echo 'no such option' >&2; exit 7`, failure.Retry, v1alpha1.ReasonAgentFailed, "partial"},
		"killed":                {`kill -9 $$`, failure.Retry, v1alpha1.ReasonAgentFailed, ""},
		"failed result":         {`echo '{"type":"result","subtype":"error_max_turns","is_error":true}'`, failure.Terminal, v1alpha1.ReasonMaxTurns, ""},
		"result and a bad exit": {result + `; exit 1`, failure.Retry, v1alpha1.ReasonAgentFailed, "the report"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			out, err := newCommand(t, agent.CommandConfig{}).Run(t.Context(), shellTask(t, c.script))
			g.Expect(out.Text).To(Equal(c.text))
			if c.reason == success {
				g.Expect(err).NotTo(HaveOccurred())
			} else {
				expectFailure(g, err, c.policy, c.reason)
			}
		})
	}
}

func TestCommandFailureTellsExitCodeAndStderr(t *testing.T) {
	g := NewWithT(t)
	_, err := newCommand(t, agent.CommandConfig{Redactor: process.NewRedactor("very-secret-value")}).Run(t.Context(),
		shellTask(t, `echo 'cannot use very-secret-value' >&2; exit 7`))
	g.Expect(err).To(MatchError(And(ContainSubstring("agent.sh"), ContainSubstring("exit status 7"), ContainSubstring("cannot use [redacted]"))))
}

func TestCommandUsage(t *testing.T) {
	g := NewWithT(t)
	out, err := newCommand(t, agent.CommandConfig{}).Run(t.Context(), shellTask(t, "echo '"+lineWithTypeLast+"'"))
	expectFailure(g, err, failure.Terminal, v1alpha1.ReasonAgentFailed) // it was denied tools
	g.Expect(out.CostUSD).To(Equal(0.5))
	g.Expect(out.Usage).To(Equal(v1alpha1.Usage{InputTokens: 1, OutputTokens: 2, CacheReadTokens: 3, CacheWriteTokens: 4, Turns: 3}))
}

func TestCommandRedacts(t *testing.T) {
	g := NewWithT(t)
	task := shellTask(t, `echo the key is very-secret-value; echo very-secret-value >&2`)
	out, err := newCommand(t, agent.CommandConfig{Redactor: process.NewRedactor("very-secret-value")}).Run(t.Context(), task)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out.Text).To(Equal("the key is [redacted]"))
	g.Expect(read(t, task.Transcript) + read(t, task.Stderr)).To(Equal("the key is [redacted]\n[redacted]\n"))

	task = shellTask(t, `echo '{"type":"result","is_error":true,"result":"the very-secret-value"}'`)
	out, err = newCommand(t, agent.CommandConfig{Redactor: process.NewRedactor("very-secret-value")}).Run(t.Context(), task)
	g.Expect(err).To(MatchError(ContainSubstring("the [redacted]")))
	g.Expect(out.Text).To(Equal("the [redacted]"))
}

func TestCommandKeepsTheEndOfMuchText(t *testing.T) {
	g := NewWithT(t)
	task := shellTask(t, `yes 0123456789012345678901234567890123456789 | head -c 4000000; echo; echo the end`)
	out, err := newCommand(t, agent.CommandConfig{}).Run(t.Context(), task)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out.Text).To(HaveSuffix("the end"))
	g.Expect(len(out.Text)).To(BeNumerically("~", 1<<20, 1000))
	g.Expect(len(read(t, task.Transcript))).To(BeNumerically(">", 4000000))
}

func TestCommandThatDoesNotExist(t *testing.T) {
	for name, command := range map[string][]string{
		"in the work tree": {"./missing.sh"}, "in PATH": {"no-such-program-anywhere"},
		"not executable": {"./plain"}, "for another machine": {"./foreign"}, "without its interpreter": {"./odd"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			task := newTask(t)
			g.Expect(os.WriteFile(filepath.Join(task.Dir, "plain"), []byte("#!/bin/sh\n"), 0o600)).To(Succeed())
			g.Expect(os.WriteFile(filepath.Join(task.Dir, "odd"), []byte("#!/no/such/interpreter\n"), 0o700)).To(Succeed())
			g.Expect(os.WriteFile(filepath.Join(task.Dir, "foreign"), []byte("\x7fELF, but of no machine"), 0o700)).To(Succeed())
			task.Spec.Command = command
			_, err := newCommand(t, agent.CommandConfig{}).Run(t.Context(), task)
			g.Expect(expectFailure(g, err, failure.Terminal, v1alpha1.ReasonAgentNotInstalled)).To(ContainSubstring("spec.agent.command"))
		})
	}
	g := NewWithT(t)
	_, err := newCommand(t, agent.CommandConfig{}).Run(t.Context(), newTask(t))
	expectFailure(g, err, failure.Terminal, v1alpha1.ReasonInvalidSpec)
}

// TestCommandIsNotStartedUnrecorded shows that a failure to record is returned as it is, and that nothing ran.
func TestCommandIsNotStartedUnrecorded(t *testing.T) {
	g := NewWithT(t)
	task := shellTask(t, `touch ran`)
	missing := &fs.PathError{Op: "open", Path: "record.json", Err: fs.ErrNotExist}
	task.Started = func(process.Identity) error { return missing }
	_, err := newCommand(t, agent.CommandConfig{}).Run(t.Context(), task)
	g.Expect(err).To(MatchError(missing))
	g.Expect(failure.Of(err, "fallback").Reason).To(Equal("fallback"))
	g.Expect(filepath.Join(task.Dir, "ran")).NotTo(BeAnExistingFile())
}

// TestCommandWhoseSupervisorIsKilled is a crash: nothing is known of how the agent would have ended.
func TestCommandWhoseSupervisorIsKilled(t *testing.T) {
	g := NewWithT(t)
	_, err := newCommand(t, agent.CommandConfig{}).Run(t.Context(), shellTask(t, `kill -9 $PPID; exec sleep 1000`))
	expectFailure(g, err, failure.Retry, v1alpha1.ReasonAgentFailed)
	g.Expect(err).To(MatchError(process.ErrSupervisorLost))
}

func TestCommandInTheWrongPlace(t *testing.T) {
	g := NewWithT(t)
	task := shellTask(t, `true`)
	task.Transcript = filepath.Join(task.Dir, "agent.sh", "transcript.jsonl")
	_, err := newCommand(t, agent.CommandConfig{}).Run(t.Context(), task)
	g.Expect(err).To(MatchError(ContainSubstring("transcript")))
	task = shellTask(t, `true`)
	task.Home = filepath.Join(task.Dir, "agent.sh", "home")
	_, err = newCommand(t, agent.CommandConfig{}).Run(t.Context(), task)
	g.Expect(err).To(MatchError(ContainSubstring("agent's home")))
	task = shellTask(t, `true`)
	g.Expect(os.RemoveAll(task.Dir)).To(Succeed())
	_, err = newCommand(t, agent.CommandConfig{}).Run(t.Context(), task)
	expectFailure(g, err, failure.Retry, v1alpha1.ReasonAgentFailed)
}

// A run that keeps no transcripts has none left when it is retried, nor their directory.
func TestTranscriptsDirectoryIsMadeAnew(t *testing.T) {
	g := NewWithT(t)
	task := shellTask(t, `echo done`)
	task.Transcript = filepath.Join(t.TempDir(), "transcripts", "1-Planning.jsonl")
	_, err := newCommand(t, agent.CommandConfig{}).Run(t.Context(), task)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(task.Transcript).To(BeARegularFile())
}

func TestCommandInterrupted(t *testing.T) {
	for name, script := range map[string]string{
		"obedient":           `echo ready; exec sleep 1000`,
		"ends with status 0": `trap 'exit 0' TERM; echo ready; while :; do sleep 0.1; done`,
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			task := shellTask(t, script)
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				g.Eventually(func() string { return read(t, task.Transcript) }, "10s").Should(ContainSubstring("ready"))
				cancel(errors.New("suspended"))
			}()
			_, err := newCommand(t, agent.CommandConfig{}).Run(ctx, task)
			expectFailure(g, err, failure.Interrupted, v1alpha1.ReasonInterrupted)
			_, err = newCommand(t, agent.CommandConfig{}).Run(ctx, task)
			expectFailure(g, err, failure.Interrupted, v1alpha1.ReasonInterrupted)
		})
	}
}

// TestCommandTimeLimits runs real programs that hang, on a clock that the test moves.
func TestCommandTimeLimits(t *testing.T) {
	for name, c := range map[string]struct {
		script      string
		idle, phase time.Duration
		policy      failure.Policy
		reason      string
	}{
		"silent": {`echo ready; exec sleep 1000`, 10 * time.Minute, time.Hour, failure.Retry, v1alpha1.ReasonStalled},
		"talks without end": {`echo ready; while :; do printf .; sleep 0.01; done`, time.Hour, time.Hour,
			failure.Terminal, v1alpha1.ReasonTimeout},
		"does not end after its result": {`echo '{"type":"result","subtype":"success","is_error":false}'; echo ready; exec sleep 1000`,
			10 * time.Minute, time.Hour, 0, success},
		"calls it a success when told to end": {`trap 'echo "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false}"; exit 0' TERM
			echo ready; while :; do sleep 0.1; done`, 10 * time.Minute, 20 * time.Minute, failure.Retry, v1alpha1.ReasonStalled},
		"leaves a child after its result": {`sleep 1000 & echo '{"type":"result","subtype":"success","is_error":false}'; echo ready; wait`,
			10 * time.Minute, time.Hour, 0, success},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			clock := clocktesting.NewFakeClock(time.Unix(0, 0))
			task := shellTask(t, c.script)
			task.IdleTimeout, task.PhaseTimeout = c.idle, c.phase
			ended := make(chan error, 1)
			go func() {
				_, err := newCommand(t, agent.CommandConfig{Clock: clock}).Run(t.Context(), task)
				ended <- err
			}()
			g.Eventually(func() string { return read(t, task.Transcript) }, "10s").Should(ContainSubstring("ready"))
			var err error
			g.Eventually(func() bool {
				clock.Step(time.Minute)
				select {
				case err = <-ended:
					return true
				default:
					return false
				}
			}, "20s", "10ms").Should(BeTrue())
			if c.reason == success {
				g.Expect(err).NotTo(HaveOccurred())
			} else {
				expectFailure(g, err, c.policy, c.reason)
			}
		})
	}
}
