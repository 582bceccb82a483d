package agent_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
)

func TestCommandIsConfined(t *testing.T) {
	g := NewWithT(t)
	task := shellTask(t, `echo x > ../outside; cat "$LENT" > lent; echo x > "$LENT"; echo x > "$HOME/f"; mktemp > name; cat name`)
	lent := filepath.Join(t.TempDir(), "lent")
	g.Expect(os.Mkdir(lent, 0o750)).To(Succeed())
	file := filepath.Join(lent, "object")
	g.Expect(os.WriteFile(file, []byte("lent"), 0o600)).To(Succeed())
	task.Borrowed = []string{lent}
	data := filepath.Dir(task.Dir)
	_, err := newCommand(t, agent.CommandConfig{
		Environ: fixed([]string{"PATH=" + os.Getenv("PATH"), "LENT=" + file}), Allow: []string{"LENT"}, Sandbox: newSandbox(t, data),
	}).Run(t.Context(), task)
	g.Expect(err).NotTo(HaveOccurred(), read(t, task.Stderr))
	g.Expect(filepath.Join(data, "outside")).NotTo(BeAnExistingFile())
	g.Expect(read(t, task.Dir, "lent")).To(Equal("lent"))
	g.Expect(read(t, file)).To(Equal("lent"))
	g.Expect(read(t, task.Dir, "name")).To(HavePrefix(task.TempDir))
}

// What an agent put in the place of its own directories leads the sandbox of the next phase nowhere.
func TestPlantedDirectoriesAreNotFollowed(t *testing.T) {
	g := NewWithT(t)
	task := shellTask(t, `echo x > "$TMPDIR/f" && echo x > "$HOME/f"`)
	outside := t.TempDir()
	g.Expect(os.MkdirAll(task.Home, 0o700)).To(Succeed())
	g.Expect(os.Symlink(outside, task.TempDir)).To(Succeed())
	config := agent.CommandConfig{Sandbox: newSandbox(t, filepath.Dir(task.Dir))}
	_, err := newCommand(t, config).Run(t.Context(), task)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.RemoveAll(task.Home)).To(Succeed())
	g.Expect(os.Symlink(outside, task.Home)).To(Succeed())
	_, err = newCommand(t, config).Run(t.Context(), task)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.ReadDir(outside)).To(BeEmpty())

	// The workspace is nobody's to mend here: it is not granted, and the agent does not run.
	g.Expect(os.Rename(task.Dir, task.Dir+".moved")).To(Succeed())
	g.Expect(os.Symlink(task.Dir+".moved", task.Dir)).To(Succeed())
	_, err = newCommand(t, config).Run(t.Context(), task)
	g.Expect(expectFailure(g, err, failure.Retry, v1alpha1.ReasonAgentFailed)).To(ContainSubstring("could not be confined"))
}

// A home that its agent closed is opened again, also for who is not root.
func TestClosedHomesAreOpened(t *testing.T) {
	g := NewWithT(t)
	task := shellTask(t, `mkdir -p "$HOME/.claude/projects"; chmod 000 "$HOME/.claude/projects" "$HOME/.claude" "$TMPDIR" "$HOME"`)
	config := agent.CommandConfig{Sandbox: newSandbox(t, filepath.Dir(task.Dir))}
	// The last one closes nothing, or this test could not clean up.
	for _, script := range []string{"", "", "#!/bin/sh\n"} {
		if script != "" {
			g.Expect(os.WriteFile(filepath.Join(task.Dir, "agent.sh"), []byte(script), 0o700)).To(Succeed())
		}
		_, err := newCommand(t, config).Run(t.Context(), task)
		g.Expect(err).NotTo(HaveOccurred(), read(t, task.Stderr))
	}
}

func TestConfinedProgramThatCannotBeExecuted(t *testing.T) {
	g := NewWithT(t)
	task := newTask(t)
	elsewhere := filepath.Join(t.TempDir(), "interpreter")
	data, err := os.ReadFile("/bin/sh")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.WriteFile(elsewhere, data, 0o700)).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(task.Dir, "agent"), []byte("#!"+elsewhere+"\n"), 0o700)).To(Succeed())
	for command, says := range map[string]string{"./agent": "AWO_AGENT_READ", "./missing": "no such file"} {
		task.Spec = v1alpha1.Agent{Type: v1alpha1.AgentCommand, Command: []string{command}}
		_, err = newCommand(t, agent.CommandConfig{Sandbox: newSandbox(t, filepath.Dir(task.Dir))}).Run(t.Context(), task)
		g.Expect(expectFailure(g, err, failure.Terminal, v1alpha1.ReasonAgentNotInstalled)).To(ContainSubstring(says))
		g.Expect(err).NotTo(MatchError(process.ErrSupervisorLost))
	}
}
