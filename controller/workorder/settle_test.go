package workorder

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/store"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func noJitter() float64 { return 0 }

func started(p v1alpha1.Phase) *store.Record {
	r := &store.Record{ID: "wo-1", Name: "a"}
	begin(r, p, noon)
	return r
}

func TestSettle(t *testing.T) {
	const p = v1alpha1.PhaseImplementing
	b := Backoff{Base: 10 * time.Second, Max: time.Minute, Jitter: noJitter}
	cause := errors.New("cause")
	for _, c := range []struct {
		name    string
		err     error
		before  int32
		outcome v1alpha1.StepOutcome
		check   func(g *WithT, r *store.Record)
	}{
		{"success", nil, 0, v1alpha1.StepSucceeded, func(g *WithT, r *store.Record) {
			g.Expect(r.Done).To(ConsistOf(p))
		}},
		{"an interruption is no attempt", failure.NewInterrupted(cause), 0, v1alpha1.StepInterrupted, func(g *WithT, r *store.Record) {
			g.Expect(r.Attempts[p]).To(BeZero())
			g.Expect(r.Status.NextAttemptAt).To(BeNil())
			g.Expect(r.Reported).To(Equal(p), "what the agent reported still holds")
		}},
		{"a cancelled step says so", failure.NewInterrupted(fmt.Errorf("x: %w", &stopped{ForCancel})), 0, v1alpha1.StepCancelled, nil},
		{"a terminal failure ends the run", failure.NewTerminal(v1alpha1.ReasonMaxTurns, cause), 0, v1alpha1.StepFailed, func(g *WithT, r *store.Record) {
			g.Expect(r.End).To(HaveValue(And(HaveField("Phase", v1alpha1.PhaseFailed), HaveField("Reason", v1alpha1.ReasonMaxTurns), HaveField("During", p))))
		}},
		{"a transient failure waits", failure.NewRetry(v1alpha1.ReasonAgentFailed, cause), 0, v1alpha1.StepFailed, func(g *WithT, r *store.Record) {
			g.Expect(r.End).To(BeNil())
			g.Expect(r.Reported).To(Equal(p), "an agent that has reported is not paid again for a failure of ours")
			g.Expect(r.Status.NextAttemptAt.Time).To(Equal(noon.Add(10 * time.Second)))
		}},
		{"the second wait is longer", failure.NewRetry(v1alpha1.ReasonAgentFailed, cause), 1, v1alpha1.StepFailed, func(g *WithT, r *store.Record) {
			g.Expect(r.Status.NextAttemptAt.Time).To(Equal(noon.Add(20 * time.Second)))
		}},
		{"the third failure ends the run", failure.NewRetry(v1alpha1.ReasonAgentFailed, cause), 2, v1alpha1.StepFailed, func(g *WithT, r *store.Record) {
			g.Expect(r.End.Message).To(And(ContainSubstring("cause"), ContainSubstring("attempt 3"), ContainSubstring("awo retry a")))
		}},
		{"a failure of no type is transient", cause, 0, v1alpha1.StepFailed, func(g *WithT, r *store.Record) {
			g.Expect(r.Attempts[p]).To(Equal(int32(1)))
			g.Expect(r.Status.Steps[0].Reason).To(Equal(v1alpha1.ReasonAgentFailed))
		}},
		{"a usage limit is waited for and not counted", failure.NewWait(v1alpha1.ReasonUsageLimit, noon.Add(time.Hour), cause), 2, v1alpha1.StepFailed, func(g *WithT, r *store.Record) {
			g.Expect(r.Attempts[p]).To(Equal(int32(2)))
			g.Expect(r.Status.NextAttemptAt.Time).To(Equal(noon.Add(time.Hour)))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			r := started(p)
			r.Attempts = map[v1alpha1.Phase]int32{p: c.before}
			r.Reported = p
			settle(r, p, c.err, noon, b)
			g.Expect(r.Running).To(BeEmpty())
			g.Expect(r.Status.Steps).To(HaveLen(1))
			g.Expect(r.Status.Steps[0].Outcome).To(Equal(c.outcome))
			if c.check != nil {
				c.check(g, r)
			}
		})
	}
}

