package git_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// A repository in the file system may come to lead into the data directory after its order was found to be valid.
func TestRepositoriesThatComeToLeadIntoTheDataDir(t *testing.T) {
	for name, plant := range map[string]func(w *world, repository, private string){
		"gitfile": func(w *world, repository, private string) {
			w.Expect(os.RemoveAll(filepath.Join(repository, ".git"))).To(Succeed())
			w.write(repository, map[string]string{".git": "gitdir: " + private + "\n"})
		},
		"alternates": func(w *world, repository, private string) {
			w.write(repository, map[string]string{".git/objects/info/alternates": private + "/objects\n"})
		},
		"one object": func(w *world, repository, private string) {
			w.Expect(os.MkdirAll(filepath.Join(repository, ".git/objects/ff"), 0o755)).To(Succeed())
			w.Expect(os.Symlink(filepath.Join(private, "objects/ff/x"), filepath.Join(repository, ".git/objects/ff/x"))).To(Succeed())
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			repository := w.secretRepository()
			private := filepath.Join(w.dir, "data/repositories/wo-1/.git")
			w.agent(w.dir, "clone", "-q", repository, filepath.Dir(private))
			w.config.DataDir = filepath.Join(w.dir, "data")
			w.start()
			remote, err := w.client.ListRemote(t.Context(), repository)
			w.Expect(err).NotTo(HaveOccurred())
			plant(w, repository, private)
			_, err = w.client.ListRemote(t.Context(), repository)
			w.expectFailure(err, failure.Terminal, v1alpha1.ReasonInvalidSpec, "must not lie in the data directory")
			err = w.client.Fetch(t.Context(), repository, id, remote.Branches["main"])
			w.expectFailure(err, failure.Terminal, v1alpha1.ReasonInvalidSpec, "must not lie in the data directory")
		})
	}
}

func TestFilesThatAreNoRepositories(t *testing.T) {
	for name, content := range map[string]string{
		"a text": "root:x:0:0\n", "a gitfile to nowhere": "gitdir: /nonexistent/x\n", "a gitfile without a path": "gitdir: \n", "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{})
			w.write(w.dir, map[string]string{"file": content})
			_, err := w.client.ListRemote(t.Context(), filepath.Join(w.dir, "file"))
			w.expectFailure(err, failure.Terminal, v1alpha1.ReasonRepositoryNotFound, "check spec.repository.url")
		})
	}
}
