package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// hostUser owns the manifests that are mounted from the host.
const hostUser = 12345

// hostWrites appends to a manifest as a user of the host in its user's group, in the file itself, as some editors do.
func (w *world) hostWrites(uid uint32, name, text string) error {
	cmd := exec.CommandContext(w.t.Context(), "sh", "-c", `printf '%s' "$1" >> "$2"`, "sh", text, w.file(name))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: hostUser}}
	out, err := cmd.CombinedOutput()
	w.t.Log(string(out))
	return err
}

func TestManifestsOfAnotherUser(t *testing.T) {
	needsRoot(t)
	for _, c := range []struct {
		name string
		// Of the directory and of the file.
		dir, file os.FileMode
		written   bool
	}{
		{"both may write the directory", 0o777, 0o644, true},
		{"a file for its owner and readers alone", 0o777, 0o604, true},
		{"a file that a group may write", 0o777, 0o664, true},
		{"only its owner may write the directory", 0o755, 0o644, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.nobodys()
			url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
			w.start()
			dir := filepath.Join(w.data, "workorders")
			w.g.Expect(os.Chown(dir, hostUser, hostUser)).To(Succeed())
			w.g.Expect(os.Chmod(dir, c.dir)).To(Succeed())
			aside := filepath.Join(w.dir, "a.yaml")
			text := order("a", url, w.script("echo x > new.txt; echo did\n"), "  phases: [Planning, Implementing]\n")
			w.g.Expect(os.WriteFile(aside, []byte(text), 0o600)).To(Succeed())
			w.g.Expect(os.Chown(aside, hostUser, hostUser)).To(Succeed())
			w.g.Expect(os.Chmod(aside, c.file)).To(Succeed())
			w.g.Expect(os.Rename(aside, w.file("a.yaml"))).To(Succeed())
			w.g.Eventually(func() string { out, _ := w.run("get", "a"); return out }).Should(ContainSubstring("Succeeded"))
			if c.written {
				w.ends("a.yaml", v1alpha1.PhaseSucceeded)
			} else {
				w.g.Expect(w.read(w.file("a.yaml"))).To(Equal(text))
				var shown v1alpha1.WorkOrder
				w.g.Expect(w.get("/apis/awo.archon.dev/v1alpha1/workorders/a", &shown)).To(Equal(200))
				w.g.Expect(shown.Status.Phase).To(Equal(v1alpha1.PhaseSucceeded))
				w.g.Expect(shown.Status.Conditions).To(ContainElement(And(
					HaveField("Type", v1alpha1.ConditionStatusNotWritten), HaveField("Message", ContainSubstring("read-only directory")))))
			}
			w.g.Expect(w.hostWrites(hostUser, "a.yaml", "# seen\n")).To(Succeed(), "its owner can still edit it")
			w.g.Expect(w.hostWrites(hostUser+1, "a.yaml", "") == nil).To(Equal(c.file&0o020 != 0), "of its group who could")
			w.g.Expect(w.read(w.file("a.yaml"))).To(HaveSuffix("# seen\n"))
			var st unix.Stat_t
			w.g.Expect(unix.Stat(w.file("a.yaml"), &st)).To(Succeed())
			w.g.Expect(st.Mode&0o007).To(BeEquivalentTo(c.file&0o007), "nobody else gets more")
		})
	}
}

// TestClosedFolderOfAnotherUser has a folder that the controller cannot look into: that is a problem to show, and no failure
// of each run.
func TestClosedFolderOfAnotherUser(t *testing.T) {
	needsRoot(t)
	w := newWorld(t)
	w.nobodys()
	url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
	w.start()
	closed := filepath.Join(w.data, "workorders", "closed")
	w.g.Expect(os.Mkdir(closed, 0o700)).To(Succeed())
	w.drop("a.yaml", order("a", url, w.script("echo x > new.txt; echo did\n"), "  phases: [Planning, Implementing]\n"))
	w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.g.Eventually(func() string { out, _ := w.run("get"); return out }).Should(And(ContainSubstring("closed"), ContainSubstring("permission denied")))
	w.g.Expect(w.controller.log()).NotTo(Or(ContainSubstring("not repaired"), ContainSubstring("cannot be watched")))
}
