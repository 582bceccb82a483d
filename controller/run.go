package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/retention"
	"github.com/agent-work-orders/awo/controller/server"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/volume"
)

// stopLimit is how long the end of what runs is waited for. Agents are given most of it; the process is gone
// within ten seconds of SIGTERM.
const stopLimit = 8500 * time.Millisecond

// loopsLimit is how long watch, queue and endpoint may take to end after that.
const loopsLimit = time.Second

// sweepEvery is how often processes are looked for that an ended tool or agent has left to this process.
const sweepEvery = 30 * time.Second

// Run runs the controller until ctx ends, and returns when its children have ended and their state is recorded.
// It takes the lock of the data directory: *store.LockedError names the controller that has it. What is wrong with the
// data directory itself comes as a *volume.Error.
func Run(ctx context.Context, cfg Config) error {
	err := run(ctx, cfg)
	if err == nil {
		return nil
	}
	return volume.Explain(store.Layout{Root: cfg.DataDir}, err)
}

func run(ctx context.Context, cfg Config) error {
	ctrllog.SetLogger(logr.FromContextOrDiscard(ctx))
	spawner, err := process.NewSpawner()
	if err != nil {
		return fmt.Errorf("preparing to start processes: %w", err)
	}
	defer spawner.Close()
	box, err := newSandbox(cfg, logr.FromContextOrDiscard(ctx))
	if err != nil {
		return err
	}
	s, release, err := openStore(cfg, spawner)
	if err != nil {
		return err
	}
	defer release()
	cfg, trusted, err := cfg.trusting(s.Layout())
	if err != nil {
		return err
	}
	if cfg.ExtraCACerts != "" {
		logr.FromContextOrDiscard(ctx).Info("Extra certificates are trusted", "folder", cfg.ExtraCACerts, "files", trusted)
	}
	if err := endFormer(ctx, s, spawner); err != nil {
		return err
	}
	tools := newTools(cfg, spawner, box, s)
	if passing := volume.Passing(s.Layout()); passing != "" {
		logr.FromContextOrDiscard(ctx).Info("The data directory does not last", "cause", passing)
	}
	tools.logVersions(ctx)
	phases, err := tools.phases(s)
	if err != nil {
		return err
	}
	room := volume.NewRoom(s.Layout(), cfg.MinFreeDisk)
	c, err := newLoop(logr.FromContextOrDiscard(ctx), cfg, s, phases, room)
	if err != nil {
		return err
	}
	endpoint, err := listen(ctx, cfg, s, &health{config: cfg, store: s, tools: tools, reconciler: c.reconciler, room: room})
	if err != nil {
		return err
	}
	address := filepath.Join(s.Layout().Root, server.AddressFileName)
	if err := server.WriteAddress(address, endpoint.URL(), store.WriteFile); err != nil {
		return errors.Join(err, endpoint.Close())
	}
	// A file that stays behind names an address where nobody answers, which says the same.
	defer func() { _ = os.Remove(address) }()
	keeping := &housekeeping{
		keeper: &retention.Keeper{Store: s, Workspaces: phases, Policy: cfg.Retention, Clock: clock.RealClock{}},
		git:    tools.git, room: room, clock: clock.RealClock{},
	}
	return runAll(ctx, s, c, endpoint, spawner, keeping)
}

// endFormer ends whatever a former life of this controller left running, before any phase starts, and removes what that
// was making.
func endFormer(ctx context.Context, s *store.Store, spawner *process.Spawner) error {
	ids := slices.Concat(s.IDs(), s.Quarantined())
	supervisors, err := supervisorsOf(s, ids)
	marked, markErr := spawner.Mark(s.Layout().Root)
	if err := errors.Join(err, markErr); err != nil {
		return fmt.Errorf("looking for what a former controller left running: %w", err)
	}
	within := process.Within(s.Layout().Repositories(), s.Layout().AgentHomes())
	ended, err := process.EndFormer(ctx, supervisors, ids, marked, within)
	if err != nil {
		return fmt.Errorf("ending what a former controller left running: %w", err)
	}
	if ended > 0 {
		logr.FromContextOrDiscard(ctx).Info("Ended processes of a former controller", "count", ended)
	}
	if err := git.RemoveHalfMade(s.Layout().Repositories()); err != nil {
		logr.FromContextOrDiscard(ctx).Info("Half-made workspaces of a former controller not removed", "error", err.Error())
	}
	return nil
}

