package controller

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/agent-work-orders/awo/controller/store"
)

// repairEvery is how often modes are set right that an agent may have changed.
const repairEvery = 2 * time.Second

// repairModes mends the modes that agents have changed. What cannot be mended is told by who needs it.
func repairModes(ctx context.Context, repair func() (store.Repaired, error)) {
	if repaired, _ := repair(); repaired.Any() {
		logr.FromContextOrDiscard(ctx).Info("Modes in the data directory repaired", "opened", repaired.Opened, "narrowed", repaired.Narrowed)
	}
}

// keepModes goes on doing so. Only agents change modes: without one, now or a moment ago, a look at every tenth turn is
// enough, and what is found then is how the owner of the directory wants it. What was put off is done when it is time.
func keepModes(ctx context.Context, s *store.Store, running func() int) {
	turn, before := 0, 0
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		now := running()
		busy := now+before > 0
		if busy || turn%10 == 0 {
			repairModes(ctx, func() (store.Repaired, error) { return s.Layout().RepairModes(s.IDs()) })
		}
		if busy && turn%10 == 0 {
			repairModes(ctx, s.SharedModes().Repair)
		} else {
			repairModes(ctx, s.SharedModes().RepairDue)
		}
		if !busy {
			s.Layout().RememberModes()
		}
		turn, before = turn+1, now
	}, repairEvery)
}
