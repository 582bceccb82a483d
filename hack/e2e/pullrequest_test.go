package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/hack/scripted/model"
)

// needs leaves a test out, loudly, when a program cannot be had here.
func needs(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("AWO_E2E_REQUIRED") == "1" {
		t.Fatalf("%s is not in PATH, and AWO_E2E_REQUIRED=1", program)
	}
	t.Skipf("%s is not in PATH; hack/tools.sh gets it", program)
	return ""
}

// withClaude lets the controller use the real claude against the scripted model.
func (w *world) withClaude(script model.Script) {
	w.t.Helper()
	path := needs(w.t, "claude")
	w.model.Handle("claude", script)
	w.env = append(w.env, "CLAUDE_CLI_PATH="+path, "ANTHROPIC_API_KEY="+apiKey,
		"ANTHROPIC_BASE_URL="+w.model.URL("claude"), "CLAUDE_CODE_MAX_RETRIES=0")
}

func claudeOrder(name, url, request string) string {
	return "apiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\nmetadata:\n  name: " + name +
		"\nspec:\n  repository:\n    url: " + url + "\n  request: |\n    " + strings.ReplaceAll(request, "\n", "\n    ") + "\n"
}

// plansThenWrites is a model that plans, and then writes a file and runs a command.
func plansThenWrites(r *model.Request) model.Turn {
	switch {
	case !r.HasTool("Write"):
		return model.Say("1. Write hello.txt.")
	case r.Answers() == 0:
		return model.Call(model.Write("hello.txt", "hello\n"))
	case r.Answers() == 1:
		return model.Call(model.Bash("cat hello.txt"))
	}
	return model.Say("hello.txt greets.")
}

func TestDroppedManifestBecomesAPullRequest(t *testing.T) {
	t.Parallel()
	needs(t, "gh")
	w := newWorld(t)
	w.withClaude(plansThenWrites)
	url := w.repository("next.js", "trunk", map[string]string{"README.md": "# next\n"})
	w.start()
	request := "Say hello.\n-- `$1` $ARGUMENTS {{.X}} stays"
	w.drop("hello.yaml", "# mine\n"+claudeOrder("hello", url, request))

	st := w.ends("hello.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(w.read(w.file("hello.yaml"))).To(HavePrefix("# mine\napiVersion"))
	w.g.Expect(st.BaseBranch).To(Equal("trunk"))
	w.g.Expect(st.Branch).To(Equal("awo/hello-" + strings.TrimPrefix(st.ID, "wo-")))
	w.g.Expect(st.Usage.Turns).To(BeNumerically(">", 0))
	w.g.Expect(st.Changes).To(HaveField("Files", int32(1)))

	dir := w.git.Dir("acme/next.js.git")
	w.g.Expect(w.branches(dir)).To(ConsistOf(st.Branch))
	w.g.Expect(w.gitOut("--git-dir="+dir, "show", st.Branch+":hello.txt")).To(Equal("hello\n"))
	w.g.Expect(strings.TrimSpace(w.gitOut("--git-dir="+dir, "rev-parse", st.Branch))).To(Equal(st.HeadCommit))

	prs := w.github.PullRequests("acme", "next.js")
	w.g.Expect(prs).To(HaveLen(1))
	w.g.Expect(prs[0].Base).To(Equal("trunk"))
	w.g.Expect(prs[0].Title).To(Equal("Say hello."))
	w.g.Expect(prs[0].Body).To(And(ContainSubstring("hello.txt greets."), ContainSubstring("1. Write hello.txt."), ContainSubstring(st.ID)))
	w.g.Expect(st.PullRequest.URL).To(HaveSuffix("/acme/next.js/pull/1"))
	w.g.Expect(st.PullRequest.Number).To(Equal(int32(1)))

	w.env = append(w.env, "AWO_ALLOW_HTTP_HOSTS=")
	said, err := w.run("validate", "-f", w.file("hello.yaml"))
	w.g.Expect(err).NotTo(HaveOccurred(), "commands judge as the controller does, whatever their own environment says: %s", said)

	requests := w.model.Requests("claude")
	w.g.Expect(requests).NotTo(BeEmpty())
	w.g.Expect(requests[0].Prompt()).To(ContainSubstring(request), "the request reaches the agent as it stands")
	w.g.Expect(w.model.Failures()).To(BeEmpty())
	out := filepath.Join(w.data, "outputs", st.ID)
	w.g.Expect(w.read(filepath.Join(out, "workorder.yaml"))).To(ContainSubstring("$ARGUMENTS {{.X}}"))
	w.g.Expect(w.read(filepath.Join(out, "plan.md"))).To(Equal("1. Write hello.txt.\n"))
	w.noSecretIn(w.data)
}

// noSecretIn looks for the secrets in every file of a tree.
func (w *world) noSecretIn(dir string) {
	w.t.Helper()
	w.g.Expect(filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, secret := range []string{w.token, apiKey} {
			if strings.Contains(string(data), secret) {
				w.t.Errorf("%s holds a secret", path)
			}
		}
		return nil
	})).To(Succeed())
	for _, secret := range []string{w.token, apiKey} {
		w.g.Expect(w.controller.log()).NotTo(ContainSubstring(secret))
	}
}