// supervisorsOf are the supervisors that the records of these runs name. A record that cannot be read names none.
func supervisorsOf(s *store.Store, ids []string) ([]process.Identity, error) {
	var out []process.Identity
	for _, id := range ids {
		r, err := s.Record(id)
		if _, quarantined := errors.AsType[*store.QuarantineError](err); quarantined {
			continue
		}
		if err != nil {
			return nil, err
		}
		if p := r.Supervisor; p != nil {
			out = append(out, process.Identity{PID: p.PID, StartTime: p.StartTime, BootID: p.BootID})
		}
	}
	return out, nil
}

// listen opens the HTTP endpoint.
func listen(ctx context.Context, cfg Config, s *store.Store, h server.Health) (*server.Server, error) {
	file := filepath.Join(s.Layout().Root, server.TokenFileName)
	token, err := server.EnsureToken(file, store.WriteFile)
	if err != nil {
		return nil, err
	}
	cfg.Redactor.Learn(token)
	endpoint, err := server.New(server.Config{
		Orders: &orders{store: s}, Health: h,
		Auth: server.Auth(cfg.HTTPAuth), Token: token, TokenFile: file, WorkOrdersDir: s.Layout().WorkOrders(),
	})
	if err != nil {
		return nil, err
	}
	if err := endpoint.Listen(ctx, net.JoinHostPort(cfg.BindAddress, strconv.Itoa(cfg.Port))); err != nil {
		return nil, err
	}
	logr.FromContextOrDiscard(ctx).Info("Listening", "address", endpoint.Addr().String(), "dataDir", cfg.DataDir)
	return endpoint, nil
}

// runAll runs watch, reconciler and endpoint until one fails or ctx ends, then waits for phases to end.
func runAll(parent context.Context, s *store.Store, c *loop, endpoint *server.Server, spawner *process.Spawner, h *housekeeping) error {
	group, ctx := errgroup.WithContext(parent)
	group.Go(func() error { return c.run(ctx) })
	group.Go(func() error { return s.Run(ctx, c.enqueue) })
	group.Go(func() error { return endpoint.Run(ctx) })
	group.Go(func() error { return h.run(ctx) })
	group.Go(func() error {
		wait.UntilWithContext(ctx, func(context.Context) { spawner.SweepStrays() }, sweepEvery)
		return nil
	})
	group.Go(func() error {
		keepModes(ctx, s, c.reconciler.Running)
		return nil
	})
	<-ctx.Done()
	stopActivities(ctx, c)
	return stopLoops(parent, ctx, group, time.After(loopsLimit))
}

// stopActivities waits for what was begun beside the queue. A look that is under way may be just beginning something, so
// it waits for the queue before.
func stopActivities(ctx context.Context, c *loop) {
	log, began := logr.FromContextOrDiscard(ctx), time.Now()
	log.Info("Stopping", "running", c.reconciler.Running())
	select {
	case <-c.ended:
	case <-time.After(loopsLimit):
		log.Info("A look at an order did not end in time")
	}
	if !c.reconciler.Wait(stopLimit - time.Since(began)) {
		log.Info("Not everything ended in time; it is resumed at the next start")
	}
}

// stopLoops waits for the loops of a group until the limit. The error is that of the loop which ended the others; none
// when parent did, whose end is an order to stop.
func stopLoops(parent, ctx context.Context, group *errgroup.Group, limit <-chan time.Time) error {
	log := logr.FromContextOrDiscard(ctx)
	defer log.Info("Stopped")
	ended := make(chan error, 1)
	go func() { ended <- group.Wait() }()
	select {
	case err := <-ended:
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	case <-limit:
		log.Info("A loop did not end in time")
	}
	if cause := context.Cause(ctx); cause != context.Cause(parent) { //nolint:errorlint // the very same, not one like it
		return cause
	}
	return nil
}
