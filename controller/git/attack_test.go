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

var fixedTime = time.Unix(1700000000, 0)

// plant is a program that leaves a mark when anybody runs it.
func (w *world) plant() (program, mark string) {
	w.tb.Helper()
	mark, program = filepath.Join(w.dir, "MARK"), filepath.Join(w.dir, "planted.sh")
	w.Expect(os.WriteFile(program, []byte("#!/bin/sh\ntouch '"+mark+"'\nexit 1\n"), 0o755)).To(Succeed())
	return program, mark
}

// hostile fills a repository with everything that could run a program.
func (w *world) hostile(gitDir, program string) {
	w.tb.Helper()
	config := `
[core]
	repositoryFormatVersion = 0
	fsmonitor = PROGRAM
	hooksPath = HOOKS
	sshCommand = PROGRAM
	gitProxy = PROGRAM
	editor = PROGRAM
	pager = PROGRAM
	askPass = PROGRAM
	alternateRefsCommand = PROGRAM
[filter "x"]
	clean = PROGRAM
	smudge = PROGRAM
	process = PROGRAM
	required = true
[diff]
	external = PROGRAM
[diff "x"]
	textconv = PROGRAM
	command = PROGRAM
[merge "x"]
	driver = PROGRAM
[gpg]
	program = PROGRAM
[commit]
	gpgSign = true
[credential]
	helper = !PROGRAM
[uploadpack]
	packObjectsHook = PROGRAM
[remote "origin"]
	uploadpack = PROGRAM
	receivepack = PROGRAM
	vcs = evil
[url "ext::PROGRAM "]
	insteadOf = http
	insteadOf = /
[protocol]
	allow = always
[include]
	path = INCLUDED
[alias]
	upload-pack = !PROGRAM
`
	hooks := filepath.Join(w.dir, "hooks")
	replace := strings.NewReplacer("PROGRAM", program, "HOOKS", hooks, "INCLUDED", filepath.Join(w.dir, "included"))
	w.write(gitDir, map[string]string{"config": replace.Replace(config), "info/attributes": "* filter=x diff=x merge=x\n"})
	w.write(w.dir, map[string]string{"included": "[core]\n\tfsmonitor = " + program + "\n"})
	for _, dir := range []string{hooks, filepath.Join(gitDir, "hooks")} {
		w.Expect(os.MkdirAll(dir, 0o755)).To(Succeed())
		for _, hook := range []string{
			"pre-commit", "post-commit", "commit-msg", "pre-push", "post-checkout", "reference-transaction", "post-index-change",
			"fsmonitor-watchman", "pre-auto-gc", "update", "pre-receive", "post-update", "push-to-checkout",
		} {
			_ = os.Remove(filepath.Join(dir, hook))
			w.Expect(os.Symlink(program, filepath.Join(dir, hook))).To(Succeed())
		}
	}
}

func TestNothingThatAnAgentPlantsIsRun(t *testing.T) {
	w := newWorld(t, githttp.Options{Token: token})
	ws := w.create("acme/app.git", map[string]string{"f": "1\n", "g": "1\n"})
	ctx := t.Context()
	program, mark := w.plant()
	// With commits of its own, so that they are fetched from the hostile repository.
	w.commit(ws.Dir, map[string]string{"f": "2\n"})
	w.write(ws.Dir, map[string]string{"g": "2\n", ".gitattributes": "* filter=x diff=x merge=x\n", "new": "n\n"})
	w.hostile(filepath.Join(ws.Dir, ".git"), program)
	// Links among the hooks would be refused; as files they are merely never looked at.
	w.Expect(os.RemoveAll(filepath.Join(ws.Dir, ".git/hooks"))).To(Succeed())
	script, err := os.ReadFile(program)
	w.Expect(err).NotTo(HaveOccurred())
	w.write(ws.Dir, map[string]string{".git/hooks/reference-transaction": string(script), ".git/hooks/post-checkout": string(script)})
	w.Expect(os.Chmod(filepath.Join(ws.Dir, ".git/hooks/reference-transaction"), 0o755)).To(Succeed())
	w.Expect(os.Chmod(filepath.Join(ws.Dir, ".git/hooks/post-checkout"), 0o755)).To(Succeed())

	out := w.collect(ws)
	w.Expect(out.Commits).To(BeEquivalentTo(2))
	w.Expect(w.show("acme/app.git", out.Head, "g")).To(Equal("2"))
	w.Expect(w.client.Push(ctx, ws, out.Head, "")).To(Succeed())
	w.Expect(w.client.Bundle(ctx, ws, out.Head, filepath.Join(w.dir, "b"))).To(Succeed())
	w.Expect(w.client.Reset(ctx, ws)).To(Succeed())
	w.Expect(w.client.Checkout(ctx, ws)).To(Succeed())
	w.Expect(mark).NotTo(BeAnExistingFile())

	// The trap works: an ordinary git in such a repository springs it.
	w.hostile(filepath.Join(ws.Dir, ".git"), program)
	w.Expect(spring(w, ws.Dir)).To(BeTrue())
	w.Expect(mark).To(BeAnExistingFile())
}

