package phase

import (
	"context"
	"os"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/store"
)

// remoteBranch is a Git whose remote has one branch, which is pushed to as real git does with a lease.
type remoteBranch struct {
	Git
	at     string
	pushes []string
}

func (b *remoteBranch) RemoteBranch(context.Context, string, string) (string, error) {
	return b.at, nil
}

func (b *remoteBranch) FindLeak(context.Context, git.Workspace, string) (*git.Leak, error) {
	return nil, nil //nolint:nilnil // there is none
}

func (b *remoteBranch) Push(_ context.Context, _ git.Workspace, head, lease string) error {
	b.pushes = append(b.pushes, lease+">"+head)
	return nil
}

func (b *remoteBranch) Collect(context.Context, git.Workspace, string) (git.Collected, error) {
	return git.Collected{Head: "h", LeftOut: []string{".env-s3cret"}, Paths: []string{".github/s3cret"}}, nil
}

// oneRecord is Records with one run.
type oneRecord struct{ is *store.Record }

func (o oneRecord) Update(_ string, change func(*store.Record) error) (*store.Record, error) {
	return o.is, change(o.is)
}

func (o oneRecord) Record(string) (*store.Record, error) { return o.is, nil }

func (o oneRecord) Insist(_ context.Context, _ *store.Record, write func() error) error {
	return write()
}

func (o oneRecord) Runs(string) ([]*store.Record, error) { return []*store.Record{o.is}, nil }

func testRunner(g Git, rec *store.Record) *Runner {
	return &Runner{Git: g, Records: oneRecord{rec}, Redact: func(text string) string {
		return strings.ReplaceAll(text, "s3cret", "[redacted]")
	}}
}

func TestPushLeavesACommitOfAStrangerAlone(t *testing.T) {
	for name, c := range map[string]struct{ at, pushed, lease, want string }{
		"the first push":                      {want: ">h"},
		"a branch that is continued":          {at: "b", lease: "b", want: "b>h"},
		"pushed and there":                    {at: "h", pushed: "h", lease: "h"},
		"pushed, and deleted by somebody":     {pushed: "h", lease: "h", want: ">h"},
		"pushed, and somebody has gone on":    {at: "x", pushed: "h", lease: "h", want: "h>h"},
		"pushed, and crashed before it wrote": {at: "h", want: ">h"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			rec := &store.Record{ID: "wo-00000001", Name: "a", Pushed: c.pushed, LeaseSHA: c.lease}
			rec.Status.HeadCommit = "h"
			remote := &remoteBranch{at: c.at}
			_, err := testRunner(remote, rec).push(t.Context(), rec)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(strings.Join(remote.pushes, " ")).To(Equal(c.want))
			g.Expect(rec).To(And(HaveField("Pushed", "h"), HaveField("LeaseSHA", "h")))
		})
	}
}

// What is not seen in a text is taken out of it before secrets are looked for, or it would hide them until then.
func TestPullRequestJoinsNoSecret(t *testing.T) {
	g := NewWithT(t)
	rec := &store.Record{ID: "wo-00000001", Name: "a", Summary: "it is s3c\x01ret, s3\u202ecret and s3\x00cret"}
	r := testRunner(nil, rec)
	r.Layout = store.Layout{Root: t.TempDir()}
	g.Expect(os.MkdirAll(r.Layout.Output(rec.ID), 0o700)).To(Succeed())
	g.Expect(os.WriteFile(r.Layout.Plan(rec.ID), []byte("first s3c\u2066ret\n"), 0o600)).To(Succeed())
	_, err := r.describe(rec)
	g.Expect(err).NotTo(HaveOccurred())
	body, err := os.ReadFile(r.Layout.PullRequestFile(rec.ID))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(body)).To(And(ContainSubstring("it is [redacted], [redacted] and [redacted]"), ContainSubstring("first [redacted]"), Not(ContainSubstring("s3cret"))))
}

func TestFileNamesOfAnAgentTellNoSecret(t *testing.T) {
	g := NewWithT(t)
	rec := &store.Record{ID: "wo-00000001", Name: "a"}
	_, err := testRunner(&remoteBranch{}, rec).Collect(t.Context(), rec, "message")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(rec.LeftOut).To(Equal([]string{".env-[redacted]"}))
	g.Expect(rec.Protected).To(Equal([]string{".github/[redacted]"}))
}

func TestFormerPushesAreThoseOfTheBranch(t *testing.T) {
	g := NewWithT(t)
	rec := &store.Record{Name: "a", Pushed: "p", Pushing: "q"}
	rec.Spec.Repository.URL, rec.Spec.Repository.Branch, rec.Status.Branch = "u", "mine", "mine"
	r := testRunner(nil, rec)
	g.Expect(r.formerPushes(rec)).To(ConsistOf("p", "q"))
	rec.Status.Branch = "other"
	g.Expect(r.formerPushes(rec)).To(BeEmpty())
}
