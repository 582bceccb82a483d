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

// String names the tool and what it was to do: Bash (rm -rf /).
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
	if what = strings.Join(strings.Fields(plain(what)), " "); what == "" {
		return d.Tool
	}
	const most = 100
	if len(what) > most {
		what = strings.ToValidUTF8(what[:most], "") + "..."
	}
	return fmt.Sprintf("%s (%s)", d.Tool, what)
}

// denied is the failure of an agent that was refused something: what is missing of its work nobody knows.
func (e Evidence) denied() error {
	const most = 3
	list := e.Result.Denied
	if more := len(list) - most; more > 0 {
		list = append(list[:most:most], fmt.Sprintf("%d more", more))
	}
	next := "set CLAUDE_CLI_SKIP_PERMISSIONS=true or change the request"
	if e.Unasked {
		next = "that is refused whatever the settings, so change the request"
	}
	return e.terminal(v1alpha1.ReasonAgentFailed, fmt.Sprintf(
		"was denied the use of %s, so its work is not complete", strings.Join(list, ", ")), next)
}
