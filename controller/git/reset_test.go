package git_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// resetFiles is the base of the tests of Reset.
var resetFiles = map[string]string{
	"f": "1\n", "dir/sub/a": "a\n", "dir/b": "b\n", ".gitignore": "ignored/\n", "run.sh": "#!/bin/sh\n",
}

func TestResetBringsTheBaseBack(t *testing.T) {
	tests := map[string]func(w *world, ws git.Workspace){
		"nothing":           func(*world, git.Workspace) {},
		"changed and added": func(w *world, ws git.Workspace) { w.write(ws.Dir, map[string]string{"f": "2", "n/e/w": "x"}) },
		"ignored":           func(w *world, ws git.Workspace) { w.write(ws.Dir, map[string]string{"ignored/x": "x"}) },
		"deleted":           func(w *world, ws git.Workspace) { w.Expect(os.RemoveAll(filepath.Join(ws.Dir, "dir"))).To(Succeed()) },
		"mode": func(w *world, ws git.Workspace) {
			w.Expect(os.Chmod(filepath.Join(ws.Dir, "run.sh"), 0o755)).To(Succeed())
		},
		"closed directory": func(w *world, ws git.Workspace) {
			w.write(ws.Dir, map[string]string{"closed/x": "x"})
			w.Expect(os.Chmod(filepath.Join(ws.Dir, "closed"), 0)).To(Succeed())
			w.Expect(os.Chmod(filepath.Join(ws.Dir, "dir"), 0)).To(Succeed())
		},
		"file for directory": func(w *world, ws git.Workspace) {
			w.Expect(os.RemoveAll(filepath.Join(ws.Dir, "dir"))).To(Succeed())
			w.write(ws.Dir, map[string]string{"dir": "x"})
		},
		"directory for file": func(w *world, ws git.Workspace) {
			w.Expect(os.Remove(filepath.Join(ws.Dir, "f"))).To(Succeed())
			w.write(ws.Dir, map[string]string{"f/x": "x"})
		},
		"link for directory with the same files behind": func(w *world, ws git.Workspace) {
			w.Expect(os.Rename(filepath.Join(ws.Dir, "dir"), filepath.Join(w.dir, "outside"))).To(Succeed())
			w.Expect(os.Symlink(filepath.Join(w.dir, "outside"), filepath.Join(ws.Dir, "dir"))).To(Succeed())
		},
		"commits":             func(w *world, ws git.Workspace) { w.commit(ws.Dir, map[string]string{"f": "mine"}) },
		"planted hook":        func(w *world, ws git.Workspace) { w.write(ws.Dir, map[string]string{".git/hooks/post-checkout": "x"}) },
		"no repository":       func(w *world, ws git.Workspace) { w.Expect(os.RemoveAll(filepath.Join(ws.Dir, ".git"))).To(Succeed()) },
		"no workspace":        func(w *world, ws git.Workspace) { w.Expect(os.RemoveAll(ws.Dir)).To(Succeed()) },
		"no index":            func(w *world, ws git.Workspace) { w.Expect(os.Remove(ws.Index)).To(Succeed()) },
		"broken index":        func(w *world, ws git.Workspace) { w.write(filepath.Dir(ws.Index), map[string]string{id: "x"}) },
		"nested in a tracked": func(w *world, ws git.Workspace) { w.agent(w.dir, "init", "-q", filepath.Join(ws.Dir, "dir")) },
		"collected before": func(w *world, ws git.Workspace) {
			w.write(ws.Dir, map[string]string{"f": "2", "new": "x"})
			w.collect(ws)
		},
		"workspace is a link": func(w *world, ws git.Workspace) {
			w.write(w.dir, map[string]string{"target/keep": "x"})
			w.Expect(os.RemoveAll(ws.Dir)).To(Succeed())
			w.Expect(os.Symlink(filepath.Join(w.dir, "target"), ws.Dir)).To(Succeed())
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			ws := w.create("a.git", resetFiles)
			w.write(w.dir, map[string]string{"outside-file": "x"})
			change(w, ws)
			w.Expect(w.client.Reset(t.Context(), ws)).To(Succeed())
			w.Expect(w.agent(ws.Dir, "status", "--porcelain", "--ignored")).To(BeEmpty())
			w.Expect(w.agent(ws.Dir, "rev-parse", "HEAD")).To(Equal(ws.BaseCommit))
			w.Expect(filepath.Join(ws.Dir, ".git/hooks")).NotTo(BeADirectory())
			for file, content := range resetFiles {
				w.Expect(os.ReadFile(filepath.Join(ws.Dir, file))).To(BeEquivalentTo(content))
				info, err := os.Lstat(filepath.Join(ws.Dir, filepath.Dir(file)))
				w.Expect(err).NotTo(HaveOccurred())
				w.Expect(info.IsDir()).To(BeTrue(), file)
			}
			w.Expect(filepath.Join(ws.Dir, "dir/.git")).NotTo(BeADirectory())
			if name == "workspace is a link" {
				w.Expect(filepath.Join(w.dir, "target/keep")).To(BeARegularFile())
			}
			w.Expect(w.collect(ws).Head).To(Equal(ws.BaseCommit))
		})
	}
}
