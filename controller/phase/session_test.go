package phase

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/store"
)

func TestCostOfAResumedSessionCountsOnce(t *testing.T) {
	g := NewWithT(t)
	const p = v1alpha1.PhaseImplementing
	rec := &store.Record{Sessions: map[v1alpha1.Phase]store.Session{p: {ID: "s", Started: true}}}
	recordUse(rec, p, agent.Outcome{SessionID: "s", CostUSD: 0.5, Usage: v1alpha1.Usage{InputTokens: 10, Turns: 1}})
	recordUse(rec, p, agent.Outcome{SessionID: "s", CostUSD: 0.75, Usage: v1alpha1.Usage{InputTokens: 5, Turns: 2}})
	g.Expect(*rec.Status.Usage).To(Equal(v1alpha1.Usage{CostUSD: "0.7500", InputTokens: 15, Turns: 3}))
	recordUse(rec, p, agent.Outcome{SessionID: "s", CostUSD: 0.1, Fresh: true})
	g.Expect(rec.Status.Usage.CostUSD).To(Equal("0.8500"), "a session begun anew counts from 0")
}

func TestUnknownCostIsNotZero(t *testing.T) {
	g := NewWithT(t)
	rec := &store.Record{Sessions: map[v1alpha1.Phase]store.Session{}}
	recordUse(rec, v1alpha1.PhasePlanning, agent.Outcome{})
	g.Expect(rec.Status.Usage).To(BeNil())
}

func TestBudgetLeft(t *testing.T) {
	g := NewWithT(t)
	rec, r := &store.Record{Name: "a"}, &Runner{}
	left, err := r.budgetLeft(rec)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).To(BeEmpty(), "no budget, no limit")

	five := intstr.FromString("5")
	rec.Spec.Agent.MaxBudgetUSD = &five
	rec.Status.Usage = &v1alpha1.Usage{CostUSD: "1.5000"}
	left, err = r.budgetLeft(rec)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).To(Equal("3.5000"))

	rec.Status.Usage.CostUSD = "5.0100"
	_, err = r.budgetLeft(rec)
	g.Expect(failure.Of(err, "")).To(HaveField("Reason", v1alpha1.ReasonBudgetExceeded))
}

func TestBudgetOfTheController(t *testing.T) {
	two, eight := intstr.FromString("2"), intstr.FromInt32(8)
	for _, c := range []struct {
		asked           *intstr.IntOrString
		byDefault, most float64
		want            float64
	}{
		{nil, 0, 0, 0}, {nil, 3, 0, 3}, {nil, 0, 4, 4}, {nil, 9, 4, 4}, {&two, 3, 4, 2}, {&eight, 3, 4, 4}, {&eight, 3, 0, 8},
	} {
		rec := &store.Record{}
		rec.Spec.Agent.MaxBudgetUSD = c.asked
		r := &Runner{Settings: Settings{DefaultBudgetUSD: c.byDefault, MaxBudgetUSD: c.most}}
		NewWithT(t).Expect(r.budget(rec)).To(Equal(c.want), "%+v", c)
	}
}

func TestTimeoutsAreReadAnew(t *testing.T) {
	g := NewWithT(t)
	rec := &store.Record{ID: "wo-00000001", Name: "a"}
	r := testRunner(nil, rec)
	r.Settings.PhaseTimeout, r.Settings.IdleTimeout = time.Hour, time.Minute
	now := r.timeoutsNow(rec.ID)
	phase, idle, known := now()
	g.Expect([]any{phase, idle, known}).To(Equal([]any{time.Hour, time.Minute, true}))
	rec.Spec.Timeouts.Phase = "2h"
	phase, idle, known = now()
	g.Expect([]any{phase, idle, known}).To(Equal([]any{2 * time.Hour, time.Minute, true}))
}
