package controller

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/retention"
	"github.com/agent-work-orders/awo/controller/volume"
)

// When housekeeping is done: after the start, which has better to do, and how often then.
const (
	housekeepingAfter = 10 * time.Second
	housekeepingEvery = time.Hour
)

// housekeeping keeps the data directory small while orders are worked on.
type housekeeping struct {
	keeper *retention.Keeper
	git    *git.Client
	room   *volume.Room
	clock  clock.Clock
}

// run does it again and again until ctx ends.
func (h *housekeeping) run(ctx context.Context) error {
	for after := housekeepingAfter; ; after = housekeepingEvery {
		select {
		case <-ctx.Done():
			return nil
		case <-h.clock.After(after):
			h.once(ctx)
		}
	}
}

// once removes first, and packs only where there is room for a second copy.
func (h *housekeeping) once(ctx context.Context) {
	log := logr.FromContextOrDiscard(ctx)
	if err := h.keeper.Sweep(ctx); err != nil {
		log.Error(err, "Not all old outputs removed, tried again later")
	}
	if h.room.Short(ctx) != "" {
		return
	}
	if err := h.git.Maintain(ctx); err != nil && ctx.Err() == nil {
		log.Error(err, "Not all mirrors packed, tried again later")
	}
}
