package phase

import (
	"testing"

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
	rec := &store.Record{Name: "a"}
	left, err := budgetLeft(rec)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).To(BeEmpty(), "no budget, no limit")

	five := intstr.FromString("5")
	rec.Spec.Agent.MaxBudgetUSD = &five
	rec.Status.Usage = &v1alpha1.Usage{CostUSD: "1.5000"}
	left, err = budgetLeft(rec)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).To(Equal("3.5000"))

	rec.Status.Usage.CostUSD = "5.0100"
	_, err = budgetLeft(rec)
	g.Expect(failure.Of(err, "")).To(HaveField("Reason", v1alpha1.ReasonBudgetExceeded))
}
