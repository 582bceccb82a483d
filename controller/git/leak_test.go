package git_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

func TestFindLeak(t *testing.T) {
	const secret, other = "tok3n-of-the-controller", "an0ther-t0ken"
	encoded := base64.StdEncoding.EncodeToString([]byte("user:" + secret))
	tests := map[string]struct {
		work func(w *world, dir string)
		want *git.Leak
	}{
		"nothing":      {func(w *world, dir string) { w.write(dir, map[string]string{"a": "harmless\n"}) }, nil},
		"there before": {func(w *world, dir string) { w.write(dir, map[string]string{"a": "x\n"}) }, nil},
		"in a file that had it": {func(w *world, dir string) {
			w.write(dir, map[string]string{"fixture": "known to all: " + secret + "\nanother line\n"})
		}, nil},
		"another one in a file that had one": {func(w *world, dir string) {
			w.write(dir, map[string]string{"fixture": "known to all: " + secret + "\nand now " + other + "\n"})
		}, &git.Leak{Path: "fixture", Line: 2}},
		"in the name of a directory without files": {func(w *world, dir string) {
			empty := w.agentInput(dir, "", "mktree")
			tree := w.agentInput(dir, w.agent(dir, "ls-tree", "HEAD")+"\n040000 tree "+empty+"\t"+secret+"\n", "mktree")
			w.agent(dir, "reset", "-q", "--soft", w.agent(dir, "commit-tree", tree, "-p", "HEAD", "-m", "x"))
			w.write(dir, map[string]string{"a": "1\n"})
		}, &git.Leak{}},
		"in a file": {func(w *world, dir string) { w.write(dir, map[string]string{"a b/ü": "1\n2\nx=" + secret + "\n"}) },
			&git.Leak{Path: "a b/ü", Line: 3}},
		"in base64": {func(w *world, dir string) { w.write(dir, map[string]string{"a": "Basic " + encoded}) }, &git.Leak{Path: "a", Line: 1}},
		"in base64 of several lines": {func(w *world, dir string) {
			w.write(dir, map[string]string{"a": "data: |\n  " + encoded[:20] + "\r\n  " + encoded[20:] + "\n"})
		}, &git.Leak{Path: "a", Line: 2}},
		"in a binary file, across a border": {func(w *world, dir string) {
			w.write(dir, map[string]string{"a": "\x00" + strings.Repeat("\n", 64<<10-10) + secret + strings.Repeat("x", 100)})
		}, &git.Leak{Path: "a", Line: 64<<10 - 10 + 1}},
		"taken away again": {func(w *world, dir string) {
			w.commit(dir, map[string]string{"a": secret})
			w.commit(dir, map[string]string{"a": "clean\n", "b": "x\n"})
		}, &git.Leak{Path: "a", Line: 1}},
		"in a message": {func(w *world, dir string) {
			w.write(dir, map[string]string{"a": "1\n"})
			w.agent(dir, "add", "a")
			w.agent(dir, "commit", "--quiet", "--message", "use "+secret)
		}, &git.Leak{}},
		"in an author": {func(w *world, dir string) {
			w.write(dir, map[string]string{"a": "1\n"})
			w.agent(dir, "add", "a")
			w.agent(dir, "-c", "user.name="+secret, "commit", "--quiet", "--message", "x")
		}, &git.Leak{}},
		"in a name": {func(w *world, dir string) { w.write(dir, map[string]string{"d/" + secret + ".txt": "1\n"}) }, &git.Leak{}},
		"in the name that a file is moved to": {func(w *world, dir string) {
			w.Expect(os.Rename(filepath.Join(dir, "f"), filepath.Join(dir, secret+".md"))).To(Succeed())
		}, &git.Leak{}},
		"in the name that a directory is moved to, in a commit that the next takes back": {func(w *world, dir string) {
			w.agent(dir, "mv", "sub", secret)
			w.agent(dir, "commit", "-q", "-m", "there")
			w.agent(dir, "mv", secret, "sub2")
			w.agent(dir, "commit", "-q", "-m", "and away")
		}, &git.Leak{}},
		"in the name of a submodule": {func(w *world, dir string) {
			w.Expect(os.MkdirAll(filepath.Join(dir, "lib", secret), 0o755)).To(Succeed())
			w.agent(dir, "update-index", "--add", "--cacheinfo", gitlinkMode+","+w.agent(dir, "rev-parse", "HEAD")+",lib/"+secret)
			w.agent(dir, "commit", "-q", "-m", "submodule")
		}, &git.Leak{}},
		"in a name that was there": {func(w *world, dir string) { w.write(dir, map[string]string{"known/" + secret: "2\n"}) }, nil},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githttp.Options{})
			w.config.Secrets = process.NewRedactor(secret, other)
			w.start()
			ws := w.create("app.git", map[string]string{"f": "1\n", "fixture": "known to all: " + secret + "\n", "sub/a": "1\n", "known/" + secret: "1\n"})
			if name == "there before" {
				w.Expect(os.Rename(filepath.Join(ws.Dir, "fixture"), filepath.Join(ws.Dir, "moved"))).To(Succeed())
			}
			c.work(w, ws.Dir)
			head := w.collect(ws).Head
			leak, err := w.client.FindLeak(t.Context(), ws, head)
			w.Expect(err).NotTo(HaveOccurred())
			if c.want == nil {
				w.Expect(leak).To(BeNil())
				return
			}
			w.Expect(leak).NotTo(BeNil())
			w.Expect(leak.Commit).To(HaveLen(40))
			leak.Commit = ""
			w.Expect(leak).To(Equal(c.want))
			w.config.Secrets = nil
			w.start()
			w.Expect(w.client.FindLeak(t.Context(), ws, head)).To(BeNil())
		})
	}
}
