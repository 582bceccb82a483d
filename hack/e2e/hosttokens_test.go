package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
	"github.com/agent-work-orders/awo/hack/scripted/github"
)

// Two hosts with a token each, and a common one that neither may see: clone, push and pull request at the GitHub, and a
// branch without a pull request at the other.
func TestHostsWithTokensOfTheirOwn(t *testing.T) {
	needs(t, "gh")
	const common, elsewhere = "ghp_theCommonTokenThatNeitherMaySee01", "glpat-theTokenOfTheOtherHost01234"
	w := newWorld(t)
	other, err := githttp.New(githttp.Options{Root: filepath.Join(w.dir, "other"), Token: elsewhere})
	w.g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(other.Close)
	tokens := filepath.Join(w.dir, "tokens")
	w.g.Expect(os.Mkdir(tokens, 0o700)).To(Succeed())
	for host, token := range map[string]string{github.DefaultHost: githubToken, other.Host(): elsewhere} {
		w.g.Expect(os.WriteFile(filepath.Join(tokens, host), []byte(token+"\n"), 0o400)).To(Succeed())
	}
	w.env = append(w.env, "AWO_GIT_TOKEN_DIR="+tokens, "GITHUB_TOKEN="+common, "AWO_ALLOW_HTTP_HOSTS="+github.DefaultHost+","+other.Host())
	url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
	_, err = other.Create(t.Context(), "app.git", githttp.Commit{Files: map[string]string{"README.md": "x\n"}})
	w.g.Expect(err).NotTo(HaveOccurred())
	w.start()
	agent := w.script("echo x > x.txt; echo I know " + elsewhere + "\n")
	w.drop("a.yaml", order("a", url, agent))
	w.drop("b.yaml", order("b", other.URL("app.git"), agent, "  phases: [Implementing]\n"))
	w.g.Expect(w.ends("a.yaml", v1alpha1.PhaseSucceeded).PullRequest).NotTo(BeNil())
	w.ends("b.yaml", v1alpha1.PhaseSucceeded)

	for _, r := range w.git.Requests() {
		w.g.Expect(r.Password).To(Or(BeEmpty(), Equal(githubToken)))
	}
	for _, r := range other.Requests() {
		w.g.Expect(r.Password).To(Or(BeEmpty(), Equal(elsewhere)))
	}
	for _, secret := range []string{githubToken, elsewhere, common} {
		w.absent(w.data, secret)
	}
	out, err := w.run("doctor")
	w.g.Expect(out).To(MatchRegexp(`git tokens +OK +.*github.localhost.* have one of their own`), "%v", err)
	w.g.Expect(out).NotTo(Or(ContainSubstring(githubToken), ContainSubstring(elsewhere)))
}

func TestTokenDirThatIsWrongEndsTheStart(t *testing.T) {
	w := newWorld(t)
	tokens := filepath.Join(w.dir, "tokens")
	w.g.Expect(os.Mkdir(tokens, 0o700)).To(Succeed())
	w.g.Expect(os.WriteFile(filepath.Join(tokens, "github.com"), nil, 0o600)).To(Succeed())
	w.env = append(w.env, "AWO_GIT_TOKEN_DIR="+tokens)
	w.launch()
	w.g.Expect(w.controller.wait(10*time.Second)).To(BeTrue(), "it ends by itself")
	w.g.Expect(w.controller.log()).To(HavePrefix("error: AWO_GIT_TOKEN_DIR: " + filepath.Join(tokens, "github.com") + " is empty"))
}

// absent sees that no file below a directory holds a text.
func (w *world) absent(dir, text string) {
	w.t.Helper()
	w.g.Expect(filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		w.g.Expect(string(data)).NotTo(ContainSubstring(text), path)
		return err
	})).To(Succeed())
}

func TestRepositoryWithContentElsewhere(t *testing.T) {
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
	w := newWorld(t)
	repo := w.local("app", map[string]string{".gitattributes": "*.psd filter=lfs diff=lfs merge=lfs -text\n", "a.psd": pointer})
	w.start()
	w.drop("beside.yaml", order("beside", "file://"+repo, w.script("echo x > x.txt; cat a.psd\n")))
	st := w.ends("beside.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(st.Conditions).To(ContainElement(And(HaveField("Type", v1alpha1.ConditionContentNotFetched), HaveField("Reason", v1alpha1.ReasonLFS))))
	w.g.Expect(w.gitOut("--git-dir="+repo, "show", st.Branch+":a.psd")).To(Equal(pointer), "it is pushed back as it was")

	painter := filepath.Join(w.dir, "painter.sh")
	w.g.Expect(os.WriteFile(painter, []byte("#!/bin/sh\necho a picture > a.psd\n"), 0o755)).To(Succeed())
	w.drop("paints.yaml", order("paints", "file://"+repo, painter))
	st = w.ends("paints.yaml", v1alpha1.PhaseFailed)
	w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonUnsupportedContent), st.Message)
	w.g.Expect(st.Message).To(ContainSubstring(`"a.psd"`))
}
