package agent

import (
	"slices"
	"strconv"
	"strings"

	"github.com/agent-work-orders/awo/controller/process"
)

// environment is what an agent finds: what passes of the controller's own environment, and what is set for the task.
// allow names further variables that pass. Last come the agent's own settings.
func environment(environ, allow []string, t Task, own ...string) []string {
	passed, _ := process.OneAnthropicCredential(process.Environment(environ, slices.Concat(process.AgentAllow, allow)...))
	set := append([]string{
		"HOME=" + t.Home,
		"TMPDIR=" + t.TempDir,
		"AWO_PHASE=" + string(t.Phase),
		"AWO_ATTEMPT=" + strconv.Itoa(int(t.Attempt)),
		"AWO_WORK_ORDER=" + t.Name,
		process.WorkOrderIDVariable + "=" + t.ID,
	}, own...)
	return overlay(passed, set)
}

// overlay returns the entries with those set that have the same name; the files of secrets are left out, they are
// the controller's.
func overlay(base, set []string) []string {
	names := map[string]bool{"ANTHROPIC_API_KEY_FILE": true, "CLAUDE_CODE_OAUTH_TOKEN_FILE": true}
	for _, entry := range set {
		name, _, _ := strings.Cut(entry, "=")
		names[name] = true
	}
	out := slices.DeleteFunc(slices.Clone(base), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return names[name]
	})
	return append(out, set...)
}

// none is an empty environment.
func none() []string { return nil }
