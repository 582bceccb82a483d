package phase

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/store"
)

// lostMirror is a Git that has lost the head commit.
type lostMirror struct{ remoteBranch }

func (*lostMirror) Kept(git.Workspace, string) (bool, error) { return false, nil }

func TestHeadThatIsGoneIsMadeAnewUnlessItWasPushed(t *testing.T) {
	for name, c := range map[string]struct{ at, base, pushing, pushed, head, says string }{
		"never pushed":              {head: "h"},
		"pushed":                    {at: "lost", pushed: "lost", head: "lost"},
		"pushed, and crashed":       {at: "lost", pushing: "lost", head: "lost"},
		"about to be pushed":        {pushing: "lost", head: "h"},
		"the workspace lost it too": {base: "h", says: "the work of order a is lost"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			rec := &store.Record{ID: "wo-00000001", Name: "a", Pushing: c.pushing, Pushed: c.pushed}
			rec.Status.HeadCommit, rec.Status.BaseCommit = "lost", c.base
			_, err := testRunner(&lostMirror{remoteBranch{at: c.at}}, rec).recollect(t.Context(), rec)
			if c.says != "" {
				g.Expect(failure.Of(err, "").Policy).To(Equal(failure.Terminal))
				g.Expect(err).To(MatchError(ContainSubstring(c.says)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(rec.Status.HeadCommit).To(Equal(c.head))
			g.Expect(rec.Pushed).To(Equal(map[bool]string{true: "lost"}[c.head == "lost"]))
		})
	}
}

// keptMirror is a Git that has the head commit.
type keptMirror struct{ remoteBranch }

func (*keptMirror) Kept(git.Workspace, string) (bool, error) { return true, nil }

func TestWorkIsHeldAgainstThePathsThatAreProtectedNow(t *testing.T) {
	for name, c := range map[string]struct {
		globs, by []string
		pushed    string
		says      string
	}{
		"as when it was collected": {globs: []string{"deploy/**"}, by: []string{"deploy/**"}},
		"stricter since":           {globs: []string{"deploy/**"}, says: "touches paths that run with the repository's secrets: .github/[redacted]"},
		"less strict since":        {by: []string{"deploy/**"}, says: ".github/[redacted]"},
		"stricter, and pushed":     {globs: []string{"deploy/**"}, pushed: "h"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			rec := &store.Record{ID: "wo-00000001", Name: "a", Pushed: c.pushed, ProtectedBy: c.by}
			rec.Status.HeadCommit = "h"
			r := testRunner(&keptMirror{remoteBranch{at: c.pushed}}, rec)
			r.Settings.ProtectedPaths = c.globs
			r.ForgeFor = func(string) (Forge, error) { return nil, errors.New("to be pushed") }
			err := r.pullRequest(t.Context(), rec)
			g.Expect(err).To(MatchError(ContainSubstring(cmp.Or(c.says, "to be pushed"))))
		})
	}
}

func TestPlanThatIsGoneIsMadeAgain(t *testing.T) {
	g := NewWithT(t)
	rec := &store.Record{
		ID: "wo-00000001", Name: "a", Done: []v1alpha1.Phase{v1alpha1.PhaseCloning, v1alpha1.PhasePlanning},
		Sessions: map[v1alpha1.Phase]store.Session{v1alpha1.PhasePlanning: {ID: "s", Started: true}},
	}
	r := testRunner(nil, rec)
	r.Layout = store.Layout{Root: t.TempDir()}
	_, err := r.implement(t.Context(), rec)
	g.Expect(failure.Of(err, "").Policy).To(Equal(failure.Retry), "counted, or it could go on for ever")
	g.Expect(err).To(MatchError(ContainSubstring("plan.md")))
	g.Expect(rec.Done).To(Equal([]v1alpha1.Phase{v1alpha1.PhaseCloning}))
	g.Expect(rec.Sessions).To(BeEmpty(), "its planner begins anew")
	g.Expect(rec.StartAfresh).To(BeTrue())
}

func TestPromptsDirectoryIsMadeAnew(t *testing.T) {
	g := NewWithT(t)
	rec := &store.Record{ID: "wo-00000001", Name: "a"}
	r := testRunner(nil, rec)
	r.Layout, r.Settings.LogPrompts = store.Layout{Root: t.TempDir()}, true
	task := agent.Task{Prompt: []byte("do it\n")}
	g.Expect(r.logPrompt(rec, v1alpha1.PhasePlanning, task)).NotTo(Succeed(), "the run was moved away")
	g.Expect(os.MkdirAll(r.Layout.Output(rec.ID), 0o700)).To(Succeed())
	for range 2 {
		g.Expect(r.logPrompt(rec, v1alpha1.PhasePlanning, task)).To(Succeed())
	}
	g.Expect(os.ReadFile(filepath.Join(r.Layout.Prompts(rec.ID), "0-Planning.md"))).To(BeEquivalentTo("do it\n"))
}
