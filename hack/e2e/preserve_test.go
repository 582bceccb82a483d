package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// TestCancelDuringThePushKeepsTheCommit cancels while the remote takes its time, before the branch is there or after, and
// retries: the commit that Implementing ended with is the one that gets there.
func TestCancelDuringThePushKeepsTheCommit(t *testing.T) {
	for _, hook := range []string{"pre-receive", "post-receive"} {
		t.Run(hook, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			repo := w.local("app", map[string]string{"README.md": "x\n"})
			held := "#!/bin/bash\ntouch " + w.shared + "/arrived\nwhile [ ! -e " + w.shared + "/gate ]; do sleep 0.1; done\n"
			w.g.Expect(os.MkdirAll(filepath.Join(repo, "hooks"), 0o755)).To(Succeed())
			w.g.Expect(os.WriteFile(filepath.Join(repo, "hooks", hook), []byte(held), 0o755)).To(Succeed())
			w.start()
			w.drop("a.yaml", order("a", "file://"+repo, w.script(change)))
			w.g.Eventually(filepath.Join(w.shared, "arrived")).Should(BeAnExistingFile(), w.controller.log)
			out, err := w.run("cancel", "a")
			w.g.Expect(err).NotTo(HaveOccurred(), out)
			before := w.ends("a.yaml", v1alpha1.PhaseCancelled)
			w.g.Expect(before.HeadCommit).NotTo(BeEmpty())
			w.openGate()

			out, err = w.run("retry", "a")
			w.g.Expect(err).NotTo(HaveOccurred(), out)
			out, err = w.run("wait", "a", "--for=phase=Succeeded", "--timeout=60s")
			w.g.Expect(err).NotTo(HaveOccurred(), out)
			after := w.statusIn("a.yaml")
			w.g.Expect(after.HeadCommit).To(Equal(before.HeadCommit))
			w.g.Expect(w.branches(repo)).To(ConsistOf(after.Branch))
			w.g.Expect(w.gitOut("--git-dir="+repo, "log", "--format=%H %s", "main.."+after.Branch)).To(Equal(before.HeadCommit + " Change something.\n"))
		})
	}
}

// TestDeleteSavesWhatWasAddedToTheBranch has a person who goes on with the branch of an order without a pull request, and the
// order deleted.
func TestDeleteSavesWhatWasAddedToTheBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	w.drop("a.yaml", order("a", url, w.script(change), "  phases: [Planning, Implementing]\n"))
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	workspace := filepath.Join(w.data, "repositories", st.ID)
	w.g.Expect(os.WriteFile(filepath.Join(workspace, "committed.txt"), nil, 0o644)).To(Succeed())
	w.gitOut("-C", workspace, "add", "committed.txt")
	w.gitOut("-C", workspace, "commit", "-qm", "By hand.")
	w.g.Expect(os.WriteFile(filepath.Join(workspace, "uncommitted.txt"), nil, 0o644)).To(Succeed())
	out, err := w.run("delete", "a")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	w.g.Eventually(workspace).ShouldNot(BeADirectory(), w.controller.log)

	clone := filepath.Join(w.dir, "clone")
	w.gitOut("clone", "-q", w.git.Dir("app.git"), clone)
	w.gitOut("-C", clone, "fetch", "-q", filepath.Join(w.data, "outputs", st.ID, "unpushed.bundle"), "+refs/*:refs/saved/*")
	w.g.Expect(w.gitOut("-C", clone, "log", "--all", "--name-only", "--format=%H %s")).To(And(
		ContainSubstring(st.HeadCommit+" Change something."), ContainSubstring("By hand."),
		ContainSubstring("committed.txt"), ContainSubstring("uncommitted.txt")))
}
