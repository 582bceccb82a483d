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
		`{"command":"cat <<E\nx\nE"}`:                "Bash (cat <<E\nx\nE)",
		`{"file_path":"/tmp/a b.txt","content":"x"}`: "Bash (/tmp/a b.txt)",
		`{"pattern":"x"}`:                            "Bash",
		`{"command":7}`:                              "Bash",
		`[]`:                                         "Bash",
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
	e := agent.Evidence{Order: "a", Program: "claude", Result: &agent.Result{Subtype: "success", Denied: []string{"A", "B (x\ny)", strings.Repeat("C", 300), "D", "E"}}}
	text := expectFailure(g, agent.Classify(e), failure.Terminal, v1alpha1.ReasonAgentFailed)
	g.Expect(text).To(And(MatchRegexp(`denied the use of A, B \(x y\), C{100,120}\.\.\., 2 more,`), ContainSubstring("CLAUDE_CLI_SKIP_PERMISSIONS=true")))
	e.NoSettingHelps = true
	text = expectFailure(g, agent.Classify(e), failure.Terminal, v1alpha1.ReasonAgentFailed)
	g.Expect(text).To(And(ContainSubstring("change the request"), Not(ContainSubstring("CLAUDE_CLI_SKIP_PERMISSIONS"))))
}
