package process_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/confined"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
	"github.com/agent-work-orders/awo/controller/process/supervisor"
)

// The binary that supervisors are is large. This test's imports controller-runtime, too.
var _ controller.Options

// TestInitRunsBeforeLargePackages keeps the imports of the stages down: each package that is initialised before the
// supervisor costs memory for every agent, and each before the confined stage time.
func TestInitRunsBeforeLargePackages(t *testing.T) {
	for _, stage := range []string{supervisor.Name, confined.Name} {
		t.Run(stage, func(t *testing.T) {
			g := NewWithT(t)
			cmd := exec.CommandContext(t.Context(), supervisor.Path)
			cmd.Args = []string{stage}
			cmd.Env = []string{"GODEBUG=inittrace=1"}
			nothing, err := os.Open(os.DevNull)
			g.Expect(err).NotTo(HaveOccurred())
			defer func() { _ = nothing.Close() }()
			cmd.ExtraFiles = []*os.File{nothing}
			output, err := cmd.CombinedOutput()
			g.Expect(err).To(MatchError("exit status 1"), "there is nothing to start")
			var initialised []string
			for line := range strings.Lines(string(output)) {
				if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "init" {
					initialised = append(initialised, fields[1])
				}
			}
			g.Expect(initialised).To(ContainElement("os"))
			g.Expect(initialised).NotTo(ContainElement(BeElementOf("unicode", "reflect", "fmt", "encoding/json")))
			g.Expect(len(initialised)).To(BeNumerically("<", 35), strings.Join(initialised, "\n"))
		})
	}
}

// BenchmarkStart is what comes before an agent's first instruction and after its last: the supervisor, and the stage
// that confines.
func BenchmarkStart(b *testing.B) {
	for _, mode := range []sandbox.Mode{sandbox.Off, sandbox.Auto} {
		b.Run(string(mode), func(b *testing.B) {
			s := newSpawner(b)
			dir := b.TempDir()
			box, err := sandbox.New(sandbox.Options{
				Mode: mode, DataDir: filepath.Dir(dir), Environ: os.Environ(), Root: os.Getuid() == 0, Sockets: func() []string { return nil },
			})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				child, err := s.Supervise(b.Context(), process.Agent{
					WorkOrderID: "wo-bench", Sandbox: box.Rules(sandbox.Run{Program: "/bin/true", Write: []string{dir}}),
					Command: process.Command{Path: "/bin/true", Dir: dir},
				})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := child.Wait(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRules is what the controller does for each start.
func BenchmarkRules(b *testing.B) {
	dir := b.TempDir()
	box, err := sandbox.New(sandbox.Options{Mode: sandbox.Auto, DataDir: filepath.Dir(dir), Environ: os.Environ(), Root: true})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		file, err := box.Rules(sandbox.Run{Program: "/bin/true", Write: []string{dir}}).Ruleset()
		if err != nil {
			b.Fatal(err)
		}
		_ = file.Close()
	}
}
