package git_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

func TestCheckoutGivesTheAgentAnOrdinaryRepository(t *testing.T) {
	for name, full := range map[string]bool{"shared": false, "full": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githttp.Options{Token: token})
			files := map[string]string{"README.md": "hello\n", "a dir/ü\nx.txt": "odd\n", ".gitignore": "*.log\n"}
			sha, err := w.server.Create(t.Context(), "acme/next.js", githttp.Commit{Files: files})
			w.Expect(err).NotTo(HaveOccurred())
			_, err = w.server.Git(t.Context(), "acme/next.js", "tag", "v1.0", sha)
			w.Expect(err).NotTo(HaveOccurred())
			ws := w.workspace(w.server.URL("acme/next.js"), id, sha)
			ws.Full = full
			w.checkout(ws)

			w.Expect(w.agent(ws.Dir, "status", "--porcelain=v2", "--branch")).To(Equal(
				"# branch.oid " + sha + "\n# branch.head " + ws.Branch))
			w.Expect(w.agent(ws.Dir, "describe", "--tags")).To(Equal("v1.0"))
			w.Expect(w.agent(ws.Dir, "rev-parse", "origin/main")).To(Equal(sha))
			w.Expect(w.agent(ws.Dir, "remote", "get-url", "origin")).To(Equal(ws.URL))
			w.Expect(w.agent(ws.Dir, "fsck", "--strict")).To(BeEmpty())
			w.Expect(os.ReadFile(filepath.Join(ws.Dir, "a dir/ü\nx.txt"))).To(BeEquivalentTo("odd\n"))
			_, err = os.Lstat(filepath.Join(ws.Dir, ".git/objects/info/alternates"))
			w.Expect(os.IsNotExist(err)).To(Equal(full))
			if full {
				w.Expect(os.RemoveAll(w.config.Mirrors)).To(Succeed())
				w.Expect(w.agent(ws.Dir, "fsck", "--full")).To(BeEmpty())
			}
			w.write(ws.Dir, map[string]string{"new": "x", ".env": "S=1", ".claude/x": "y"})
			w.Expect(w.agent(ws.Dir, "status", "--porcelain")).To(Equal("?? new"))
			w.agent(ws.Dir, "commit", "--allow-empty", "-q", "-m", "mine")
			w.Expect(w.agent(ws.Dir, "log", "-1", "--format=%an %ae")).To(Equal("Robot robot@example.com"))
		})
	}
}

func TestCheckoutReplacesAHalfMadeWorkspace(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1"})
	w.write(ws.Dir, map[string]string{"left": "x", ".git/index.lock": "", ".git/HEAD": "nonsense"})
	w.write(filepath.Join(filepath.Dir(ws.Dir), "."+filepath.Base(ws.Dir)+".new"), map[string]string{"half": "x"})
	w.write(w.dir, map[string]string{"staging/" + id: "no index", "staging/" + id + ".lock": ""})
	w.Expect(w.client.Checkout(t.Context(), ws)).To(Succeed())
	w.Expect(w.agent(ws.Dir, "status", "--porcelain", "--ignored")).To(BeEmpty())
	w.Expect(os.ReadDir(filepath.Dir(ws.Dir))).To(HaveLen(1))
}

func TestRemovingAWorkspaceRemovesWhatWasHalfMade(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	w.write(w.dir, map[string]string{"ws/wo-1/f": "", "ws/.wo-1.new/f": "", "staging/wo-1": "", "staging/wo-1.lock": ""})
	w.write(w.dir, map[string]string{"ws/.wo-2.new/closed/f": "", "ws/wo-2/f": "", "ws/.mirrors/m.git/HEAD": "", "staging/wo-2": ""})
	w.Expect(os.Chmod(filepath.Join(w.dir, "ws/.wo-2.new/closed"), 0o500)).To(Succeed())
	w.Expect(git.RemoveWorkspace(filepath.Join(w.dir, "ws/wo-1"), filepath.Join(w.dir, "staging/wo-1"))).To(Succeed())
	w.Expect(filepath.Glob(filepath.Join(w.dir, "*/*wo-1*"))).To(BeEmpty())
	w.Expect(filepath.Join(w.dir, "ws/.wo-2.new")).To(BeADirectory(), "another run's")
	w.Expect(git.RemoveHalfMade(filepath.Join(w.dir, "ws"))).To(Succeed())
	w.Expect(filepath.Join(w.dir, "ws/.wo-2.new")).NotTo(BeADirectory())
	w.Expect(filepath.Glob(filepath.Join(w.dir, "*/*wo-2"))).To(HaveLen(2))
	w.Expect(filepath.Join(w.dir, "ws/.mirrors/m.git/HEAD")).To(BeARegularFile())
}