// spring runs git in a directory and returns whether it was started at all.
func spring(w *world, dir string) bool {
	p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "git status"}, &os.ProcAttr{Dir: dir, Env: []string{"PATH=" + os.Getenv("PATH")}})
	w.Expect(err).NotTo(HaveOccurred())
	_, err = p.Wait()
	return err == nil
}

func TestNothingRunsInNestedRepositories(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1\n", "tracked/f": "1\n"})
	program, mark := w.plant()
	for _, nested := range []string{"sub", "deep/nested", "tracked"} {
		dir := filepath.Join(ws.Dir, nested)
		w.agent(w.dir, "init", "-q", dir)
		w.agent(dir, "-c", "user.name=x", "-c", "user.email=x", "commit", "-q", "--allow-empty", "-m", "x")
	}
	// A submodule that the agent committed: git add and git status would look into it.
	commit := w.agent(filepath.Join(ws.Dir, "sub"), "rev-parse", "HEAD")
	w.agent(ws.Dir, "update-index", "--add", "--cacheinfo", "160000,"+commit+",sub")
	w.agent(ws.Dir, "commit", "-q", "-m", "submodule")
	for _, nested := range []string{"sub", "deep/nested", "tracked"} {
		w.hostile(filepath.Join(ws.Dir, nested, ".git"), program)
		w.write(ws.Dir, map[string]string{nested + "/file": "changed\n"})
	}
	w.write(ws.Dir, map[string]string{"f": "2\n", "tracked/f": "2\n"})
	out := w.collect(ws)
	w.Expect(out.LeftOut).To(Equal([]string{"deep/nested/", "sub/", "tracked/"}))
	w.Expect(out.Paths).To(Equal([]string{"f", "sub", "tracked/f"}))
	w.Expect(w.client.Reset(t.Context(), ws)).To(Succeed())
	w.Expect(mark).NotTo(BeAnExistingFile())
}

func TestRepositoriesThatLeadElsewhereAreRefused(t *testing.T) {
	type move = func(w *world, ws git.Workspace, gitDir, secret string)
	link := func(name string) move {
		return func(w *world, _ git.Workspace, gitDir, secret string) {
			w.Expect(os.RemoveAll(filepath.Join(gitDir, name))).To(Succeed())
			w.Expect(os.MkdirAll(filepath.Dir(filepath.Join(gitDir, name)), 0o755)).To(Succeed())
			w.Expect(os.Symlink(filepath.Join(secret, name), filepath.Join(gitDir, name))).To(Succeed())
		}
	}
	file := func(name, content string) move {
		return func(w *world, _ git.Workspace, gitDir, secret string) {
			w.write(gitDir, map[string]string{name: strings.ReplaceAll(content, "SECRET", secret)})
		}
	}
	tests := map[string]struct {
		do   move
		says string
	}{
		"refs linked":        {link("refs"), `".git/refs" is a symbolic link`},
		"objects linked":     {link("objects"), `".git/objects" is a symbolic link`},
		"HEAD linked":        {link("HEAD"), `".git/HEAD" is a symbolic link`},
		"packed-refs linked": {link("packed-refs"), `".git/packed-refs" is a symbolic link`},
		"loose ref linked":   {link("refs/heads/main"), `".git/refs/heads/main" is a symbolic link`},
		"more alternates":    {file("objects/info/alternates", "SECRET/objects\n"), "alternates\" was changed"},
		"http alternates":    {file("objects/info/http-alternates", "http://x/\n"), "borrows objects from elsewhere"},
		"commondir":          {file("commondir", "SECRET\n"), "names another repository"},
		"gitdir":             {file("gitdir", "SECRET\n"), "names another repository"},
		"repository inside":  {file(".git/HEAD", "ref: refs/heads/main\n"), "is a repository within the repository"},
		"pipe": {func(w *world, _ git.Workspace, gitDir, _ string) {
			w.Expect(syscall.Mkfifo(filepath.Join(gitDir, "refs/heads/pipe"), 0o600)).To(Succeed())
		}, "is a special file"},
		"gitfile": {func(w *world, ws git.Workspace, gitDir, secret string) {
			w.Expect(os.RemoveAll(gitDir)).To(Succeed())
			w.write(ws.Dir, map[string]string{".git": "gitdir: " + secret + "\n"})
		}, ".git is a file"},
		"linked .git": {func(w *world, ws git.Workspace, gitDir, secret string) {
			w.Expect(os.RemoveAll(gitDir)).To(Succeed())
			w.Expect(os.Symlink(secret, gitDir)).To(Succeed())
		}, ".git is a symbolic link"},
		"no .git": {func(w *world, ws git.Workspace, gitDir, _ string) {
			w.Expect(os.RemoveAll(gitDir)).To(Succeed())
		}, ".git is gone"},
		"own init": {func(w *world, ws git.Workspace, gitDir, _ string) {
			w.Expect(os.RemoveAll(gitDir)).To(Succeed())
			w.agent(w.dir, "init", "-q", ws.Dir)
		}, "alternates\" was changed"},
		"workspace linked": {func(w *world, ws git.Workspace, _, secret string) {
			w.Expect(os.RemoveAll(ws.Dir)).To(Succeed())
			w.Expect(os.Symlink(filepath.Dir(secret), ws.Dir)).To(Succeed())
		}, "the workspace is a symbolic link"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			ws := w.create("a.git", map[string]string{"f": "1\n"})
			other := w.secretRepository()
			test.do(w, ws, filepath.Join(ws.Dir, ".git"), filepath.Join(other, ".git"))
			_, err := w.client.Collect(t.Context(), ws, "m")
			w.expectFailure(err, failure.Terminal, v1alpha1.ReasonAgentFailed, test.says)
		})
	}
}

