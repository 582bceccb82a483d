package agent

import (
	"slices"
	"strconv"

	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/environ"
)

// environment is what an agent finds: what passes of the controller's own environment, and what is set for the task.
// allow names further variables that pass. Last come the agent's own settings.
func environment(inherited, allow []string, t Task, own ...string) []string {
	passed, _ := process.OneAnthropicCredential(process.Environment(inherited, slices.Concat(process.AgentAllow, allow)...))
	set := append([]string{
		"HOME=" + t.Home,
		"TMPDIR=" + t.TempDir,
		"AWO_PHASE=" + string(t.Phase),
		"AWO_ATTEMPT=" + strconv.Itoa(int(t.Attempt)),
		"AWO_WORK_ORDER=" + t.Name,
		process.WorkOrderIDVariable + "=" + t.ID,
	}, own...)
	// The files of secrets are the controller's.
	return environ.With(environ.Without(passed, "ANTHROPIC_API_KEY_FILE", "CLAUDE_CODE_OAUTH_TOKEN_FILE"), set...)
}

// none is an empty environment.
func none() []string { return nil }
