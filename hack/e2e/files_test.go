package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

const change = "[ \"$AWO_PHASE\" = Implementing ] && echo \"$AWO_WORK_ORDER\" > \"$AWO_WORK_ORDER.txt\"\necho done\n"

// withoutStatus takes the status block out of a block-style manifest whose status is as the controller writes it.
func withoutStatus(text string) string {
	var out []string
	in := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "status:"):
			in = true
		case in && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "-")):
		default:
			in = false
		}
		if !in {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

func TestEveryByteOutsideStatusStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	agent := w.script(change)
	head := "apiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\n"
	spec := "spec:\n  repository: {url: " + url + "}\n  request: x\n  agent: {type: command, command: [" + agent + "]}\n"
	forms := map[string]string{
		"comments":     "# one\n" + head + "metadata: # two\n  name: comments\n\n\n" + spec + "# the end\n\n",
		"crlf":         strings.ReplaceAll(head+"metadata:\n  name: crlf\n"+spec, "\n", "\r\n"),
		"bom":          "\ufeff" + head + "metadata:\n  name: bom\n" + spec,
		"four":         head + "metadata:\n    name: four\nspec:\n    repository:\n        url: " + url + "\n    request: x\n    agent:\n        type: command\n        command:\n        - " + agent + "\n",
		"no-newline":   head + "metadata:\n  name: no-newline\n" + strings.TrimSuffix(spec, "\n"),
		"stale-status": head + "metadata:\n  name: stale-status\nstatus:\n  phase: Succeeded\n  id: wo-00000000\n# after\n" + spec,
	}
	for name, text := range forms {
		w.drop(name+".yaml", text)
	}
	w.start()
	for name, text := range forms {
		w.ends(name+".yaml", v1alpha1.PhaseSucceeded)
		got := w.read(w.file(name + ".yaml"))
		want := withoutStatus(text)
		if name == "no-newline" {
			want += "\n"
		}
		w.g.Expect(withoutStatus(got)).To(Equal(want), name)
	}
	w.g.Expect(w.read(w.file("crlf.yaml"))).NotTo(MatchRegexp(`[^\r]\n`))
}

func TestJSONAndSeveralDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	agent := w.script(change)
	w.drop("j.json", `{"apiVersion": "awo.archon.dev/v1alpha1", "kind": "WorkOrder", "metadata": {"name": "j"},
 "spec": {"repository": {"url": "`+url+`"}, "request": "x", "agent": {"type": "command", "command": ["`+agent+`"]}}}
`)
	w.drop("two.yaml", order("one", url, agent)+"---\n# second\n"+order("two", url, agent))
	w.start()
	w.ends("j.json", v1alpha1.PhaseSucceeded)
	w.ends("two.yaml", v1alpha1.PhaseSucceeded)
	w.g.Eventually(func() string { return w.read(w.file("two.yaml")) }).Should(MatchRegexp(`(?s)phase: Succeeded.*# second.*phase: Succeeded`))
}

func TestNothingRunsTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := w.local("app", map[string]string{"README.md": "x\n"})
	agent := w.script(change + "echo x >> " + w.shared + "/count\n")
	text := order("a", "file://"+repo, agent)
	w.start()
	w.drop("a.yaml", text)
	first := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	count := func() int { return strings.Count(w.read(filepath.Join(w.shared, "count")), "x") }
	w.g.Expect(count()).To(Equal(2), "one run: Planning and Implementing")

	shown := func(file string) func() string { return func() string { return w.statusIn(file).ID } }
	w.drop("a.yaml", text)
	w.g.Eventually(shown("a.yaml")).Should(Equal(first.ID), "the same file dropped again")
	w.drop("a.yaml", text+"  timeouts: {phase: 2h}\n")
	w.g.Eventually(func() int64 { return w.statusIn("a.yaml").ObservedGeneration }).Should(Equal(int64(2)))
	w.g.Expect(os.MkdirAll(w.file("sub"), 0o755)).To(Succeed())
	w.g.Expect(os.Rename(w.file("a.yaml"), w.file("sub/b.yaml"))).To(Succeed())
	w.g.Expect(count()).To(Equal(2))

	w.drop("sub/b.yaml", strings.Replace(text, "Change something", "Change something else", 1))
	w.g.Eventually(shown("sub/b.yaml")).ShouldNot(Or(BeEmpty(), Equal(first.ID)), "other work is another run")
	second := w.ends("sub/b.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(count()).To(Equal(4))
	w.drop("sub/b.yaml", text)
	w.g.Eventually(shown("sub/b.yaml")).Should(Equal(first.ID), func() string {
		return "an old copy saved over it shows the run of then\n" + w.read(w.file("sub/b.yaml")) + w.controller.log()
	})
	w.g.Expect(count()).To(Equal(4))

	w.drop("copy.yaml", strings.Replace(w.read(w.file("sub/b.yaml")), "name: a\n", "name: copy\n", 1))
	w.g.Eventually(shown("copy.yaml")).ShouldNot(Or(BeEmpty(), Equal(first.ID)), "a copy under a new name runs")
	copied := w.ends("copy.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(w.branches(repo)).To(ConsistOf(first.Branch, second.Branch, copied.Branch))
}

func TestGitCheckoutOfManifests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	agent := w.script(change + "echo x >> " + w.shared + "/count\n")
	orders := w.file("")
	w.g.Expect(os.MkdirAll(orders, 0o755)).To(Succeed())
	git := func(args ...string) string { return w.gitOut(append([]string{"-C", orders}, args...)...) }
	git("init", "-q", "-b", "main")
	w.drop("a.yaml", order("a", url, agent))
	git("add", "a.yaml")
	git("commit", "-qm", "one")
	w.start()
	w.recorded("a", v1alpha1.PhaseSucceeded)
	w.g.Expect(git("status", "--porcelain")).To(BeEmpty(), "a tracked manifest is left as it is")

	git("switch", "-qc", "other")
	w.drop("a.yaml", order("a", url, agent, "  timeouts: {phase: 2h}\n"))
	git("commit", "-qam", "two")
	git("mv", "a.yaml", "moved.yaml")
	git("commit", "-qm", "three")
	git("switch", "-q", "main")
	git("reset", "-q", "--hard", "other")
	// The condition is recorded after the phase: it tells what came of writing the status.
	w.g.Eventually(func() string {
		out, _ := w.run("get", "a", "-o", "yaml")
		return out
	}).Should(And(ContainSubstring("phase: Succeeded"), ContainSubstring("TrackedByGit")), w.controller.log)
	w.g.Consistently(func() string { return w.read(filepath.Join(w.shared, "count")) }, time.Second).Should(Equal("x\nx\n"), "one run")
}

// recorded waits until the record of an order, which a tracked manifest does not show, has come to a phase.
func (w *world) recorded(name string, phase v1alpha1.Phase) {
	w.t.Helper()
	w.g.Eventually(func() string {
		out, _ := w.run("get", name, "-o", "yaml")
		return out
	}).Should(ContainSubstring("phase: "+string(phase)+"\n"), w.controller.log)
}

func TestHalfWrittenManifestIsNeitherErrorNorDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	text := order("a", url, w.gated(v1alpha1.PhaseImplementing))
	w.start()
	w.drop("a.yaml", text)
	w.g.Eventually(func() int { return w.runs(v1alpha1.PhaseImplementing) }).Should(Equal(1), w.controller.log)
	half := len(text) / 2
	w.drop("a.yaml", text[:half])
	w.g.Consistently(func() string {
		out, _ := w.run("get")
		return out
	}, 2*time.Second, 200*time.Millisecond).Should(And(ContainSubstring("Implementing"), Not(ContainSubstring("a.yaml"))))
	w.drop("a.yaml", text)
	w.openGate()
	w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(w.runs(v1alpha1.PhaseImplementing)).To(Equal(1))
}

// A writer that closes the file after its first half, which ends in the middle of a word.
func TestManifestInTwoHalvesRunsOnceAndWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	text := strings.Replace(order("a", url, w.script(change)), "  request: Change something.\n", "", 1) + "  request: Change something, all of it.\n"
	half := strings.Index(text, ", all of it")
	w.drop("a.yaml", text[:half])
	w.g.Consistently(func() string { return w.read(w.file("a.yaml")) }, 2*time.Second).Should(Equal(text[:half]), "left alone")
	f, err := os.OpenFile(w.file("a.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	w.g.Expect(err).NotTo(HaveOccurred())
	_, err = f.WriteString(text[half:])
	w.g.Expect(err).NotTo(HaveOccurred())
	w.g.Expect(f.Close()).To(Succeed())
	w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(w.read(w.file("a.yaml"))).To(HavePrefix(text))
	runs, _ := filepath.Glob(filepath.Join(w.data, "outputs", "wo-*"))
	w.g.Expect(runs).To(HaveLen(1))
}

func TestCheckoutBelowWorkordersIsLeftClean(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	team := w.file("team")
	w.g.Expect(os.MkdirAll(team, 0o755)).To(Succeed())
	w.gitOut("-C", team, "init", "-q", "-b", "main")
	w.drop("team/a.yaml", order("a", url, w.script(change)))
	w.gitOut("-C", team, "add", ".")
	w.gitOut("-C", team, "commit", "-qm", "one")
	w.start()
	w.recorded("a", v1alpha1.PhaseSucceeded)
	w.g.Expect(w.gitOut("-C", team, "status", "--porcelain")).To(BeEmpty())
}
