package store_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/agent-work-orders/awo/controller/store"
)

func TestSharedModesTakeATwentiethOfTheTimeAtMost(t *testing.T) {
	g := NewWithT(t)
	clock := clocktesting.NewFakePassiveClock(time.Now())
	looks := 0
	modes := store.NewSharedModes(func() (store.Repaired, error) {
		looks++
		clock.SetTime(clock.Now().Add(time.Second))
		return store.Repaired{Opened: looks}, nil
	}, clock)

	g.Expect(modes.RepairDue()).To(BeZero(), "nobody has asked")
	g.Expect(modes.Repair()).To(Equal(store.Repaired{Opened: 1}))
	clock.SetTime(clock.Now().Add(18 * time.Second))
	for range 3 {
		g.Expect(modes.Repair()).To(BeZero(), "put off")
	}
	g.Expect(modes.RepairDue()).To(BeZero(), "not yet")
	clock.SetTime(clock.Now().Add(time.Second))
	g.Expect(modes.RepairDue()).To(Equal(store.Repaired{Opened: 2}))
	clock.SetTime(clock.Now().Add(time.Minute))
	g.Expect(modes.RepairDue()).To(BeZero(), "it was done")
	g.Expect(modes.Repair()).To(Equal(store.Repaired{Opened: 3}))
}
