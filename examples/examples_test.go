package examples_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
	"github.com/agent-work-orders/awo/examples"
)

// Each manifest of this folder is one that the controller carries out, and their names do not collide, so that
// the folder can be applied as a whole.
func TestEveryManifestIsValid(t *testing.T) {
	g := NewWithT(t)
	files, err := filepath.Glob("*.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files).NotTo(BeEmpty())
	seen := map[string]string{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		g.Expect(err).NotTo(HaveOccurred())
		documents, problems := manifest.Parse(data)
		g.Expect(problems).To(BeEmpty(), name)
		g.Expect(documents).NotTo(BeEmpty(), name)
		for _, d := range documents {
			g.Expect(d.Validate(v1alpha1.Policy{AllowFileRepositories: true})).To(BeEmpty(), name)
			g.Expect(seen).NotTo(HaveKey(d.Object.Name), "%s names an order that another file names", name)
			seen[d.Object.Name] = name
		}
	}
}

// full.yaml is to show every field that there is.
func TestFullShowsEveryField(t *testing.T) {
	g := NewWithT(t)
	data, err := os.ReadFile("full.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	for _, field := range []string{
		"url", "baseBranch", "branch", "clone", "request", "phases", "type", "model", "maxTurns", "maxBudgetUSD", "command",
		"draft", "title", "labels", "reviewers", "phase", "idle", "retryLimit", "suspend", "cancel",
	} {
		g.Expect(string(data)).To(MatchRegexp(`(?m)^ +(# )?`+field+`:`), field)
	}
}

// The agent of the demo plans without touching a file, and implements what its order asks for.
func TestDemoAgentDoesItsTask(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "demo-agent.sh")
	g.Expect(os.WriteFile(program, examples.DemoAgent, 0o755)).To(Succeed())

	g.Expect(runAgent(t, program, "Planning")).To(ContainSubstring("greet.sh"))
	g.Expect(filepath.Join(dir, "greet.sh")).NotTo(BeAnExistingFile())

	g.Expect(runAgent(t, program, "Implementing")).To(ContainSubstring("README.md"))
	out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "greet.sh"), "Ada").Output()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(out)).To(Equal("Hello, Ada!\n"))
	g.Expect(bytes.Contains(examples.DemoManifest, []byte("./demo-agent.sh"))).To(BeTrue(), "the demo's order runs it")
}

// runAgent returns what the program prints in a phase.
func runAgent(t *testing.T, program, phase string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Dir = filepath.Dir(program)
	cmd.Env = append(os.Environ(), "AWO_PHASE="+phase)
	cmd.Stdin = bytes.NewBufferString("Let greet.sh greet the person whom its first argument names.")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the agent failed in %s: %v", phase, err)
	}
	return string(out)
}
