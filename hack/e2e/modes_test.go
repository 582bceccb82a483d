package e2e_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// TestAgentOpensTheVolume has an agent open the data directory to all users of the machine, close parts of it to its
// owner, and leave a program that runs as its owner.
func TestAgentOpensTheVolume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := w.local("app", map[string]string{"README.md": "x\n"})
	agent := w.script("chmod 0777 " + w.data + "/workorders " + w.data + "/repositories; chmod 0666 " + w.data + "/workorders/a.yaml\n" +
		"chmod 000 " + w.data + "/server-address; chmod 000 " + w.data + "/commands\n" +
		"cp /bin/true tool; chmod 6755 tool; echo done\n")
	w.start()
	w.drop("a.yaml", order("a", "file://"+repo, agent))
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	for path, want := range map[string]fs.FileMode{
		"workorders": 0o755, "repositories": 0o755, "commands": 0o755, "server-address": 0o644, "workorders/a.yaml": 0o664,
		"repositories/" + st.ID + "/tool": 0o755,
	} {
		info, err := os.Lstat(filepath.Join(w.data, path))
		w.g.Expect(err).NotTo(HaveOccurred())
		w.g.Expect(info.Mode()&^fs.ModeDir).To(Equal(want), path)
	}
}
