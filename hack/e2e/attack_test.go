package e2e_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

func TestWhatAnAgentPlantsDoesNotRun(t *testing.T) {
	for _, c := range []struct {
		name, plant string
		// reason is why the order fails; empty: it Succeeds, and nothing planted ran or was pushed.
		reason string
	}{
		{name: "hooks", plant: `mkdir -p .git/hooks; for h in pre-commit pre-push post-checkout reference-transaction post-index-change; do printf '#!/bin/sh\ntouch MARK\n' > .git/hooks/$h; chmod +x .git/hooks/$h; done`},
		{name: "fsmonitor", plant: `git config core.fsmonitor "touch MARK; false"`},
		{name: "filter", plant: `git config filter.x.clean "touch MARK; cat"; git config filter.x.smudge "touch MARK; cat"; echo '* filter=x' > .gitattributes`},
		{name: "ssh command", plant: `git config core.sshCommand "touch MARK"; git config url.ssh://x/.insteadOf file://`},
		{name: "credential helper", plant: `git config credential.helper '!touch MARK'`},
		{name: "include", plant: `printf '[core]\n\tfsmonitor = "touch MARK; false"\n' > .inc; git config include.path ../.inc; rm -f .inc`},
		{name: "alternates", plant: `echo /tmp >> .git/objects/info/alternates`, reason: v1alpha1.ReasonAgentFailed},
		{name: "gitfile", plant: `mv .git $HOME/planted; echo "gitdir: $HOME/planted" > .git`, reason: v1alpha1.ReasonAgentFailed},
		{name: "symlink in .git", plant: `ln -s /etc/passwd .git/refs/heads/stolen`, reason: v1alpha1.ReasonAgentFailed},
		{name: "workflow", plant: `mkdir -p .github/workflows; echo "on: push" > .github/workflows/x.yml`, reason: v1alpha1.ReasonProtectedPath},
		{name: "nested repository", plant: `git init -q sub; git -C sub config core.fsmonitor "touch MARK; false"; echo x > sub/f; git -C sub add f; git -C sub -c user.name=x -c user.email=x@x commit -qm x`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			repo := w.local("app", map[string]string{"README.md": "x\n"})
			mark := filepath.Join(w.shared, "mark")
			agent := w.script("[ \"$AWO_PHASE\" = Planning ] || echo x > x.txt\n" + strings.ReplaceAll(c.plant, "MARK", mark) + "\nrm -f " + mark + "\necho done\n")
			w.start()
			w.drop("a.yaml", order("a", "file://"+repo, agent))
			want := v1alpha1.PhaseSucceeded
			if c.reason != "" {
				want = v1alpha1.PhaseFailed
			}
			st := w.ends("a.yaml", want)
			w.g.Expect(mark).NotTo(BeAnExistingFile(), "what was planted ran")
			if c.reason != "" {
				w.g.Expect(reasonOf(st)).To(Equal(c.reason), st.Message)
				w.g.Expect(w.branches(repo)).To(BeEmpty(), "nothing is pushed")
			}
		})
	}
}

// An agent is paid once for what it leaves for git to fail at, and what it dug while it planned is no trouble.
func TestAgentIsPaidOnceForWhatGitFailsAt(t *testing.T) {
	const (
		own = "git commit -qam own; "
		dig = `n=$(printf %0200d 1); i=0; while [ $i -lt 30 ]; do mkdir $n && cd -P $n; i=$((i+1)); done; chmod 0 .`
	)
	for name, c := range map[string]struct{ planning, implementing, reason string }{
		"a pipe for rules":           {implementing: "mkfifo .gitignore", reason: v1alpha1.ReasonAgentFailed},
		"a pipe in a repository":     {implementing: "mkdir -p sub/.git; mkfifo sub/.git/HEAD", reason: v1alpha1.ReasonAgentFailed},
		"a pipe in its home":         {implementing: `mkdir sub $HOME/p; mkfifo $HOME/p/HEAD; echo "gitdir: $HOME/p" > sub/.git`, reason: v1alpha1.ReasonAgentFailed},
		"large rules":                {implementing: "truncate -s 600M .gitignore", reason: v1alpha1.ReasonTooLarge},
		"another encoding":           {implementing: "echo 'x.txt working-tree-encoding=UTF-16' > .gitattributes", reason: v1alpha1.ReasonAgentFailed},
		"deeper than paths are long": {implementing: dig, reason: v1alpha1.ReasonAgentFailed},
		"dug while planning":         {planning: dig},
		"pipes while planning":       {planning: "rm README.md; mkfifo .gitignore README.md; mkdir -p .git/config.d .git/shallow"},
		"shallow":                    {implementing: own + "git rev-parse HEAD > .git/shallow"},
		"config and info":            {implementing: own + "rm -rf .git/config .git/info; mkdir -p .git/config/x; echo x > .git/info"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			repo := w.local("app", map[string]string{"README.md": "x\n"})
			agent := w.script("if [ $AWO_PHASE = Planning ]; then\n" + c.planning + "\necho plan; exit 0\nfi\n" +
				"echo x > x.txt; echo y >> README.md\n" + c.implementing + "\necho done\n")
			w.start()
			w.drop("a.yaml", order("a", "file://"+repo, agent))
			want := v1alpha1.PhaseSucceeded
			if c.reason != "" {
				want = v1alpha1.PhaseFailed
			}
			st := w.ends("a.yaml", want)
			for _, step := range st.Steps {
				w.g.Expect(step.Attempt).To(BeEquivalentTo(1), st.Message)
			}
			if c.reason != "" {
				w.g.Expect(reasonOf(st)).To(Equal(c.reason), st.Message)
			}
		})
	}
}

