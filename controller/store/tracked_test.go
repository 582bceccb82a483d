package store_test

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

func TestASlowGitHoldsUpNobodyAndEndsWithTheController(t *testing.T) {
	began, ended, answer := make(chan struct{}, 10), make(chan struct{}), make(chan struct{})
	w := newWorld(t, func(o *store.Options) {
		o.Tracked = func(ctx context.Context, dir string) (map[string]bool, error) {
			began <- struct{}{}
			select {
			case <-answer:
				return lsFiles(ctx, dir)
			case <-ctx.Done():
				close(ended)
				return nil, ctx.Err()
			}
		}
	}).watching()
	w.orders(2)
	w.git("init", "-q")
	w.git("add", "order-00.yaml")
	for _, name := range []string{"order-00", "order-01", "order-00"} {
		_, err := w.projectOnce(name)
		w.Expect(err).To(MatchError(store.ErrBusy), "it is told to come again")
	}
	w.Expect(began).To(HaveLen(1), "one git for one work tree")
	close(answer)
	w.Eventually(func() string { p, _ := w.projectOnce("order-00"); return p.KeptOut }).Should(Equal(v1alpha1.ReasonTrackedByGit))
	answer = make(chan struct{})
	w.git("rm", "-q", "--cached", "order-00.yaml")
	_, err := w.projectOnce("order-00")
	w.Expect(err).To(MatchError(store.ErrBusy))
	w.stop()
	w.Eventually(ended).Should(BeClosed())
}
