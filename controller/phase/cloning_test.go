package phase

import (
	"errors"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/store"
)

func TestChooseStart(t *testing.T) {
	remote := git.Remote{DefaultBranch: "trunk", Branches: map[string]string{
		"trunk": "t1", "release": "r1", "theirs": "x1", "ours": "o1", "nest/a": "n1", "nest/b": "n2", "nested": "n3",
	}}
	headless := git.Remote{Branches: remote.Branches}
	const list = "set spec.repository.baseBranch to one of: nest/a, nest/b, nested, ours, release, theirs, trunk"
	for _, c := range []struct {
		name, base, branch string
		remote             git.Remote
		ours               []string
		want               start
		reason, says       string
	}{
		{name: "the remote's HEAD", want: start{branch: "awo/a-00000001", baseBranch: "trunk", commit: "t1"}},
		{name: "a named base", base: "release", want: start{branch: "awo/a-00000001", baseBranch: "release", commit: "r1"}},
		{name: "a base that is not there", base: "main", reason: v1alpha1.ReasonCloneFailed,
			says: `base branch "main" does not exist in https://github.com/a/b; ` + list},
		{name: "a remote whose HEAD names no branch", remote: headless, reason: v1alpha1.ReasonCloneFailed,
			says: "HEAD of https://github.com/a/b names no branch that exists, so the base branch is unknown; " + list},
		{name: "a named base of such a remote", remote: headless, base: "trunk", want: start{branch: "awo/a-00000001", baseBranch: "trunk", commit: "t1"}},
		{name: "a branch above others", branch: "nest", reason: v1alpha1.ReasonPushRejected, says: `branch "nest/a" exists there`},
		{name: "a branch below another", branch: "theirs/x/y", reason: v1alpha1.ReasonPushRejected, says: `branch "theirs" exists there`},
		{name: "a branch beside others", branch: "nest/ab", want: start{branch: "nest/ab", baseBranch: "trunk", commit: "t1"}},
		{name: "the usual branch below another", remote: git.Remote{DefaultBranch: "awo", Branches: map[string]string{"awo": "1"}},
			reason: v1alpha1.ReasonPushRejected, says: "set spec.repository.branch to another name"},
		{name: "the default branch is not pushed to", base: "release", branch: "trunk", reason: v1alpha1.ReasonInvalidSpec},
		{name: "the base branch is not pushed to", base: "release", branch: "release", reason: v1alpha1.ReasonInvalidSpec},
		{name: "a new branch", branch: "mine", want: start{branch: "mine", baseBranch: "trunk", commit: "t1"}},
		{name: "a stranger's branch", branch: "theirs", reason: v1alpha1.ReasonPushRejected},
		{name: "a branch of ours that a stranger moved", branch: "ours", ours: []string{"o0"}, reason: v1alpha1.ReasonPushRejected},
		{name: "a branch of an earlier run is continued", branch: "ours", ours: []string{"o0", "o1"}, want: start{branch: "ours", baseBranch: "trunk", commit: "o1", lease: "o1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			rec := &store.Record{ID: "wo-00000001", Name: "a"}
			rec.Spec.Repository = v1alpha1.Repository{URL: "https://github.com/a/b", BaseBranch: c.base, Branch: c.branch}
			if c.remote.Branches == nil {
				c.remote = remote
			}
			got, err := chooseStart(rec, c.remote, c.ours)
			if c.reason != "" {
				var f *failure.Error
				g.Expect(errors.As(err, &f)).To(BeTrue())
				g.Expect(*f).To(And(HaveField("Reason", c.reason), HaveField("Policy", failure.Terminal)))
				g.Expect(err).To(MatchError(ContainSubstring(c.says)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(c.want))
		})
	}
}
