package controller

import (
	"os"
	"path/filepath"

	"github.com/go-logr/logr"

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
		Read: cfg.AgentRead, Public: public, Write: cfg.AgentWrite, Ports: cfg.AgentPorts, Secrets: cfg.SecretFiles,
	})
	if err != nil {
		return nil, err
	}
	status := box.Status()
	log.Info("Agent sandbox", "mode", status.Mode, "active", status.Active, "detail", status.Message)
	return box, nil
}

// sandboxHealth is what /health tells of the sandbox.
func sandboxHealth(s sandbox.Status) server.Sandbox {
	return server.Sandbox{Mode: string(s.Mode), Active: s.Active, Message: s.Message}
}

// sandboxNote is what the record of a run keeps of the sandbox, for its condition.
func sandboxNote(s sandbox.Status) store.Confinement {
	return store.Confinement{Confined: s.Active, Note: store.Note{Reason: s.Reason, Message: s.Message}}
}
