package git_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// pointer is what git has of a file that Git LFS keeps.
const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

// withContent makes a repository with a submodule and a file in Git LFS.
func (w *world) withContent() git.Workspace {
	w.tb.Helper()
	ws := w.create("a.git", map[string]string{
		"f": "1\n", "art/.gitattributes": "# *.txt filter=lfs\n*.psd filter=lfs diff=lfs merge=lfs -text\n", "art/a.psd": pointer, "art/b.psd": pointer + "b",
	})
	w.Expect(os.MkdirAll(filepath.Join(ws.Dir, "vendor/lib"), 0o755)).To(Succeed())
	linked := w.agent(ws.Dir, "rev-parse", "HEAD")
	w.agent(ws.Dir, "update-index", "--add", "--cacheinfo", gitlinkMode+","+linked+",vendor/lib")
	w.write(ws.Dir, map[string]string{".gitmodules": "[submodule \"lib\"]\n\tpath = vendor/lib\n\turl = https://example.com/lib.git\n"})
	w.agent(ws.Dir, "add", ".gitmodules")
	w.agent(ws.Dir, "commit", "-q", "-m", "submodule")
	base := w.collect(ws).Head
	ws.BaseCommit = base
	w.Expect(w.client.Fetch(w.tb.Context(), ws.URL, ws.ID, base)).To(Succeed())
	w.Expect(w.client.Checkout(w.tb.Context(), ws)).To(Succeed())
	return ws
}

const gitlinkMode = "160000"

func TestContent(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.withContent()
	w.Expect(w.client.Content(t.Context(), ws)).To(Equal(git.Content{Submodules: []string{"vendor/lib"}, LFS: []string{"art/.gitattributes"}}))
	w.Expect(os.ReadDir(filepath.Join(ws.Dir, "vendor/lib"))).To(BeEmpty())
	w.Expect(os.ReadFile(filepath.Join(ws.Dir, "art/a.psd"))).To(BeEquivalentTo(pointer))
	w.Expect(w.collect(ws).Head).To(Equal(ws.BaseCommit), "as it is it is no work")

	plain := w.workspace(w.server.URL("b.git"), "wo-0a1b2c3e", "")
	sha, err := w.server.Create(t.Context(), "b.git", githttp.Commit{Files: map[string]string{".gitattributes": "*.psd binary\n# *.psd filter=lfs\n"}})
	w.Expect(err).NotTo(HaveOccurred())
	plain.BaseCommit = sha
	w.checkout(plain)
	w.Expect(w.client.Content(t.Context(), plain)).To(Equal(git.Content{}))
}

// The agent's work is pushed beside submodules and pointers that stay as they are.
func TestWorkBesideContentThatIsNotFetched(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.withContent()
	w.write(ws.Dir, map[string]string{"f": "2\n"})
	w.Expect(os.Rename(filepath.Join(ws.Dir, "art/a.psd"), filepath.Join(ws.Dir, "art/moved.psd"))).To(Succeed())
	w.Expect(os.Remove(filepath.Join(ws.Dir, "art/b.psd"))).To(Succeed())
	out := w.collect(ws)
	w.Expect(out.Paths).To(Equal([]string{"art/a.psd", "art/b.psd", "art/moved.psd", "f"}))
	w.Expect(out.Links).To(BeEmpty())
	w.Expect(w.show("a.git", out.Head, "art/moved.psd") + "\n").To(Equal(pointer))
	w.Expect(w.mirror("a.git", "ls-tree", out.Head, "vendor/lib")).To(HavePrefix(gitlinkMode))
}

func TestChangesOfContentThatIsNotFetched(t *testing.T) {
	commit := func(w *world, ws git.Workspace, args ...string) {
		w.agent(ws.Dir, args...)
		w.agent(ws.Dir, "commit", "-q", "-m", "work")
	}
	t.Run("a file of Git LFS", func(t *testing.T) {
		w := newWorld(t, githttp.Options{})
		ws := w.withContent()
		w.write(ws.Dir, map[string]string{"art/new.psd": "a picture", "art/a.psd": "another", "f": "2\n"})
		_, err := w.client.Collect(t.Context(), ws, "Work")
		w.expectFailure(err, failure.Terminal, v1alpha1.ReasonUnsupportedContent, `2 file(s)`, `"art/a.psd" "art/new.psd"`, "Git LFS")
	})
	t.Run("a file of Git LFS in a commit, also as a pointer to nothing", func(t *testing.T) {
		w := newWorld(t, githttp.Options{})
		ws := w.withContent()
		w.write(ws.Dir, map[string]string{"art/new.psd": pointer + "c"})
		commit(w, ws, "add", "art/new.psd")
		_, err := w.client.Collect(t.Context(), ws, "Work")
		w.expectFailure(err, failure.Terminal, v1alpha1.ReasonUnsupportedContent, "art/new.psd")
	})
	t.Run("a submodule's commit", func(t *testing.T) {
		w := newWorld(t, githttp.Options{})
		ws := w.withContent()
		commit(w, ws, "update-index", "--cacheinfo", gitlinkMode+","+ws.BaseCommit+",vendor/lib")
		w.Expect(w.collect(ws).Links).To(Equal([]string{"vendor/lib"}))
	})
	t.Run("a submodule's directory removed", func(t *testing.T) {
		w := newWorld(t, githttp.Options{})
		ws := w.withContent()
		w.Expect(os.RemoveAll(filepath.Join(ws.Dir, "vendor"))).To(Succeed())
		w.Expect(w.collect(ws).Links).To(Equal([]string{"vendor/lib"}))
	})
	t.Run("a submodule changed and changed back", func(t *testing.T) {
		w := newWorld(t, githttp.Options{})
		ws := w.withContent()
		commit(w, ws, "rm", "-q", "--cached", "vendor/lib")
		commit(w, ws, "update-index", "--add", "--cacheinfo", w.agent(ws.Dir, "ls-tree", "--format="+gitlinkMode+",%(objectname),vendor/lib", "HEAD~1", "vendor/lib"))
		w.write(ws.Dir, map[string]string{"f": "2\n"})
		out := w.collect(ws)
		w.Expect(out.Links).To(Equal([]string{"vendor/lib"}))
	})
	t.Run("files in a submodule's directory", func(t *testing.T) {
		w := newWorld(t, githttp.Options{})
		ws := w.withContent()
		w.write(ws.Dir, map[string]string{"vendor/lib/own.go": "package lib\n", "f": "2\n"})
		out := w.collect(ws)
		w.Expect(out.Paths).To(Equal([]string{"f"}))
		w.Expect(out.LeftOut).To(Equal([]string{"vendor/lib/"}))
	})
}
