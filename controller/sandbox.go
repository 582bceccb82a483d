package controller

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process/environ"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
	"github.com/agent-work-orders/awo/controller/server"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/trust"
)

// newSandbox decides how agents are confined and says so once. The error ends the start: agents would not be confined
// as they have to be.
func newSandbox(cfg Config, log logr.Logger) (*sandbox.Policy, error) {
	var public []string
	if cfg.ExtraCACerts != "" {
		public = append(public, filepath.Join(cfg.DataDir, trust.FileName))
	}
	box, err := sandbox.New(sandbox.Options{
		Mode: cfg.AgentSandbox, DataDir: cfg.DataDir, Environ: cfg.Environ, Root: os.Geteuid() == 0,
		Read: cfg.AgentRead, Public: public, Write: cfg.AgentWrite, Ports: cfg.AgentPorts, Secrets: cfg.secrets(),
	})
	if err != nil {
		return nil, err
	}
	status := box.Status()
	log.Info("Agent sandbox", "mode", status.Mode, "active", status.Active, "detail", status.Message)
	return box, nil
}

// secrets are the files that agents must not read wherever they lie. The one in which gh keeps its login is among
// them.
func (c Config) secrets() []string {
	if dir := environ.Get(c.Environ, "GH_CONFIG_DIR"); dir != "" {
		return append(slices.Clone(c.SecretFiles), filepath.Join(dir, "hosts.yml"))
	}
	return c.SecretFiles
}

// sandboxHealth is what /health tells of the sandbox.
func sandboxHealth(s sandbox.Status) server.Sandbox {
	return server.Sandbox{Mode: string(s.Mode), Active: s.Active, Message: s.Message}
}

// reachDelay is when an order goes on that waits for a socket to be closed: nothing tells that one is.
const reachDelay = 30 * time.Second

// confinement tells how an agent that is started now is confined, for the record of its run and its condition. The
// error has the order wait, uncounted: it is not the agent's failure that a socket is in reach.
func confinement(box *sandbox.Policy, now func() time.Time) func() (store.Confinement, error) {
	return func() (store.Confinement, error) {
		s, err := box.Look()
		if err != nil {
			err = failure.NewWait(v1alpha1.ReasonSocketInReach, now().Add(reachDelay), err)
		}
		return store.Confinement{Confined: s.Active, Note: store.Note{Reason: s.Reason, Message: s.Message}}, err
	}
}
