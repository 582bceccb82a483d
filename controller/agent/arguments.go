package agent

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
)

// allTools are the tools that claude has while it implements. Those that are left out make no sense without a person
// or beyond one run (schedules, worktrees of its own, messages). One that is allowed but unknown to a version of
// claude does no harm.
const allTools = "Task,Agent,Bash,BashOutput,KillShell,TaskOutput,TaskStop,Edit,MultiEdit,Write,NotebookEdit,Read,Glob,Grep,LS," +
	"Skill,TodoWrite,WebFetch,WebSearch"

// readTools are the tools that claude has while it plans: a call of any other is answered with "no such tool", which
// is no denial. Subagents have none of the missing ones either.
const readTools = "Task,Agent,Bash,BashOutput,KillShell,TaskOutput,TaskStop,Read,Glob,Grep,LS,TodoWrite,WebFetch,WebSearch"

// options are what claude's command line depends on besides the task.
type options struct {
	model    string
	maxTurns int32
	// skip leaves out all permission checks.
	skip bool
}

// arguments returns claude's command line for a task and a session. The prompt comes on stdin.
func (o options) arguments(t Task, s Session) ([]string, error) {
	model := o.model
	if t.Spec.Model != "" {
		model = t.Spec.Model
	}
	if strings.HasPrefix(model, "-") {
		return nil, failure.NewTerminal(v1alpha1.ReasonInvalidSpec,
			fmt.Errorf("spec.agent.model %q begins with a dash; name a model such as sonnet", model))
	}
	args := []string{"-p", "--output-format", "stream-json", "--verbose", "--model", model}
	if s.Resume {
		args = append(args, "--resume", s.ID)
	} else if s.ID != "" {
		args = append(args, "--session-id", s.ID)
	}
	if turns := o.turns(t); turns > 0 {
		args = append(args, "--max-turns", strconv.Itoa(int(turns)))
	}
	if t.BudgetLeft != "" {
		args = append(args, "--max-budget-usd", t.BudgetLeft)
	}
	// What the work tree brings along (settings, hooks, MCP servers) is a stranger's.
	args = append(args, "--setting-sources", "user", "--strict-mcp-config")
	return append(append(args, o.permissions(t.ReadOnly)...), "--"), nil
}

func (o options) turns(t Task) int32 {
	if t.Spec.MaxTurns != nil {
		return *t.Spec.MaxTurns
	}
	return o.maxTurns
}

// permissions are the tools and what they may do. Planning never skips the checks: it has no need to. Both lists end
// with another flag, since they take any number of arguments.
func (o options) permissions(readOnly bool) []string {
	switch {
	case readOnly:
		return []string{"--tools", readTools, "--permission-mode", "acceptEdits", "--allowedTools", readTools}
	case o.skip:
		return []string{"--tools", allTools, "--dangerously-skip-permissions"}
	default:
		return []string{"--tools", allTools, "--permission-mode", "acceptEdits", "--allowedTools", allTools}
	}
}
