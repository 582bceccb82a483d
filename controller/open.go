package controller

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/volume"
)

// NewClaim takes the lock of a data directory, which is made if it is not there: *store.LockedError names the controller
// that has it, and then nothing was touched. What is wrong with the data directory comes as a *volume.Error.
func NewClaim(dataDir string) (*store.Claim, error) {
	layout, err := volume.Find(dataDir)
	if err != nil {
		return nil, fmt.Errorf("the data directory %s cannot be used: %w", dataDir, err)
	}
	claim, err := store.NewClaim(layout, time.Now())
	if _, locked := errors.AsType[*store.LockedError](err); err == nil || locked {
		return claim, err
	}
	if layout, err = volume.Prepare(dataDir); err != nil {
		return nil, fmt.Errorf("the data directory %s cannot be used: %w", dataDir, err)
	}
	return store.NewClaim(layout, time.Now())
}

// openStore opens the data directory under its claim; release gives that back if it was taken here.
func openStore(cfg Config, spawner *process.Spawner) (*store.Store, func(), error) {
	giveBack := func() {}
	if cfg.Claim == nil {
		claim, err := NewClaim(cfg.DataDir)
		if err != nil {
			return nil, nil, err
		}
		cfg.Claim, giveBack = claim, claim.Release
	}
	// An agent of a former life may have closed them; what is wrong otherwise shows when they are opened.
	if layout, err := store.NewLayout(cfg.DataDir); err == nil {
		_, _ = layout.RepairModes(nil)
	}
	s, err := store.Open(store.Options{
		DataDir: cfg.DataDir, StatusMode: cfg.StatusMode, Policy: cfg.policy(),
		AcceptDeletions: cfg.AcceptDeletions, Clock: clock.RealClock{}, Tracked: tracked(cfg, spawner),
	})
	if err == nil {
		err = s.Hold(cfg.Claim)
	}
	if err == nil {
		err = s.PublishPolicy()
	}
	if err != nil {
		giveBack()
		return nil, nil, fmt.Errorf("opening the data directory %s: %w", cfg.DataDir, err)
	}
	s.Layout().RememberModes()
	return s, func() { s.Leave(); giveBack() }, nil
}
