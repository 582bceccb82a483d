package agent

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
)

// TestSecretAtTheCutOfADenial has secrets where the text is cut for the message, one of them broken up by an escape sequence.
func TestSecretAtTheCutOfADenial(t *testing.T) {
	const secret = "a-secret-of-the-controller-0123456789"
	for _, written := range []string{secret, secret[:20] + "\x1b[0m" + secret[20:]} {
		c := newCollector(nil)
		c.seen.Order, c.seen.Program = "a", "claude"
		c.seen.Result = &Result{Subtype: "success", Denied: []string{"Bash (" + strings.Repeat("x", 95) + written + ")"}}
		err := Classify(c.result(process.NewRedactor(secret)).Evidence)
		NewWithT(t).Expect(err).To(MatchError(And(ContainSubstring("denied"), Not(ContainSubstring(secret[:8])))))
	}
}
