package git_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// commit writes files and commits them as an agent would.
func (w *world) commit(dir string, files map[string]string) string {
	w.tb.Helper()
	w.write(dir, files)
	w.agent(dir, "add", "-A")
	w.agent(dir, "commit", "-q", "-m", "by the agent")
	return w.agent(dir, "rev-parse", "HEAD")
}

func TestCollectNothing(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1\n", ".gitignore": "*.log\n"})
	w.write(ws.Dir, map[string]string{"x.log": "ignored"})
	w.Expect(os.Chtimes(filepath.Join(ws.Dir, "f"), fixedTime, fixedTime)).To(Succeed())
	w.Expect(w.collect(ws)).To(Equal(git.Collected{Head: ws.BaseCommit, LeftOut: nil}))
}

func TestCollectTakesEveryKindOfChange(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{
		"keep": "same\n", "change": "a\nb\n", "remove": "x\n", "dir/gone": "y\n", "dir2/file": "z\n", "toDir": "f\n", "toFile/x": "f\n", "toLink": "l\n",
	})
	d := ws.Dir
	w.write(d, map[string]string{
		"change": "a\nc\nd\n", "sp ace/ü\n\"new\".txt": "n\n", "-flag": "f\n", "bin": "\x00\x01" + strings.Repeat("\xff", 1<<20),
	})
	for _, gone := range []string{"remove", "dir", "toDir", "toFile", "toLink"} {
		w.Expect(os.RemoveAll(filepath.Join(d, gone))).To(Succeed())
	}
	w.write(d, map[string]string{"toDir/inner": "f\n", "toFile": "f\n"})
	w.Expect(os.Symlink("/etc/passwd", filepath.Join(d, "toLink"))).To(Succeed())
	w.Expect(os.Chmod(filepath.Join(d, "dir2/file"), 0o755)).To(Succeed())
	w.Expect(os.Chmod(filepath.Join(d, "-flag"), 0o000)).To(Succeed())

	out := w.collect(ws)
	w.Expect(out.Commits).To(BeEquivalentTo(1))
	w.Expect(out.LeftOut).To(BeEmpty())
	w.Expect(out.Paths).To(Equal([]string{
		"-flag", "bin", "change", "dir/gone", "dir2/file", "remove", "sp ace/ü\n\"new\".txt", "toDir", "toDir/inner", "toFile", "toFile/x", "toLink",
	}))
	w.Expect(out.Files).To(BeEquivalentTo(len(out.Paths)))
	w.Expect([]int32{out.Additions, out.Deletions}).To(Equal([]int32{7, 6}))
	w.Expect(w.mirror("a.git", "ls-tree", "-r", "--name-only", "-z", out.Head)).To(Equal(strings.Join([]string{
		"-flag", "bin", "change", "dir2/file", "keep", "sp ace/ü\n\"new\".txt", "toDir/inner", "toFile", "toLink"}, "\x00") + "\x00"))
	w.Expect(w.mirror("a.git", "ls-tree", out.Head, "toLink", "dir2/file")).To(HavePrefix("100755 blob"))
	w.Expect(w.show("a.git", out.Head, "toLink")).To(Equal("/etc/passwd"))
	w.Expect(w.mirror("a.git", "log", "-1", "--format=%an|%ae|%cn|%P|%B", out.Head)).To(Equal(
		"Robot|robot@example.com|Robot|" + ws.BaseCommit + "|Work\n\nbody"))
	again := w.collect(ws)
	w.Expect(again).To(Equal(out), "a repeated Collect gives the same commit")
	again, err := w.client.Collect(w.tb.Context(), ws, "Another message")
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(w.mirror("a.git", "log", "-1", "--format=%P|%B", again.Head)).To(Equal(ws.BaseCommit + "|Another message"))
	w.write(d, map[string]string{"change": "again\n"})
	again = w.collect(ws)
	w.Expect(again.Head).NotTo(Equal(out.Head))
	w.Expect(again.Commits).To(BeEquivalentTo(1))
}

