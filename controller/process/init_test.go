package process_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/agent-work-orders/awo/controller/process/supervisor"
)

// The binary that supervisors are is large. This test's imports controller-runtime, too.
var _ controller.Options

// TestInitRunsBeforeLargePackages keeps the imports of the supervisor down: each package that is initialised before
// it costs memory for every agent.
func TestInitRunsBeforeLargePackages(t *testing.T) {
	g := NewWithT(t)
	cmd := exec.CommandContext(t.Context(), supervisor.Path)
	cmd.Args = []string{supervisor.Name}
	cmd.Env = []string{"GODEBUG=inittrace=1"}
	lifeline, err := os.Open(os.DevNull)
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = lifeline.Close() }()
	cmd.ExtraFiles = []*os.File{lifeline}
	output, err := cmd.CombinedOutput()
	g.Expect(err).To(MatchError("exit status 1"), "there is nothing to start")
	var initialised []string
	for line := range strings.Lines(string(output)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "init" {
			initialised = append(initialised, fields[1])
		}
	}
	g.Expect(initialised).To(ContainElement("os/signal"))
	g.Expect(initialised).NotTo(ContainElements("unicode", "reflect", "fmt", "encoding/json"))
	g.Expect(len(initialised)).To(BeNumerically("<", 35), strings.Join(initialised, "\n"))
}
