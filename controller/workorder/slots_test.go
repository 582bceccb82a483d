package workorder_test

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/workorder"
)

func TestSlotsAreGivenInTheOrderOfAsking(t *testing.T) {
	g := NewWithT(t)
	var woken []string
	s := workorder.NewSlots(1, func(name string) { woken = append(woken, name) })
	g.Expect(s.Available("a")).To(BeTrue())
	s.Take("a")
	g.Expect(s.Available("a")).To(BeTrue(), "an order keeps its slot from phase to phase")
	g.Expect(s.Available("b")).To(BeFalse())
	s.Queue("b")
	s.Queue("c")
	s.Leave("a")
	g.Expect(woken).To(Equal([]string{"b"}))
	g.Expect(s.Available("c")).To(BeFalse(), "b asked before")
	g.Expect(s.Available("new")).To(BeFalse())
	s.Take("b")
	g.Expect(s.Held()).To(Equal(1))
}

func TestSlotsPassOverAnOrderThatGivesUpItsPlace(t *testing.T) {
	g := NewWithT(t)
	var woken []string
	s := workorder.NewSlots(1, func(name string) { woken = append(woken, name) })
	s.Take("a")
	s.Queue("b")
	s.Queue("c")
	s.Leave("a")
	s.Leave("b")
	g.Expect(woken).To(Equal([]string{"b", "c"}))
	g.Expect(s.Available("c")).To(BeTrue())
}
