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
	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

// newSpawner returns a real spawner: agents of these tests are supervised as in the product.
func newSpawner(t *testing.T) *process.Spawner {
	t.Helper()
	spawner, err := process.NewSpawner()
	if err != nil {
		t.Fatalf("start a spawner: %v", err)
	}
	t.Cleanup(spawner.Close)
	return spawner
}

// newSandbox returns a real sandbox around a data directory.
func newSandbox(t *testing.T, dataDir string) *sandbox.Policy {
	t.Helper()
	if sandbox.LandlockABI() == 0 {
		t.Skip("the kernel offers no Landlock")
	}
	box, err := sandbox.New(sandbox.Options{
		Mode: sandbox.Auto, DataDir: dataDir, Environ: os.Environ(), Root: os.Geteuid() == 0, Sockets: func() []string { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// newTask returns a task with directories of its own.
func newTask(t *testing.T) agent.Task {
	t.Helper()
	dir := t.TempDir()
	workspace := filepath.Join(dir, "workspace")
	if err := os.Mkdir(workspace, 0o750); err != nil {
		t.Fatal(err)
	}
	return agent.Task{
		Name: "add-readme", ID: "wo-0a1b2c3d", Phase: v1alpha1.PhaseImplementing, Attempt: 1,
		Prompt: []byte("do the task\n"), Resume: []byte("go on\n"),
		Dir: workspace, Home: filepath.Join(dir, "home"), TempDir: filepath.Join(dir, "home", "tmp"),
		Transcript: filepath.Join(dir, "transcript.jsonl"), Stderr: filepath.Join(dir, "transcript.stderr"),
	}
}

// read returns a file's content, empty if there is none.
func read(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(data)
}

// expectFailure checks policy and reason and returns the message.
func expectFailure(g Gomega, err error, policy failure.Policy, reason string) string {
	g.ExpectWithOffset(1, err).To(HaveOccurred())
	typed := failure.Of(err, "unclassified")
	g.ExpectWithOffset(1, typed.Reason).To(Equal(reason), typed.Error())
	g.ExpectWithOffset(1, typed.Policy).To(Equal(policy), typed.Error())
	return typed.Error()
}