func TestCheckoutFetchesAgainWhenTheMirrorWasRemoved(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1"})
	w.Expect(os.RemoveAll(w.config.Mirrors)).To(Succeed())
	w.Expect(w.client.Checkout(t.Context(), ws)).To(Succeed())
	w.Expect(w.agent(ws.Dir, "status", "--porcelain")).To(BeEmpty())
}

func TestCheckoutSaysWhichPathsCannotBeWritten(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	sha, err := w.server.Create(t.Context(), "a.git", githttp.Commit{Files: map[string]string{strings.Repeat("x", 300): "1"}})
	w.Expect(err).NotTo(HaveOccurred())
	ws := w.workspace(w.server.URL("a.git"), id, sha)
	w.Expect(w.client.Fetch(t.Context(), ws.URL, id, sha)).To(Succeed())
	w.expectFailure(w.client.Checkout(t.Context(), ws), failure.Terminal, v1alpha1.ReasonCloneFailed, "can't be written here")
	w.Expect(os.ReadDir(filepath.Dir(ws.Dir))).To(BeEmpty())
}

func TestCheckoutRefusesBranchesAndIDsThatLeadElsewhere(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1"})
	for _, branch := range []string{"-x", "a/../../b", "", "x.lock", "a\nb"} {
		bad := ws
		bad.Branch = branch
		err := w.client.Checkout(t.Context(), bad)
		w.Expect(err).To(HaveOccurred(), branch)
	}
	for _, change := range []func(*git.Workspace){
		func(w *git.Workspace) { w.ID = "../x" }, func(w *git.Workspace) { w.BaseCommit = "--all" }, func(w *git.Workspace) { w.Dir = "rel" },
	} {
		bad := ws
		change(&bad)
		w.Expect(w.client.Checkout(t.Context(), bad)).NotTo(Succeed())
	}
}

func TestSeveralRunsFetchOneRepositoryAtOnce(t *testing.T) {
	w := newWorld(t, githttp.Options{Token: token})
	sha, err := w.server.Create(t.Context(), "acme/app.git", githttp.Commit{Files: map[string]string{"f": "1"}})
	w.Expect(err).NotTo(HaveOccurred())
	ids := []string{"wo-00000001", "wo-00000002", "wo-00000003"}
	errs := make([]error, len(ids))
	heads := make([]string, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			ws := w.workspace(w.server.URL("acme/app.git"), id, sha)
			if errs[i] = w.client.Fetch(t.Context(), ws.URL, id, sha); errs[i] != nil {
				return
			}
			if errs[i] = w.client.Checkout(t.Context(), ws); errs[i] != nil {
				return
			}
			if errs[i] = os.WriteFile(filepath.Join(ws.Dir, "f"), []byte(id), 0o644); errs[i] != nil {
				return
			}
			var out git.Collected
			if out, errs[i] = w.client.Collect(t.Context(), ws, "m"); errs[i] != nil {
				return
			}
			heads[i] = out.Head
			errs[i] = w.client.Push(t.Context(), ws, out.Head, "")
		})
	}
	wg.Wait()
	posts := 0
	for _, r := range w.server.Requests() {
		if r.Method == http.MethodPost && r.Path == "/acme/app.git/git-upload-pack" {
			posts++
		}
	}
	for i, id := range ids {
		w.Expect(errs[i]).NotTo(HaveOccurred())
		w.Expect(w.server.Git(t.Context(), "acme/app.git", "rev-parse", "refs/heads/awo/order-"+id[3:])).To(Equal(heads[i]))
	}
	// One fetch (a listing and a pack) and a listing to check each push.
	w.Expect(posts).To(Equal(2+len(ids)), "requests: %v", w.server.Requests())
}

func TestFetchFindsCommitsThatNoBranchBeginsWith(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ctx := t.Context()
	first, err := w.server.Create(ctx, "a.git", githttp.Commit{Files: map[string]string{"f": "1"}})
	w.Expect(err).NotTo(HaveOccurred())
	second, err := w.server.Add(ctx, "a.git", githttp.Commit{Files: map[string]string{"f": "2"}})
	w.Expect(err).NotTo(HaveOccurred())
	url := w.server.URL("a.git")
	w.Expect(w.client.Fetch(ctx, url, id, first)).To(Succeed(), "an ancestor")
	_, err = w.server.Git(ctx, "a.git", "update-ref", "refs/heads/main", first)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(os.RemoveAll(w.config.Mirrors)).To(Succeed())
	w.start()
	w.Expect(w.client.Fetch(ctx, url, id, second)).To(Succeed(), "rewritten away")
	w.Expect(w.client.Checkout(ctx, w.workspace(url, id, second))).To(Succeed())
	err = w.client.Fetch(ctx, url, id, "1234567890123456789012345678901234567890")
	w.Expect(err).To(MatchError(ContainSubstring("in no branch of")))
}