func TestCollectLeavesOutWhatIsNotForTheRepository(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{
		"f": "1\n", ".env.tracked": "a\n", ".env.gone": "b\n", "config/.env": "old\n", ".claude/settings.json": "{}\n", ".gitignore": "hidden/\n",
	})
	w.write(ws.Dir, map[string]string{
		".env": "S=1", "deep/er/.env.local": "S=2", ".env.tracked": "changed", ".claude/settings.json": "changed", "deep/.claude/x": "y",
		"hidden/.env": "ignored anyway", "deep/ok": "ok\n", ".environment/ok": "ok\n", "venv/.env/bin/python": "x", ".git2": "fine\n",
	})
	w.Expect(os.Remove(filepath.Join(ws.Dir, ".env.gone"))).To(Succeed())
	w.agent(w.dir, "init", "-q", filepath.Join(ws.Dir, "nested"))
	w.write(ws.Dir, map[string]string{"nested/file": "n\n", "broken/.git": "gitdir: /nowhere\n", "broken/in/file": "n\n", "git~1": "x"})
	out := w.collect(ws)
	w.Expect(out.LeftOut).To(Equal([]string{
		".claude/", ".env", ".env.tracked", "broken/", "deep/.claude/", "deep/er/.env.local", "git~1", "nested/", "venv/.env/bin/python",
	}))
	w.Expect(out.Paths).To(Equal([]string{".env.gone", ".environment/ok", ".git2", "deep/ok"}))
}

func TestCollectKeepsTheAgentsCommits(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1\n", "g": "1\n"})
	w.agent(ws.Dir, "checkout", "-q", "-b", "feature/own-name")
	first := w.commit(ws.Dir, map[string]string{"secret": "s\n", "f": "2\n"})
	w.Expect(os.Remove(filepath.Join(ws.Dir, "secret"))).To(Succeed())
	second := w.commit(ws.Dir, map[string]string{"h": "1\n"})

	out := w.collect(ws)
	w.Expect(out.Head).To(Equal(second), "nothing on top of a clean work tree")
	w.Expect(out.Commits).To(BeEquivalentTo(2))
	w.Expect(out.Paths).To(Equal([]string{"f", "h", "secret"}), "also what came and went")
	w.Expect(out.Files).To(BeEquivalentTo(2))

	w.write(ws.Dir, map[string]string{"g": "2\n"})
	w.agent(ws.Dir, "checkout", "-q", "--detach")
	w.agent(ws.Dir, "add", "g")
	out = w.collect(ws)
	w.Expect(out.Commits).To(BeEquivalentTo(3))
	w.Expect(w.mirror("a.git", "rev-list", "--first-parent", out.Head)).To(HaveSuffix(second + "\n" + first + "\n" + ws.BaseCommit))
	w.Expect(w.show("a.git", out.Head, "g")).To(Equal("2"))
	w.Expect(w.collect(ws).Head).To(Equal(out.Head))
	w.agent(ws.Dir, "merge", "-q", "--no-ff", "-m", "m", "feature/own-name")
	w.Expect(w.collect(ws).Head).To(Equal(out.Head), "merging nothing changes nothing")
}

func TestCollectTakesCommitsThatComeToNothingForNothing(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1\n"})
	w.commit(ws.Dir, map[string]string{"f": "2\n"})
	w.Expect(w.collect(ws).Commits).To(BeEquivalentTo(1))
	w.commit(ws.Dir, map[string]string{"f": "1\n"})
	w.Expect(w.collect(ws)).To(Equal(git.Collected{Head: ws.BaseCommit}))
	w.commit(ws.Dir, map[string]string{"f": "2\n"})
	w.write(ws.Dir, map[string]string{"f": "1\n"})
	w.Expect(w.collect(ws)).To(Equal(git.Collected{Head: ws.BaseCommit}))
}

func TestCollectSeesWhatAMergeBringsIn(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1\n"})
	w.agent(ws.Dir, "checkout", "-q", "-b", "side")
	w.commit(ws.Dir, map[string]string{"side": "x\n"})
	w.agent(ws.Dir, "checkout", "-q", ws.Branch)
	w.commit(ws.Dir, map[string]string{"main": "x\n"})
	w.agent(ws.Dir, "merge", "-q", "--no-commit", "side")
	w.write(ws.Dir, map[string]string{".github/workflows/evil.yml": "x\n"})
	w.agent(ws.Dir, "add", "-A")
	w.agent(ws.Dir, "commit", "-q", "-m", "evil merge")
	w.Expect(os.RemoveAll(filepath.Join(ws.Dir, ".github"))).To(Succeed())
	out := w.collect(ws)
	w.Expect(out.Commits).To(BeEquivalentTo(4))
	w.Expect(git.Protected(out.Paths)).To(Equal([]string{".github/workflows/evil.yml"}))
}