// secretRepository is another order's, with a commit that must not get out.
func (w *world) secretRepository() string {
	dir := filepath.Join(w.dir, "other")
	w.agent(w.dir, "init", "-q", "-b", "main", dir)
	w.agent(dir, "config", "user.name", "x")
	w.agent(dir, "config", "user.email", "x")
	w.commit(dir, map[string]string{"secret": "s"})
	return dir
}

func TestOddHeadsAreRefused(t *testing.T) {
	for name, head := range map[string]string{
		"outside":   "ref: refs/heads/../../../../other/.git/HEAD\n",
		"flag":      "ref: --upload-pack=x\n",
		"garbage":   "\x00\x01",
		"missing":   "ref: refs/heads/none\n",
		"unknown":   "1234567890123456789012345678901234567890\n",
		"not a ref": "ref: config\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			ws := w.create("a.git", map[string]string{"f": "1\n"})
			w.secretRepository()
			w.write(ws.Dir, map[string]string{".git/HEAD": head})
			_, err := w.client.Collect(t.Context(), ws, "m")
			w.expectFailure(err, failure.Terminal, v1alpha1.ReasonAgentFailed, "can't be read")
		})
	}
}

func TestMaliciousTreesAreRefused(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1\n"})
	w.write(w.dir, map[string]string{"tree": ""})
	w.Expect(os.WriteFile(filepath.Join(w.dir, "blob"), []byte("x"), 0o600)).To(Succeed())
	blob := w.agent(ws.Dir, "hash-object", "-w", filepath.Join(w.dir, "blob"))
	raw := make([]byte, 0, 40)
	for i := 0; i < len(blob); i += 2 {
		raw = append(raw, unhex(blob[i])<<4|unhex(blob[i+1]))
	}
	w.Expect(os.WriteFile(filepath.Join(w.dir, "tree"), append([]byte("100644 .git\x00"), raw...), 0o600)).To(Succeed())
	tree := w.agent(ws.Dir, "hash-object", "--literally", "-t", "tree", "-w", filepath.Join(w.dir, "tree"))
	commit := w.agent(ws.Dir, "commit-tree", "-m", "x", "-p", "HEAD", tree)
	w.agent(ws.Dir, "update-ref", "HEAD", commit)
	_, err := w.client.Collect(t.Context(), ws, "m")
	w.expectFailure(err, failure.Terminal, v1alpha1.ReasonAgentFailed, "hasDotgit")
}

func unhex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

func TestLinkedDirectoriesAreNotFollowed(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"dir/a": "a\n", "dir/b": "b\n", "ign/x": "x\n"})
	outside := filepath.Join(w.dir, "outside")
	w.Expect(os.Rename(filepath.Join(ws.Dir, "dir"), outside)).To(Succeed())
	w.write(outside, map[string]string{"a": "secret\n", "c": "secret\n"})
	w.Expect(os.Symlink(outside, filepath.Join(ws.Dir, "dir"))).To(Succeed())
	w.Expect(os.RemoveAll(filepath.Join(ws.Dir, "ign"))).To(Succeed())
	w.Expect(os.Symlink(outside, filepath.Join(ws.Dir, "ign"))).To(Succeed())
	w.write(ws.Dir, map[string]string{".gitignore": "ign\n"})
	out := w.collect(ws)
	w.Expect(out.Paths).To(Equal([]string{".gitignore", "dir", "dir/a", "dir/b", "ign/x"}))
	w.Expect(w.show("a.git", out.Head, "dir")).To(Equal(outside))
}
