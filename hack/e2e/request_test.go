package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// A request may be longer than an argument of a program, and may look like options, templates and shell: an agent reads
// it as it stands.
func TestLongRequestReachesTheAgentAsItStands(t *testing.T) {
	needs(t, "gh")
	t.Parallel()
	w := newWorld(t)
	url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
	mark := filepath.Join(w.shared, "mark")
	agent := w.script("cat > " + w.shared + "/stdin-$AWO_PHASE\necho x > x.txt\necho did it\n")
	line := "--dangerous `touch " + mark + "` $(touch " + mark + ") $1 $ARGUMENTS {{.X}} \\n\n"
	request := strings.Repeat(line, 1+(1<<20)/len(line))
	w.start()
	w.drop("a.yaml", strings.Replace(order("a", url, agent), "Change something.\n", "|\n    "+
		strings.ReplaceAll(strings.TrimSuffix(request, "\n"), "\n", "\n    ")+"\n", 1))
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	for _, phase := range []v1alpha1.Phase{v1alpha1.PhasePlanning, v1alpha1.PhaseImplementing} {
		given := w.read(filepath.Join(w.shared, "stdin-"+string(phase)))
		// Gomega would print both.
		w.g.Expect(strings.Contains(given, request)).To(BeTrue(), "%s: the agent read %d bytes, the request has %d", phase, len(given), len(request))
	}
	w.g.Expect(mark).NotTo(BeAnExistingFile(), "nobody runs it")
	prs := w.github.PullRequests("acme", "app")
	w.g.Expect(prs).To(HaveLen(1))
	w.g.Expect(prs[0].Head).To(Equal(st.Branch))
	w.g.Expect(prs[0].Title).To(HavePrefix("--dangerous"))
}

// An agent that finds gh has no token for it: neither a branch nor a pull request of its own comes about.
func TestAgentOpensNoPullRequestOfItsOwn(t *testing.T) {
	needs(t, "gh")
	t.Parallel()
	w := newWorld(t)
	url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
	agent := w.script(`
[ "$AWO_PHASE" = Planning ] && exit
echo x > x.txt; git add x.txt; git commit -qm mine
{ command -v gh && gh pr create --repo ` + strings.TrimSuffix(strings.TrimPrefix(url, "http://"), ".git") + ` --base main --head main --title mine --body mine; echo "gh: $?"
http_proxy=$HTTP_PROXY git push "` + url + `" HEAD:refs/heads/mine; echo "git: $?"; } > ` + w.shared + `/tried 2>&1 < /dev/null
`)
	w.start()
	w.drop("a.yaml", order("a", url, agent))
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	tried := w.read(filepath.Join(w.shared, "tried"))
	w.g.Expect(tried).To(And(ContainSubstring("/gh\n"), MatchRegexp(`gh auth login|GH_TOKEN`), MatchRegexp(`gh: [1-9]`), ContainSubstring("could not read Username"), MatchRegexp(`git: [1-9]`)))
	w.g.Expect(w.branches(w.git.Dir("acme/app.git"))).To(ConsistOf(st.Branch))
	prs := w.github.PullRequests("acme", "app")
	w.g.Expect(prs).To(HaveLen(1))
	w.g.Expect(prs[0].Title).To(Equal("Change something."))
}
