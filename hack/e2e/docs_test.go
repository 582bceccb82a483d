package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// shellBlock is a fenced block of shell commands in a document.
var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// commandsOf returns the commands of a document in their order; lines that end in a backslash are joined.
func commandsOf(t *testing.T, document string) []string {
	t.Helper()
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, block := range shellBlock.FindAllStringSubmatch(string(data), -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", "")) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				out = append(out, line)
			}
		}
	}
	return out
}

// TestCommandsOfTheDocs runs every command of the README and of docs/ as it stands, from the root of a checkout in
// which bin/awo is the binary under test. The controller runs beside.
func TestCommandsOfTheDocs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.checkout()
	w.env = append(w.env, "AWO_DATA_DIR=")
	w.data = filepath.Join(root, "tmp", "agent-work-orders")
	documents, err := filepath.Glob("../../docs/*.md")
	w.g.Expect(err).NotTo(HaveOccurred())
	ran := 0
	for _, document := range append([]string{"../../README.md"}, documents...) {
		for _, command := range commandsOf(t, document) {
			w.document(root, command)
			ran++
		}
	}
	w.g.Expect(ran).To(BeNumerically(">=", 9), "the README has commands")
	w.g.Expect(w.statusIn("minimal.yaml").Phase).NotTo(Equal(v1alpha1.Phase("")), "the applied order is seen")
}

// checkout makes a folder that looks like this repository to commands: its Makefile, examples and bin/awo.
func (w *world) checkout() string {
	w.t.Helper()
	root := filepath.Join(w.dir, "checkout")
	w.g.Expect(os.MkdirAll(filepath.Join(root, "bin"), 0o755)).To(Succeed())
	w.g.Expect(os.Symlink(awo, filepath.Join(root, "bin", "awo"))).To(Succeed())
	for _, name := range []string{"Makefile", "hack", "examples"} {
		target, err := filepath.Abs(filepath.Join("../..", name))
		w.g.Expect(err).NotTo(HaveOccurred())
		w.g.Expect(os.Symlink(target, filepath.Join(root, name))).To(Succeed())
	}
	return root
}

// document runs one command of a document.
func (w *world) document(root, command string) {
	w.t.Helper()
	switch {
	case strings.HasPrefix(command, "make "):
		// What the targets do is what CI runs; here they have to exist.
		command = strings.Replace(command, "make ", "make --dry-run ", 1)
	case command == "bin/awo controller":
		w.startIn(root)
		return
	}
	if w.controller != nil {
		command = strings.ReplaceAll(command, "127.0.0.1:8888", w.controller.address())
	}
	endless := strings.Contains(command, "--watch") || strings.Contains(command, "--follow")
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	if endless {
		ctx, cancel = context.WithTimeout(w.t.Context(), 2*time.Second)
	}
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-ec", command)
	cmd.Env, cmd.Dir, cmd.WaitDelay = w.env, root, time.Second
	out, err := cmd.CombinedOutput()
	if endless && ctx.Err() != nil {
		return
	}
	w.g.Expect(err).NotTo(HaveOccurred(), "%s\n%s", command, out)
}

// startIn starts the controller in a folder, as a person would there.
func (w *world) startIn(root string) {
	w.t.Helper()
	dir := w.dir
	w.dir = root
	w.start()
	w.dir = dir
}
