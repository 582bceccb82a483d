package agent

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
)

// A supervisor that is killed counts for an attempt only when the controller lives on.
func TestLostSupervisor(t *testing.T) {
	for name, c := range map[string]struct {
		then func(stop context.CancelFunc, clock *clocktesting.FakeClock)
		want failure.Policy
	}{
		"the controller lives on": {func(_ context.CancelFunc, clock *clocktesting.FakeClock) { clock.Step(lostGrace) }, failure.Retry},
		"the controller stops":    {func(stop context.CancelFunc, _ *clocktesting.FakeClock) { stop() }, failure.Interrupted},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			clock := clocktesting.NewFakeClock(time.Unix(0, 0))
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			told := make(chan error, 1)
			go func() { told <- (&executor{clock: clock}).lost(ctx, seen{}, process.ErrSupervisorLost) }()
			g.Eventually(clock.HasWaiters).Should(BeTrue())
			g.Expect(told).NotTo(Receive(), "nothing is said that would be recorded")
			c.then(stop, clock)
			var err error
			g.Eventually(told).Should(Receive(&err))
			g.Expect(failure.Of(err, "").Policy).To(Equal(c.want))
			g.Expect(err).To(MatchError(process.ErrSupervisorLost))
		})
	}
	g := NewWithT(t)
	x := &executor{clock: clocktesting.NewFakeClock(time.Unix(0, 0))}
	for _, cause := range []Cause{CauseWallClock, CauseIdle, CauseFirstEvent, CauseRefused, CauseInterrupted} {
		g.Expect(x.lost(t.Context(), seen{Evidence: Evidence{Cause: cause}}, errors.New("killed"))).To(Succeed(), "we ended it")
	}
	g.Expect(x.lost(t.Context(), seen{}, nil)).To(Succeed())
}
