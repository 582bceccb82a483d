package e2e_test

import (
	"encoding/base64"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

func TestSecretInDiffIsNotPushed(t *testing.T) {
	commit := "\ngit add -A && git commit -qm "
	for name, c := range map[string]struct{ work, where string }{
		"file":         {"echo first > x.txt; echo token=SECRET >> x.txt", "x.txt, line 2"},
		"base64":       {"echo 'Authorization: basic " + base64.StdEncoding.EncodeToString([]byte("x:"+githubToken)) + "' > x.txt", "x.txt, line 1"},
		"in lines":     {"printf %s SECRET | base64 -w 12 > x.txt", "x.txt, line 1"},
		"url":          {"echo https://x:" + url.QueryEscape(githubToken) + "@github.com > x.txt", "x.txt, line 1"},
		"own commits":  {"echo SECRET > x.txt" + commit + "one\necho clean > x.txt" + commit + "two", "x.txt, line 1"},
		"message":      {"echo x > x.txt" + commit + "'see SECRET'", "message or a file name"},
		"moved file":   {"mv README.md SECRET.md", "message or a file name"},
		"uncommitted":  {"echo x > x.txt" + commit + "one\nprintf SECRET > y.bin", "y.bin, line 1"},
		"in an ignore": {"echo '*.log' > .gitignore; echo SECRET > a.log; echo x > x.txt", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			repo := w.local("app", map[string]string{"README.md": "x\n"})
			agent := w.script("[ \"$AWO_PHASE\" = Planning ] && exit 0\n" + strings.ReplaceAll(c.work, "SECRET", githubToken) + "\n")
			w.start()
			w.drop("a.yaml", order("a", "file://"+repo, agent))
			if c.where == "" {
				w.ends("a.yaml", v1alpha1.PhaseSucceeded)
				return
			}
			st := w.ends("a.yaml", v1alpha1.PhaseFailed)
			w.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonSecretInDiff), st.Message)
			w.g.Expect(st.Message).To(And(ContainSubstring(c.where), Not(ContainSubstring(githubToken))))
			w.g.Expect(w.branches(repo)).To(BeEmpty(), "nothing is pushed")
			w.g.Expect(w.controller.log()).NotTo(ContainSubstring(githubToken))
		})
	}
}

// What an agent prints, and what a person writes into a request, reaches no file, log or pull request.
func TestSecretsAreRedactedEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := w.local("app", map[string]string{"README.md": "x\n"})
	key := "AKIA" + strings.Repeat("Q", 16)
	agent := w.script("cat > " + filepath.Join(w.shared, "prompt") + "\necho x > x.txt\necho 'I found " + githubToken + " and " + key + "'\n" +
		"echo 'stderr " + githubToken + "' >&2\n" +
		"printf %s " + githubToken + " | base64 -w 20; printf %s " + githubToken + " | base64 -w 20 >&2\n" +
		`printf '%s\n' '{"type":"assistant","message":{"content":[{"type":"text","text":"also \u0041` + key[1:] + `"}]}}'` + "\n" +
		`printf '%s\n' '{"type":"result","subtype":"success","is_error":false,"result":"I found ` + githubToken + " and " + key + `"}'` + "\n")
	w.start()
	text := strings.Replace(order("a", "file://"+repo, agent), "request: ", "request: use "+githubToken+" to ", 1)
	w.g.Expect(text).To(ContainSubstring("use " + githubToken))
	w.drop("a.yaml", text)
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	body := w.read(filepath.Join(w.data, "outputs", st.ID, "pull-request.md"))
	w.g.Expect(body).To(And(ContainSubstring("I found [redacted] and [redacted]"), Not(ContainSubstring(key))))
	w.g.Expect(w.read(filepath.Join(w.shared, "prompt"))).To(ContainSubstring("use [redacted] to"))
	w.g.Expect(w.gitOut("--git-dir="+repo, "log", "-1", "--format=%B", st.Branch)).To(And(
		ContainSubstring("[redacted]"), Not(ContainSubstring(githubToken))))
	for _, dir := range []string{"logs", "repositories", filepath.Join("outputs", st.ID, "prompts"), filepath.Join("outputs", st.ID, "transcripts")} {
		w.noSecretIn(filepath.Join(w.data, dir))
	}
	w.g.Expect(w.read(filepath.Join(w.data, "outputs", st.ID, "events.jsonl"))).NotTo(ContainSubstring(githubToken))
	logs, err := w.run("logs", "a")
	w.g.Expect(err).NotTo(HaveOccurred())
	w.g.Expect(logs).To(And(ContainSubstring("also [redacted]"), Not(ContainSubstring(key))))
	kept, err := filepath.Glob(filepath.Join(w.data, "outputs", st.ID, "transcripts", "*"))
	w.g.Expect(err).NotTo(HaveOccurred())
	w.g.Expect(len(kept)).To(BeNumerically(">=", 2))
	for _, file := range append(kept, filepath.Join(w.data, "outputs", st.ID, "pull-request.md")) {
		joined := strings.ReplaceAll(w.read(file), "\n", "")
		w.g.Expect(joined).NotTo(ContainSubstring(base64.StdEncoding.EncodeToString([]byte(githubToken))[:40]), file)
		w.g.Expect(joined).NotTo(ContainSubstring(`\u0041`+key[1:]), file)
	}
}