func TestFetchReadsNoPinsOfOthers(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1"})
	w.write(w.mirrorDir("a.git"), map[string]string{"refs/awo/wo-00000009/base": strings.Repeat("not to be read\n", 1<<13)})
	w.Expect(w.client.Fetch(t.Context(), ws.URL, "wo-00000002", ws.BaseCommit)).To(Succeed(), "a branch begins with it")
	w.answer(http.StatusInternalServerError)
	w.Expect(w.client.Fetch(t.Context(), ws.URL, ws.ID, ws.BaseCommit)).To(Succeed(), "its own pin has it")
}

func TestFetchPrunesBranchesButNeverPins(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ctx := t.Context()
	ws := w.create("a.git", map[string]string{"f": "1"})
	_, err := w.server.Git(ctx, "a.git", "branch", "old", ws.BaseCommit)
	w.Expect(err).NotTo(HaveOccurred())
	next, err := w.server.Add(ctx, "a.git", githttp.Commit{Files: map[string]string{"f": "2"}})
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(w.client.Fetch(ctx, ws.URL, "wo-2", next)).To(Succeed())
	w.Expect(w.mirror("a.git", "for-each-ref", "--format=%(refname)")).To(ContainSubstring("refs/remotes/origin/old"))
	_, err = w.server.Git(ctx, "a.git", "branch", "-D", "old")
	w.Expect(err).NotTo(HaveOccurred())
	third, err := w.server.Add(ctx, "a.git", githttp.Commit{Files: map[string]string{"f": "3"}, Branch: "old/er"})
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(w.client.Fetch(ctx, ws.URL, "wo-3", third)).To(Succeed())
	w.Expect(w.mirror("a.git", "for-each-ref", "--format=%(refname)")).To(Equal(
		"refs/awo/wo-0a1b2c3d/base\nrefs/awo/wo-2/base\nrefs/awo/wo-3/base\nrefs/remotes/origin/main\nrefs/remotes/origin/old/er"))

	w.Expect(w.client.Release(ctx, ws.URL, "wo-2")).To(Succeed())
	w.Expect(w.client.Release(ctx, ws.URL, "wo-2")).To(Succeed())
	w.mirror("a.git", "pack-refs", "--all")
	w.Expect(w.client.Release(ctx, ws.URL, "wo-3")).To(Succeed())
	w.Expect(w.mirror("a.git", "for-each-ref", "--format=%(refname)", "refs/awo")).To(Equal("refs/awo/wo-0a1b2c3d/base"))
	w.Expect(w.client.Release(ctx, "https://example.com/never/seen", id)).To(Succeed())
}

func TestMirrorIsHealedAfterACrash(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ctx := t.Context()
	ws := w.create("a.git", map[string]string{"f": "1"})
	next, err := w.server.Add(ctx, "a.git", githttp.Commit{Files: map[string]string{"f": "2"}})
	w.Expect(err).NotTo(HaveOccurred())
	m := w.mirrorDir("a.git")
	w.write(m, map[string]string{
		"packed-refs.lock": "", "config.lock": "", "config": "[broken", "HEAD": "", "HEAD.lock": "",
		"refs/remotes/origin/main.lock": "", "refs/remotes/origin/empty": "", "refs/awo/" + id + "/agent.lock": "",
		"objects/pack/tmp_pack_x": "half", "objects/ab/tmp_obj_x": "half",
	})
	w.start()
	w.Expect(w.client.Fetch(ctx, ws.URL, "wo-2", next)).To(Succeed())
	w.checkout(w.workspace(ws.URL, "wo-2", next))
	w.Expect(filepath.Glob(filepath.Join(m, "objects/*/tmp_*"))).To(BeEmpty())
	w.Expect(w.agent(ws.Dir, "fsck", "--no-dangling")).To(BeEmpty())
}

func TestDamagedMirrorIsRebuiltOnlyIfNobodyBorrows(t *testing.T) {
	w := newWorld(t, githttp.Options{})
	ctx := t.Context()
	ws := w.create("a.git", map[string]string{"f": "1"})
	next, err := w.server.Add(ctx, "a.git", githttp.Commit{Files: map[string]string{"f": "2"}})
	w.Expect(err).NotTo(HaveOccurred())
	broken, err := filepath.Glob(filepath.Join(w.mirrorDir("a.git"), "objects", "??", "*"))
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(broken).NotTo(BeEmpty())
	for _, object := range broken {
		w.Expect(os.Chmod(object, 0o600)).To(Succeed())
		w.Expect(os.WriteFile(object, nil, 0o600)).To(Succeed())
	}
	err = w.client.Fetch(ctx, ws.URL, "wo-2", next)
	w.Expect(err).To(MatchError(ContainSubstring("other runs borrow from it")))
	w.Expect(w.client.Release(ctx, ws.URL, ws.ID)).To(Succeed())
	w.Expect(w.client.Fetch(ctx, ws.URL, "wo-2", next)).To(Succeed())
	w.checkout(w.workspace(ws.URL, "wo-2", next))
}
