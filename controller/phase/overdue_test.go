package phase

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/store"
)

// limited is a record whose limit can be changed, and that cannot be read while it has none.
type limited struct {
	oneRecord
	limit atomic.Value
}

func (l *limited) Record(string) (*store.Record, error) {
	limit, _ := l.limit.Load().(string)
	if limit == "" {
		return nil, errors.New("the disk is gone")
	}
	rec := *l.is
	rec.Spec.Timeouts.Phase = v1alpha1.Duration(limit)
	return &rec, nil
}

func TestInTime(t *testing.T) {
	terminal := failure.NewTerminal(v1alpha1.ReasonPushRejected, errors.New("rejected"))
	for name, c := range map[string]struct {
		limit, changed string
		passes         time.Duration
		// answers is what the phase returns once its context has ended; nil for an interruption.
		answers error
		policy  failure.Policy
		reason  string
	}{
		"too long":                     {"1h", "1h", time.Hour, nil, failure.Retry, v1alpha1.ReasonTimeout},
		"a limit that is lowered":      {"1h", "1m", time.Minute, nil, failure.Retry, v1alpha1.ReasonTimeout},
		"a record that cannot be read": {"1h", "", time.Hour, nil, failure.Retry, v1alpha1.ReasonTimeout},
		"another failure meanwhile":    {"1h", "1h", time.Hour, terminal, failure.Terminal, v1alpha1.ReasonPushRejected},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			clock := clocktesting.NewFakeClock(time.Unix(0, 0))
			rec := &store.Record{Name: "a", Spec: v1alpha1.WorkOrderSpec{Timeouts: v1alpha1.Timeouts{Phase: v1alpha1.Duration(c.limit)}}}
			records := &limited{oneRecord: oneRecord{rec}}
			records.limit.Store(c.changed)
			r := &Runner{Records: records, Clock: clock}
			waits := func(ctx context.Context, _ *store.Record) error {
				g.Eventually(clock.HasWaiters).Should(BeTrue())
				clock.Step(c.passes)
				<-ctx.Done()
				if c.answers != nil {
					return c.answers
				}
				return failure.NewInterrupted(context.Cause(ctx))
			}
			err := failure.Of(r.inTime(v1alpha1.PhasePR, waits)(t.Context(), rec), "")
			g.Expect(err.Policy).To(Equal(c.policy))
			g.Expect(err.Reason).To(Equal(c.reason))
		})
	}
}

// TestInTimeLeavesOtherEndsAlone has a phase that is cancelled, and one that comes to its end.
func TestInTimeLeavesOtherEndsAlone(t *testing.T) {
	g := NewWithT(t)
	rec := &store.Record{Name: "a", Spec: v1alpha1.WorkOrderSpec{Timeouts: v1alpha1.Timeouts{Phase: "1h"}}}
	records := &limited{oneRecord: oneRecord{rec}}
	records.limit.Store("1h")
	r := &Runner{Records: records, Clock: clocktesting.NewFakeClock(time.Unix(0, 0))}
	ctx, cancel := context.WithCancelCause(t.Context())
	err := r.inTime(v1alpha1.PhaseCloning, func(ctx context.Context, _ *store.Record) error {
		cancel(errors.New("cancelled"))
		<-ctx.Done()
		return failure.NewInterrupted(context.Cause(ctx))
	})(ctx, rec)
	g.Expect(failure.Of(err, "").Policy).To(Equal(failure.Interrupted))
	g.Expect(err).To(MatchError(ContainSubstring("cancelled")))
	g.Expect(r.inTime(v1alpha1.PhaseCloning, func(context.Context, *store.Record) error { return nil })(t.Context(), rec)).To(Succeed())
}
