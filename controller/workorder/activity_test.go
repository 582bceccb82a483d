package workorder

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/store"
)

// begun starts one activity for each of n orders, which go on until finish is closed, and counts them.
func begun(ctx context.Context, a *activities, n int, phase bool, finish chan struct{}) (started, ended *atomic.Int32) {
	started, ended = &atomic.Int32{}, &atomic.Int32{}
	for i := range n {
		a.run(ctx, strconv.Itoa(i), phase, func(context.Context) { started.Add(1); <-finish }, func() { ended.Add(1) })
	}
	return started, ended
}

func TestCleanUpsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		a, finish := newActivities(), make(chan struct{})
		started, ended := begun(t.Context(), a, 500, false, finish)
		synctest.Wait()
		g.Expect(started.Load()).To(BeEquivalentTo(cleanUpsAtOnce))
		g.Expect(a.busy("499")).To(BeTrue(), "who waits is under way: nothing else is begun for it")
		close(finish)
		a.group.Wait()
		g.Expect(started.Load()).To(BeEquivalentTo(500))
		g.Expect(ended.Load()).To(BeEquivalentTo(500))
		g.Expect(a.busy("499")).To(BeFalse())
	})
}

func TestAStopEndsCleanUpsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		ctx, stop := context.WithCancel(t.Context())
		a, finish := newActivities(), make(chan struct{})
		started, ended := begun(ctx, a, 500, false, finish)
		synctest.Wait()
		stop()
		synctest.Wait()
		g.Expect(ended.Load()).To(BeEquivalentTo(500 - cleanUpsAtOnce))
		close(finish)
		a.group.Wait()
		g.Expect(started.Load()).To(BeEquivalentTo(cleanUpsAtOnce))
	})
}

func TestPhasesWaitForNoCleanUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		a, finish := newActivities(), make(chan struct{})
		defer close(finish)
		begun(t.Context(), a, 10, false, finish)
		synctest.Wait()
		phases, _ := begun(t.Context(), a, 10, true, finish)
		synctest.Wait()
		g.Expect(phases.Load()).To(BeEquivalentTo(10))
	})
}

// back is a store in which every manifest is there; anything else that is asked of it panics.
type back struct{ Store }

func (back) Lookup(string) store.Observation { return store.Observation{Presence: store.Present} }

func TestADeletionWhoseManifestCameBackIsNotCarriedOut(t *testing.T) {
	r := &Reconciler{Options: Options{Store: back{}}}
	NewWithT(t).Expect(r.delete(t.Context(), &store.Record{Name: "a"})).To(Succeed())
}

func TestNothingBeginsWhenTheEndIsWaitedFor(t *testing.T) {
	g := NewWithT(t)
	a := newActivities()
	a.close()
	a.run(t.Context(), "a", true, func(context.Context) { panic("begun") }, func() { panic("ended") })
	a.group.Wait()
	g.Expect(a.busy("a")).To(BeFalse())
}
