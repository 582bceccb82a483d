package agent

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	clocktesting "k8s.io/utils/clock/testing"
)

func TestDue(t *testing.T) {
	start := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	all := limits{firstEvent: 2 * time.Minute, idle: 10 * time.Minute, wallClock: time.Hour, afterResult: 5 * time.Second}
	for name, c := range map[string]struct {
		limits limits
		progress
		cause Cause
		after time.Duration
	}{
		"at the start":       {all, progress{started: start, active: start}, CauseFirstEvent, 2 * time.Minute},
		"bytes, no event":    {all, progress{started: start, active: start.Add(time.Minute)}, CauseFirstEvent, 2 * time.Minute},
		"after an event":     {all, progress{started: start, active: start.Add(time.Minute), event: true}, CauseIdle, 11 * time.Minute},
		"near the end":       {all, progress{started: start, active: start.Add(55 * time.Minute), event: true}, CauseWallClock, time.Hour},
		"after the result":   {all, progress{started: start, active: start, event: true, result: start.Add(3 * time.Hour)}, CauseLinger, 3*time.Hour + 5*time.Second},
		"nothing is limited": {limits{}, progress{started: start, active: start}, CauseNone, 0},
		"only the idle time": {limits{idle: time.Minute}, progress{started: start, active: start}, CauseIdle, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			cause, at := c.limits.due(c.progress)
			if cause != c.cause || (cause != CauseNone && at.Sub(start) != c.after) {
				t.Errorf("got cause %d after %s, want %d after %s", cause, at.Sub(start), c.cause, c.after)
			}
		})
	}
}

// watching runs a watchdog on a clock that stands still.
func watching(t *testing.T, l limits) (*watchdog, *clocktesting.FakeClock, chan struct{}, <-chan Cause) {
	t.Helper()
	clock := clocktesting.NewFakeClock(time.Unix(0, 0))
	w := newWatchdog(clock, l)
	done, cause := make(chan struct{}), make(chan Cause, 1)
	go func() { cause <- w.watch(t.Context(), done) }()
	return w, clock, done, cause
}

func TestWatchdogStrikesWhenSilent(t *testing.T) {
	g := NewWithT(t)
	w, clock, _, cause := watching(t, limits{firstEvent: time.Minute, idle: 10 * time.Minute, wallClock: time.Hour})
	w.event(Event{Type: typeSystem})
	for range 4 {
		// Each time it is still busy shortly before the limit.
		g.Eventually(clock.HasWaiters).Should(BeTrue())
		clock.Step(9 * time.Minute)
		w.active()
		g.Consistently(cause, "20ms", "5ms").ShouldNot(Receive())
	}
	g.Eventually(clock.HasWaiters).Should(BeTrue())
	clock.Step(10 * time.Minute)
	g.Eventually(cause).Should(Receive(Equal(CauseIdle)))
}

func TestWatchdogWaitsForAnAnnouncedRepetition(t *testing.T) {
	g := NewWithT(t)
	w := newWatchdog(clocktesting.NewFakeClock(time.Unix(0, 0)), limits{idle: 10 * time.Minute})
	w.event(Event{Type: typeSystem, Retry: &Retry{Attempt: 1, Status: 429, DelayMS: 900_000}})
	cause, at := w.next()
	g.Expect(cause).To(Equal(CauseIdle))
	g.Expect(at).To(BeTemporally("==", time.Unix(0, 0).Add(25*time.Minute)))
}

func TestWatchdogGivesGraceAfterTheResult(t *testing.T) {
	g := NewWithT(t)
	w, clock, _, cause := watching(t, limits{idle: 10 * time.Minute, afterResult: 5 * time.Second})
	g.Eventually(clock.HasWaiters).Should(BeTrue())
	w.event(Event{Type: typeResult, Result: &Result{}})
	g.Eventually(func() Cause {
		clock.Step(5 * time.Second)
		select {
		case c := <-cause:
			return c
		default:
			return CauseNone
		}
	}).Should(Equal(CauseLinger))
}

func TestWatchdogEndsHopelessRepetition(t *testing.T) {
	g := NewWithT(t)
	w, _, _, cause := watching(t, limits{idle: time.Hour})
	w.event(Event{Type: typeSystem, Retry: &Retry{Attempt: 9, Status: 529}})
	w.event(Event{Type: typeSystem, Retry: &Retry{Attempt: 1, Status: 401}})
	g.Consistently(cause, "20ms", "5ms").ShouldNot(Receive())
	w.event(Event{Type: typeSystem, Retry: &Retry{Attempt: 2, Status: 401}})
	g.Eventually(cause).Should(Receive(Equal(CauseRefused)))
}

func TestWatchdogLeavesWithTheProcess(t *testing.T) {
	g := NewWithT(t)
	_, _, done, cause := watching(t, limits{})
	close(done)
	g.Eventually(cause).Should(Receive(Equal(CauseNone)))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := newWatchdog(clocktesting.NewFakeClock(time.Unix(0, 0)), limits{})
	// The end of the context is the reason, also when the process was quicker.
	g.Expect(w.watch(ctx, done)).To(Equal(CauseInterrupted))
	g.Expect(w.watch(ctx, make(chan struct{}))).To(Equal(CauseInterrupted))
}

func TestAnAbsurdDelayIsNotBelieved(t *testing.T) {
	g := NewWithT(t)
	for said, want := range map[float64]time.Duration{1500: 1500 * time.Millisecond, 1e300: maxDelay, -5: 0} {
		g.Expect((&Retry{DelayMS: said}).delay()).To(Equal(want))
	}
}

// A person may change the limits while the agent runs, either way.
func TestWatchdogFollowsTheLimits(t *testing.T) {
	g := NewWithT(t)
	clock := clocktesting.NewFakeClock(time.Unix(0, 0))
	w := newWatchdog(clock, limits{wallClock: time.Minute})
	var minutes atomic.Int64
	minutes.Store(60)
	w.timeouts = func() (wallClock, idle time.Duration, known bool) {
		now := minutes.Load()
		return time.Duration(now) * time.Minute, 0, now > 0
	}
	cause := make(chan Cause, 1)
	go func() { cause <- w.watch(t.Context(), make(chan struct{})) }()
	step := func() Cause {
		g.Eventually(clock.HasWaiters).Should(BeTrue())
		clock.Step(askInterval)
		select {
		case c := <-cause:
			return c
		case <-time.After(10 * time.Millisecond):
			return CauseNone
		}
	}
	for clock.Now().Before(time.Unix(0, 0).Add(90 * time.Second)) {
		g.Expect(step()).To(Equal(CauseNone), "the limit was raised")
	}
	minutes.Store(0)
	g.Expect(step()).To(Equal(CauseNone), "the limits are not known just now")
	minutes.Store(1)
	g.Eventually(step).Should(Equal(CauseWallClock), "the limit was cut")
	g.Expect(w.limit(CauseWallClock)).To(Equal(time.Minute))
}
