package git_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// pipe makes a named pipe below a directory, at which a program that opens it waits.
func (w *world) pipe(dir, name string) {
	w.tb.Helper()
	file := filepath.Join(dir, name)
	w.Expect(os.MkdirAll(filepath.Dir(file), 0o755)).To(Succeed())
	w.Expect(ignoreMissing(os.Remove(file))).To(Succeed())
	w.Expect(syscall.Mkfifo(file, 0o600)).To(Succeed())
}

func ignoreMissing(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// No git of ours is started where it would wait, so nobody waits for the end of its time.
func TestFilesThatGitWouldWaitAtAreRefused(t *testing.T) {
	type plant = func(w *world, ws git.Workspace)
	pipe := func(name string) plant { return func(w *world, ws git.Workspace) { w.pipe(ws.Dir, name) } }
	gitfile := func(target, pipe string) plant {
		return func(w *world, ws git.Workspace) {
			outside := filepath.Join(w.dir, "home")
			target := strings.ReplaceAll(target, "OUTSIDE", outside)
			w.write(ws.Dir, map[string]string{"sub/.git": "gitdir: " + target + "\n"})
			w.pipe(ws.Dir, strings.ReplaceAll(pipe, "OUTSIDE", "../../home"))
		}
	}
	tests := map[string]struct {
		do   plant
		says string
	}{
		"ignore file":                        {pipe(".gitignore"), `".gitignore" is a special file`},
		"attribute file":                     {pipe(".gitattributes"), `".gitattributes" is a special file`},
		"ignore file of the base":            {pipe("src/.gitignore"), `"src/.gitignore"`},
		"attribute file below":               {pipe("src/.gitattributes"), `"src/.gitattributes"`},
		"ignore file deep below":             {pipe("a/b/.gitignore"), `"a/b/.gitignore"`},
		"HEAD of a nested repository":        {pipe("sub/.git/HEAD"), `"sub/.git (HEAD)"`},
		"commondir of a nested repository":   {pipe("sub/.git/commondir"), `"sub/.git (commondir)"`},
		"gitfile to the workspace":           {gitfile("../fifo", "fifo/HEAD"), `"sub/.git (HEAD)"`},
		"gitfile to a commondir":             {gitfile("../fifo", "fifo/commondir"), `"sub/.git (commondir)"`},
		"gitfile to the outside":             {gitfile("OUTSIDE", "OUTSIDE/HEAD"), `"sub/.git (HEAD)"`},
		"gitfile past a link":                {gitfile("../link/../fifo", "a/fifo/HEAD"), `"sub/.git (HEAD)"`},
		"gitfile with more than git reads":   {gitfile("../fifo\x00/nowhere", "fifo/HEAD"), `"sub/.git (HEAD)"`},
		"linked repository":                  {pipe("fifo/HEAD"), `"z/.git (HEAD)"`},
		"ignore file in a closed directory":  {pipe("closed/.gitignore"), `"closed/.gitignore"`},
		"ignore file in a nested repository": {pipe("z/.gitignore"), `"z/.gitignore"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			ws := w.create("a.git", map[string]string{"f": "1\n", "src/.gitignore": "*.o\n", "src/f": "1\n"})
			w.write(ws.Dir, map[string]string{"a/link/f": "", "z/f": ""})
			w.Expect(os.Symlink("a/link", filepath.Join(ws.Dir, "link"))).To(Succeed())
			w.Expect(os.Symlink("../fifo", filepath.Join(ws.Dir, "z/.git"))).To(Succeed())
			test.do(w, ws)
			_ = os.Chmod(filepath.Join(ws.Dir, "closed"), 0)
			_, err := w.client.Collect(t.Context(), ws, "m")
			w.expectFailure(err, failure.Terminal, v1alpha1.ReasonAgentFailed, test.says, "nothing was committed")
			w.Expect(w.client.Reset(t.Context(), ws)).To(Succeed())
			w.Expect(w.collect(ws).Files).To(BeZero())
		})
	}
}

// Pipes under other names are left out, and nested repositories of all kinds stay what they are.
func TestFilesThatGitDoesNotOpenAreNoMatter(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1\n"})
	w.agent(ws.Dir, "worktree", "add", "-q", "--detach", filepath.Join(ws.Dir, "tree"))
	w.agent(ws.Dir, "init", "-q", "nested")
	for _, name := range []string{"pipe", "nested/.git/pipe", "nested/.git/HEAD.lock", "notgit/.git"} {
		w.pipe(ws.Dir, name)
	}
	w.write(ws.Dir, map[string]string{"new": "1\n", ".gitignore/dir": "1\n", "large/.git": strings.Repeat("x", 2<<20), "large/f": "", "odd/.git": "gitdir: \n"})
	out := w.collect(ws)
	w.Expect(out.Paths).To(Equal([]string{".gitignore/dir", "new"}))
	w.Expect(out.LeftOut).To(Equal([]string{"large/", "nested/", "tree/"}))
}

// A submodule of the base is taken for unchanged, whatever the agent made of its repository: git is kept from it.
func TestSubmodulesAreNotOpened(t *testing.T) {
	for name, do := range map[string]func(w *world, dir string){
		"HEAD": func(w *world, dir string) { w.pipe(dir, ".git/refs/heads/x") },
		"packed refs": func(w *world, dir string) {
			w.Expect(os.MkdirAll(filepath.Join(dir, ".git/refs"), 0o755)).To(Succeed())
			w.pipe(dir, ".git/packed-refs")
		},
		"configuration": func(w *world, dir string) { w.pipe(dir, ".git/config") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			ws := w.withContent()
			lib := filepath.Join(ws.Dir, "vendor/lib")
			w.write(lib, map[string]string{".git/HEAD": "ref: refs/heads/x\n", ".git/objects/info/x": "", ".git/refs/x": ""})
			do(w, lib)
			w.write(ws.Dir, map[string]string{"f": "2\n"})
			out := w.collect(ws)
			w.Expect(out.Paths).To(Equal([]string{"f"}))
			w.Expect(out.LeftOut).To(Equal([]string{"vendor/lib/"}))
			w.Expect(ws.Index + ".blind").NotTo(BeAnExistingFile())
			w.Expect(w.agent(w.dir, "--git-dir="+w.mirrorDir("a.git"), "ls-files", "-v")).To(BeEmpty())
		})
	}
}

// Patterns can keep git busy for as long as anybody lets it. What does not get done in time is the agent's failure, or
// the next attempt would be paid for the same.
func TestWorkThatTakesGitTooLong(t *testing.T) {
	for _, slow := range []string{"ls-files", "update-index", "read-tree"} {
		t.Run(slow, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			ws := w.create("a.git", map[string]string{"f": "1\n"})
			w.write(ws.Dir, map[string]string{"new": "1\n"})
			w.config.Path = filepath.Join(w.dir, "git")
			script := "#!/bin/sh\ncase \" $* \" in *' " + slow + " '*) exec sleep 600 ;; esac\nexec git \"$@\"\n"
			w.Expect(os.WriteFile(w.config.Path, []byte(script), 0o700)).To(Succeed())
			w.config.Timeout = 2 * time.Second
			w.start()
			_, err := w.client.Collect(t.Context(), ws, "m")
			w.expectFailure(err, failure.Terminal, v1alpha1.ReasonAgentFailed, "git did not get through them", "nothing was committed")
		})
	}
}

func TestRulesThatTakeMuchMemory(t *testing.T) {
	for name, files := range map[string]map[string]int64{
		"an ignore file":                   {".gitignore": 600 << 20},
		"an attribute file":                {"src/.gitattributes": 2 << 20},
		"many, one below the other":        {".gitignore": 400 << 10, "a/.gitignore": 400 << 10, "a/b/.gitignore": 400 << 10},
		"an ignore file of the base grown": {"src/.gitignore": 3 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			ws := w.create("a.git", map[string]string{"f": "1\n", "src/.gitignore": strings.Repeat("*.o\n", 300<<10)})
			for name, bytes := range files {
				w.write(ws.Dir, map[string]string{name: ""})
				w.size(ws, name, bytes)
			}
			_, err := w.client.Collect(t.Context(), ws, "m")
			w.expectFailure(err, failure.Terminal, v1alpha1.ReasonTooLarge, "ignore and attribute files", "awo retry")
		})
	}
	for name, commands := range map[string][]string{
		"an attribute file in a commit":              {"mv x .gitattributes", "git add -A", "git commit -qm 1"},
		"one that is gone":                           {"mv x .gitattributes", "git add -A", "git commit -qm 1", "rm .gitattributes"},
		"one of claude's, which is not staged":       {"mkdir .claude", "mv x .claude/.gitattributes", "git add -f .claude", "git commit -qm 1", "echo > .claude/.gitattributes"},
		"one that had another name":                  {"git add -A", "git commit -qm 1", "mkdir d", "git mv x d/.gitattributes", "git commit -qm 2", "rm -r d"},
		"one that is gone, with a link in its place": {"mv x .gitattributes", "git add -A", "git commit -qm 1", "ln -sf nowhere .gitattributes"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			ws := w.create("a.git", map[string]string{"f": "1\n"})
			w.write(ws.Dir, map[string]string{"x": strings.Repeat("a -x\n", 300<<10)})
			w.agent(ws.Dir, "-c", "alias.x=!"+strings.Join(commands, " && "), "x")
			_, err := w.client.Collect(t.Context(), ws, "m")
			w.expectFailure(err, failure.Terminal, v1alpha1.ReasonTooLarge, "ignore and attribute files", ".gitattributes")
		})
	}
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1\n", "src/.gitignore": strings.Repeat("*.o\n", 300<<10), "old/.gitattributes": strings.Repeat("#\n", 600<<10)})
	w.Expect(os.RemoveAll(filepath.Join(ws.Dir, "old"))).To(Succeed())
	for _, name := range []string{"a/.gitignore", "b/.gitignore", "src/.gitattributes"} {
		w.write(ws.Dir, map[string]string{name: strings.Repeat("#\n", 300<<10)})
	}
	w.Expect(w.collect(ws).Files).To(BeEquivalentTo(4), "what the base has, and what holds for other directories, does not count")
}

// An agent can leave its repository and its files so that git fails; another attempt would be paid for the same.
func TestStatesThatGitFailsAtAreNoTransientFailures(t *testing.T) {
	type act = func(w *world, ws git.Workspace)
	shell := func(command string) act {
		return func(w *world, ws git.Workspace) {
			w.write(ws.Dir, map[string]string{"f": "2\n"})
			w.agent(ws.Dir, "commit", "-q", "-a", "-m", "own")
			w.agent(ws.Dir, "-c", "alias.x=!"+command, "x")
		}
	}
	for name, test := range map[string]struct {
		do   act
		says string
	}{
		"shallow":                    {do: shell(`git rev-parse HEAD > .git/shallow`)},
		"shallow, a directory":       {do: shell(`mkdir -p .git/shallow/x`)},
		"a directory for config":     {do: shell(`rm .git/config && mkdir -p .git/config/x`)},
		"a file for info":            {do: shell(`rm -rf .git/info && echo x > .git/info`)},
		"a directory for grafts":     {do: shell(`mkdir -p .git/info/grafts/x`)},
		"a lock on everything":       {do: shell(`touch .git/index.lock .git/HEAD.lock .git/shallow.lock .git/config.lock`)},
		"no objects/info":            {do: shell(`rm -rf .git/objects/info && echo x > .git/objects/info`), says: "not a directory"},
		"packed-refs, a directory":   {do: shell(`rm -f .git/packed-refs && mkdir .git/packed-refs && rm -r .git/refs/heads`), says: "can't be read"},
		"a missing object":           {do: shell(`rm -rf .git/objects/??`), says: "can't be read"},
		"a file in another encoding": {do: encoding, says: "BOM is required"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			ws := w.create("a.git", map[string]string{"f": "1\n"})
			test.do(w, ws)
			out, err := w.client.Collect(t.Context(), ws, "m")
			if test.says != "" {
				w.expectFailure(err, failure.Terminal, v1alpha1.ReasonAgentFailed, test.says, "awo logs")
				return
			}
			w.Expect(err).NotTo(HaveOccurred())
			w.Expect(out.Paths).To(Equal([]string{"f"}))
		})
	}
}

// encoding claims that a file is in UTF-16, which it is not.
func encoding(w *world, ws git.Workspace) {
	w.write(ws.Dir, map[string]string{".gitattributes": "*.txt working-tree-encoding=UTF-16\n", "a.txt": "plain\n"})
}
