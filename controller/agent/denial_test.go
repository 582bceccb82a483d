package agent_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/failure"
)

func TestDenialsAreNamed(t *testing.T) {
	for input, want := range map[string]string{
		`{"command":"rm -rf /"}`:                     "Bash (rm -rf /)",
		`{"command":"cat <<E\nx\u001b[31m\nE"}`:      "Bash (cat <<E x E)",
		`{"file_path":"/tmp/a b.txt","content":"x"}`: "Bash (/tmp/a b.txt)",
		`{"pattern":"x"}`:                            "Bash",
		`{"command":7}`:                              "Bash",
		`[]`:                                         "Bash",
		`{"command":"` + strings.Repeat("x", 99) + `ä` + `xx"}`: "Bash (" + strings.Repeat("x", 99) + "...)",
	} {
		t.Run(input, func(t *testing.T) {
			line := fmt.Sprintf(`{"type":"result","subtype":"success","is_error":false,"num_turns":1,"permission_denials":[{"tool_name":"Bash","tool_input":%s}]}`, input)
			events, _ := readAll(t, strings.NewReader(line+"\n"))
			g := NewWithT(t)
			g.Expect(events).To(HaveLen(1))
			g.Expect(events[0].Result).NotTo(BeNil())
			g.Expect(events[0].Result.Denied).To(Equal([]string{want}))
		})
	}
}

// TestAdviceAfterADenial advises no setting where none would help.
func TestAdviceAfterADenial(t *testing.T) {
	g := NewWithT(t)
	e := agent.Evidence{Order: "a", Program: "claude", Result: &agent.Result{Subtype: "success", Denied: []string{"A", "B", "C", "D", "E"}}}
	text := expectFailure(g, agent.Classify(e), failure.Terminal, v1alpha1.ReasonAgentFailed)
	g.Expect(text).To(And(ContainSubstring("denied the use of A, B, C, 2 more,"), ContainSubstring("CLAUDE_CLI_SKIP_PERMISSIONS=true")))
	e.Unasked = true
	text = expectFailure(g, agent.Classify(e), failure.Terminal, v1alpha1.ReasonAgentFailed)
	g.Expect(text).To(And(ContainSubstring("change the request"), Not(ContainSubstring("CLAUDE_CLI_SKIP_PERMISSIONS"))))
}