func TestCollectWorksInFullMode(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	sha, err := w.server.Create(t.Context(), "a.git", githttp.Commit{Files: map[string]string{"f": "1\n"}})
	w.Expect(err).NotTo(HaveOccurred())
	ws := w.workspace(w.server.URL("a.git"), id, sha)
	ws.Full = true
	w.checkout(ws)
	w.commit(ws.Dir, map[string]string{"f": "2\n"})
	w.write(ws.Dir, map[string]string{"g": "2\n"})
	w.Expect(w.collect(ws).Commits).To(BeEquivalentTo(2))
	w.Expect(w.client.Reset(t.Context(), ws)).To(Succeed())
	w.Expect(w.collect(ws).Head).To(Equal(sha))
}

func TestCollectRefusesHistoryThatDoesNotDescendFromTheBase(t *testing.T) {
	for name, rewrite := range map[string][]string{
		"orphan": {"checkout", "-q", "--orphan", "new"},
		"amend":  {"commit", "-q", "--amend", "-m", "amended"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			ws := w.create("a.git", map[string]string{"f": "1\n"})
			w.agent(ws.Dir, rewrite...)
			_, err := w.client.Collect(t.Context(), ws, "m")
			w.expectFailure(err, failure.Terminal, v1alpha1.ReasonAgentFailed, "nothing was pushed")
			if name == "orphan" {
				w.commit(ws.Dir, map[string]string{"f": "2\n"})
				_, err = w.client.Collect(t.Context(), ws, "m")
				w.expectFailure(err, failure.Terminal, v1alpha1.ReasonAgentFailed, "does not descend from the base commit")
			}
		})
	}
}

func TestCollectAfterACrash(t *testing.T) {
	for name, harm := range map[string]func(w *world, ws git.Workspace){
		"locks": func(w *world, ws git.Workspace) {
			w.write(w.dir, map[string]string{"staging/" + id + ".lock": ""})
			w.write(w.mirrorDir("a.git"), map[string]string{"refs/awo/" + id + "/head.lock": "", "refs/awo/" + id + "/agent.lock": ""})
		},
		"index half written": func(w *world, ws git.Workspace) { w.write(w.dir, map[string]string{"staging/" + id: "DIRC"}) },
		"index gone":         func(w *world, ws git.Workspace) { w.Expect(os.RemoveAll(filepath.Dir(ws.Index))).To(Succeed()) },
		"broken config":      func(w *world, ws git.Workspace) { w.write(ws.Dir, map[string]string{".git/config": "[broken"}) },
		"restart":            func(w *world, _ git.Workspace) { w.start() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			ws := w.create("a.git", map[string]string{"f": "1\n", "g": "1\n"})
			w.commit(ws.Dir, map[string]string{"f": "2\n"})
			w.write(ws.Dir, map[string]string{"g": "2\n"})
			harm(w, ws)
			out := w.collect(ws)
			w.Expect(out.Commits).To(BeEquivalentTo(2))
			w.Expect(out.Paths).To(Equal([]string{"f", "g"}))
		})
	}
}

func TestCollectOpensWhatTheAgentClosed(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"dir/deep/f": "1\n", "dir/g": "1\n"})
	w.write(ws.Dir, map[string]string{"dir/deep/new": "n\n", "dir/g": "2\n"})
	for _, name := range []string{"dir/deep/new", "dir/deep", "dir/g", "dir"} {
		w.Expect(os.Chmod(filepath.Join(ws.Dir, name), 0)).To(Succeed())
	}
	w.Expect(w.collect(ws).Paths).To(Equal([]string{"dir/deep/new", "dir/g"}))
}

func TestCollectHonoursAttributesThatRunNothing(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{".gitattributes": "*.txt text eol=crlf\n*.bin filter=none diff=none\n", "a.txt": "a\nb\n", "x.bin": "pointer\n"})
	w.Expect(os.ReadFile(filepath.Join(ws.Dir, "a.txt"))).To(BeEquivalentTo("a\r\nb\r\n"))
	w.write(ws.Dir, map[string]string{"a.txt": "a\r\nc\r\n", "new.bin": "raw"})
	out := w.collect(ws)
	w.Expect(out.Paths).To(Equal([]string{"a.txt", "new.bin"}))
	w.Expect(w.show("a.git", out.Head, "a.txt")).To(Equal("a\nc"))
}

func TestCollectTakesManyFiles(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1\n"})
	many := map[string]string{}
	for i := range 3000 {
		many[fmt.Sprintf("%s/%04d.txt", strings.Repeat("long", 20), i)] = "x\n"
	}
	w.write(ws.Dir, many)
	w.Expect(w.collect(ws).Files).To(BeEquivalentTo(len(many)))
}
