package agent

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// wireDenial is a use of a tool that claude did not permit.
type wireDenial struct {
	Tool  string          `json:"tool_name"`
	Input json.RawMessage `json:"tool_input"`
}

// String names the tool and what it was to do, whole: Bash (rm -rf /).
func (d wireDenial) String() string {
	var input struct {
		Command json.RawMessage `json:"command"`
		File    json.RawMessage `json:"file_path"`
	}
	if !decodes(d.Input, &input) {
		return d.Tool
	}
	what := textOrEmpty(input.Command)
	if what == "" {
		what = textOrEmpty(input.File)
	}
	if what == "" {
		return d.Tool
	}
	return fmt.Sprintf("%s (%s)", d.Tool, what)
}

// shortDenials makes of denials what fits a line. Secrets have to be out of them: of one that is cut a part would stay.
func shortDenials(denied []string) string {
	const most, length = 3, 120
	var out []string
	for _, d := range denied[:min(most, len(denied))] {
		out = append(out, clip(oneLine(d), length))
	}
	if more := len(denied) - most; more > 0 {
		out = append(out, fmt.Sprintf("%d more", more))
	}
	return strings.Join(out, ", ")
}

// denied is the failure of an agent that was refused something: what is missing of its work nobody knows.
func (e Evidence) denied() error {
	next := "set CLAUDE_CLI_SKIP_PERMISSIONS=true or change the request"
	if e.NoSettingHelps {
		next = "that is refused whatever the settings, so change the request"
	}
	return e.terminal(v1alpha1.ReasonAgentFailed, fmt.Sprintf(
		"was denied the use of %s, so its work is not complete", shortDenials(e.Result.Denied)), next)
}
