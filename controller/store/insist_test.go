package store_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/agent-work-orders/awo/controller/store"
)

// runStopped is why a run was stopped.
type runStopped struct{ error }

func (runStopped) RunStopped() {}

func TestInsist(t *testing.T) {
	g := NewWithT(t)
	clock := clocktesting.NewFakeClock(time.Now())
	s, err := store.Open(store.Options{DataDir: t.TempDir(), Clock: clock})
	g.Expect(err).NotTo(HaveOccurred())
	run := &store.Record{ID: "wo-00000001", Name: "a", Run: 1}
	g.Expect(s.Create(run)).To(Succeed())
	full := errors.New("no space left on device")
	insist := func(ctx context.Context, results ...error) (writes int, err error) {
		err = s.Insist(ctx, run, func() error {
			writes++
			return results[min(writes, len(results))-1]
		})
		return writes, err
	}
	told := make(chan error, 1)
	go func() {
		_, err := insist(t.Context(), full, full, nil)
		told <- err
	}()
	for range 2 {
		g.Eventually(clock.HasWaiters).Should(BeTrue())
		g.Expect(told).NotTo(Receive())
		clock.Step(time.Minute)
	}
	g.Eventually(told).Should(Receive(BeNil()))

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	writes, err := insist(ended, full)
	g.Expect(err).To(MatchError(full))
	g.Expect(writes).To(Equal(2), "once more when the controller stops")

	stopped, stop := context.WithCancelCause(t.Context())
	stop(runStopped{})
	go func() {
		_, err := insist(stopped, full, full, full, nil)
		told <- err
	}()
	g.Eventually(func(g Gomega) {
		clock.Step(time.Minute)
		g.Expect(told).To(Receive(BeNil()), "the controller goes on, and so does this")
	}).Should(Succeed())

	g.Expect(os.RemoveAll(s.Layout().Output(run.ID))).To(Succeed())
	writes, err = insist(t.Context(), os.ErrNotExist)
	g.Expect(err).To(MatchError(os.ErrNotExist))
	g.Expect(writes).To(Equal(1), "the run was moved away")
}
