package controller

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/forge"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/server"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/volume"
	"github.com/agent-work-orders/awo/controller/workorder"
)

// health tells the HTTP endpoint how the controller fares.
type health struct {
	config     Config
	store      *store.Store
	tools      *tools
	reconciler *workorder.Reconciler
	room       *volume.Room

	// mu guards what the last trial of the data directory found, and when.
	mu      sync.Mutex
	tried   time.Time
	trouble error
}

// tryEvery is how long the result of a trial of the data directory holds.
const tryEvery = time.Second

var _ server.Health = (*health)(nil)

// Health looks at everything the controller depends on.
func (h *health) Health(ctx context.Context) server.HealthReport {
	needed, counts := h.orders()
	report := server.HealthReport{
		Version: h.config.Version, Volume: h.volume(ctx), Orders: counts, Problems: len(h.store.Problems()),
		Agents: server.Agents{Running: h.reconciler.Running(), Limit: h.config.MaxConcurrent},
		Tokens: map[string]bool{
			"github": has(func() (string, error) {
				return h.config.githubToken(cmp.Or(h.config.GitHubHost, forge.DefaultHost))
			}),
			"anthropic":   has(h.config.AnthropicAPIKey),
			"claudeOAuth": has(h.config.ClaudeOAuthToken),
		},
		Sandbox:      sandboxHealth(h.tools.sandbox.Status()),
		Dependencies: map[string]server.Dependency{},
	}
	for _, name := range []string{"git", "gh", "claude"} {
		report.Dependencies[name] = h.dependency(name, needed[name])
	}
	return report
}

func has(read func() (string, error)) bool {
	value, err := read()
	return err == nil && value != ""
}

// dependency looks for a program anew; its version is the one found at the start.
func (h *health) dependency(name string, needed bool) server.Dependency {
	path, err := process.LookPath(h.tools.path(name), h.config.Environ)
	if err == nil {
		err = errors.Join(unix.Access(path, unix.X_OK), forThisMachine(path))
	}
	d := server.Dependency{Available: err == nil, Path: path, Version: h.tools.version(name), Needed: needed || name == "git"}
	if err != nil {
		d.Message = err.Error()
	}
	return d
}

// orders counts the orders by phase and names the programs that they need: live ones that are not suspended, and those
// that have failed for want of one.
func (h *health) orders() (needed map[string]bool, counts map[string]int) {
	needed, counts = map[string]bool{}, map[string]int{}
	for _, o := range h.store.Overview() {
		counts[string(o.Phase)]++
		live := !o.Phase.Terminal() && !o.Suspended || o.Reason == v1alpha1.ReasonAgentNotInstalled
		if live && o.Agent == v1alpha1.AgentClaude {
			needed["claude"] = true
		}
	}
	return needed, counts
}

// volume tries the data directory, at most once a second: anybody may ask for the health.
func (h *health) volume(ctx context.Context) server.Volume {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); h.tried.IsZero() || now.Sub(h.tried) >= tryEvery {
		h.tried, h.trouble = now, volume.Check(h.store.Layout())
	}
	v := server.Volume{Path: h.store.Layout().Root, Writable: h.trouble == nil, Message: volume.Passing(h.store.Layout())}
	v.Short = h.room.Short(ctx)
	if space, err := volume.SpaceAt(v.Path); err == nil {
		v.FreeBytes = space.Free
	}
	if h.trouble != nil {
		v.Message = h.trouble.Error()
	}
	return v
}

// Ready tells whether manifests are acted on: the directory can be read and no deletion is held back.
func (h *health) Ready() error { return h.store.Ready() }