func TestBackoffIsBoundedAndJittered(t *testing.T) {
	g := NewWithT(t)
	b := Backoff{Base: 10 * time.Second, Max: time.Minute, Jitter: noJitter}
	g.Expect(b.Delay(1)).To(Equal(10 * time.Second))
	g.Expect(b.Delay(4)).To(Equal(time.Minute))
	g.Expect(b.Delay(1000)).To(Equal(time.Minute))
	b.Jitter = func() float64 { return 0.999 }
	g.Expect(b.Delay(1)).To(And(BeNumerically(">", 12*time.Second), BeNumerically("<", 12500*time.Millisecond)))
}

func TestNextAttemptIsNeverEarlierThanMeant(t *testing.T) {
	g := NewWithT(t)
	r := started(v1alpha1.PhasePlanning)
	settle(r, v1alpha1.PhasePlanning, errors.New("x"), noon, Backoff{Base: 200 * time.Millisecond, Max: time.Second, Jitter: noJitter})
	g.Expect(r.Status.NextAttemptAt.Time).To(Equal(noon.Add(time.Second)), "a status knows whole seconds only")
}

func TestStepsAndMessagesAreBounded(t *testing.T) {
	g := NewWithT(t)
	r := &store.Record{ID: "wo-1", Name: "a"}
	for range 60 {
		begin(r, v1alpha1.PhasePlanning, noon)
		settle(r, v1alpha1.PhasePlanning, failure.NewInterrupted(errors.New(strings.Repeat("ä\n", 2000))), noon, Backoff{Jitter: noJitter})
	}
	g.Expect(r.Status.Steps).To(HaveLen(maxSteps))
	g.Expect(r.Begun).To(Equal(int64(60)))
	g.Expect(len(r.Status.Steps[0].Message)).To(BeNumerically("<=", maxMessage))
	g.Expect(r.Status.Steps[0].Message).NotTo(ContainSubstring("\n"))
}

// TestMessagesShowAllTheyHold: names that an agent gave to its files come into messages and conditions.
func TestMessagesShowAllTheyHold(t *testing.T) {
	g := NewWithT(t)
	const name = "a\a\u009b31mb\x1b\u202egpj"
	r := &store.Record{ID: "wo-1", Name: "a", LeftOut: []string{name}}
	begin(r, v1alpha1.PhasePlanning, noon)
	settle(r, v1alpha1.PhasePlanning, failure.NewTerminal(v1alpha1.ReasonProtectedPath, errors.New(name+" is protected")), noon, Backoff{Jitter: noJitter})
	project(r, View{Now: noon})
	const shown = `a\x07\x9b31mb\x1b\u202egpj`
	g.Expect(r.Status.Steps[0].Message).To(Equal(shown + " is protected"))
	g.Expect(r.Status.Message).To(ContainSubstring(shown))
	for _, c := range r.Status.Conditions {
		g.Expect(v1alpha1.IsVisible(c.Message)).To(BeTrue(), c.Type)
	}
	g.Expect(r.Status.Conditions).To(ContainElement(HaveField("Message", "not committed on purpose: "+shown)))
}

func TestRetryStartsTheFailedPhaseAfresh(t *testing.T) {
	g := NewWithT(t)
	const p = v1alpha1.PhaseImplementing
	r := started(p)
	r.Done = []v1alpha1.Phase{v1alpha1.PhaseCloning, v1alpha1.PhasePlanning}
	r.Attempts = map[v1alpha1.Phase]int32{p: 2}
	r.Sessions = map[v1alpha1.Phase]store.Session{p: {ID: "s", Started: true}}
	settle(r, p, failure.NewTerminal(v1alpha1.ReasonMaxTurns, errors.New("x")), noon, Backoff{Jitter: noJitter})
	retry(r, "now")
	g.Expect(r.End).To(BeNil())
	g.Expect(NextPhase(r)).To(Equal(p))
	g.Expect(r.Attempts[p]).To(BeZero())
	g.Expect(r.Sessions).NotTo(HaveKey(p))
	g.Expect(r.Status.LastHandledRetry).To(Equal("now"))
}

func TestTheSoonerLookCounts(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		after time.Duration
		at    time.Time
		want  time.Duration
	}{
		{0, time.Time{}, 0},
		{time.Minute, time.Time{}, time.Minute},
		{0, now.Add(time.Second), time.Second},
		{time.Minute, now.Add(time.Second), time.Second},
		{time.Second, now.Add(time.Minute), time.Second},
		{time.Minute, now.Add(-time.Second), time.Millisecond},
	} {
		NewWithT(t).Expect(soonest(c.after, c.at, now)).To(Equal(c.want), "%+v", c)
	}
}