func TestTokenIsNowhere(t *testing.T) {
	needs(t, "gh")
	t.Parallel()
	// Other tests' controllers hold the usual token: this one is looked for.
	token := "ghp_" + rand.Text() + "ThatMustNotLeak"
	w := newWorldOf(t, token, false)
	url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
	agent := w.script(`
env > ` + w.shared + `/env
cat .git/config > ` + w.shared + `/gitconfig
CONTROL=of-another-process sleep 600 &
until grep -q CONTROL= /proc/$!/environ; do :; done
for p in /proc/[0-9]*; do tr '\0' '\n' < $p/environ; tr '\0' ' ' < $p/cmdline; echo; done >> ` + w.shared + `/proc 2>/dev/null
kill $!
grep -E 'Cap(Eff|Prm|Bnd)|NoNewPrivs' /proc/self/status > ` + w.shared + `/caps
echo x > x.txt
`)
	w.start()
	w.drop("a.yaml", order("a", url, agent))
	w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	for _, name := range []string{"env", "gitconfig"} {
		w.g.Expect(w.read(filepath.Join(w.shared, name))).NotTo(ContainSubstring(token), name)
	}
	w.g.Expect(w.read(filepath.Join(w.shared, "env"))).NotTo(Or(ContainSubstring("GITHUB_TOKEN"), ContainSubstring("GH_TOKEN")))
	caps := w.read(filepath.Join(w.shared, "caps"))
	w.g.Expect(caps).To(And(MatchRegexp(`CapEff:\s+0+\n`), MatchRegexp(`NoNewPrivs:\s+1`)))
	if os.Geteuid() == 0 {
		// Only root may empty the bounding set; to others it gives nothing, with no_new_privs.
		w.g.Expect(caps).To(MatchRegexp(`CapBnd:\s+0+\n`))
	}
	seen := w.read(filepath.Join(w.shared, "proc"))
	w.g.Expect(seen).To(ContainSubstring("CONTROL=of-another-process"), "it read the environment of another process")
	w.g.Expect(seen).To(ContainSubstring(w.binary+" controller"), "it looked at the controller")
	w.g.Expect(seen).NotTo(ContainSubstring(token), "the controller's environment")
	w.noSecretIn(w.data)
	for _, r := range w.git.Requests() {
		w.g.Expect(r.Query).NotTo(ContainSubstring(token))
	}
}

func TestRefusedURLs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	urls := []string{
		`"ext::sh -c touch% ` + w.dir + `/mark"`, `"--upload-pack=touch ` + w.dir + `/mark"`, "https://user:hunter2hunter2@github.com/a/b",
		"git@github.com:a/b", "ssh://git@github.com/a/b", "file://" + w.data + "/repositories/x", "http://example.com/a/b",
	}
	for i, url := range urls {
		w.drop(fmt.Sprintf("u%d.yaml", i), order(fmt.Sprintf("u%d", i), url, "x"))
	}
	for i := range urls {
		name := fmt.Sprintf("u%d.yaml", i)
		st := w.ends(name, v1alpha1.PhaseFailed)
		w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonInvalidSpec), st.Message)
		w.g.Expect(st.Message).NotTo(ContainSubstring("hunter2"))
		out, err := w.run("validate", "-f", w.file(name))
		w.g.Expect(err).To(HaveOccurred(), out)
		w.g.Expect(out).To(ContainSubstring("spec.repository.url"))
	}
	w.g.Expect(filepath.Join(w.dir, "mark")).NotTo(BeAnExistingFile())
	entries, err := os.ReadDir(filepath.Join(w.data, "repositories", ".mirrors"))
	w.g.Expect(err).NotTo(HaveOccurred())
	w.g.Expect(entries).To(BeEmpty(), "git saw none of them")
}
