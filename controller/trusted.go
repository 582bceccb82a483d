package controller

import (
	"fmt"
	"path/filepath"

	"github.com/agent-work-orders/awo/controller/process/environ"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/trust"
)

// trusting returns the configuration with an environment in which git, gh and agents also trust the certificates of
// the folder that is configured. files are those that were found there.
func (c Config) trusting(layout store.Layout) (trusting Config, files []string, err error) {
	if c.ExtraCACerts == "" {
		return c, nil, nil
	}
	bundle, err := trust.Read(c.ExtraCACerts, environ.Get(c.Environ, "SSL_CERT_FILE"))
	if err != nil {
		return c, nil, err
	}
	path := filepath.Join(layout.Root, trust.FileName)
	if err := store.WriteFile(path, bundle.PEM, 0o644); err != nil {
		return c, nil, fmt.Errorf("keep the bundle of certificates: %w", err)
	}
	c.Environ = environ.With(c.Environ, trust.Settings(path)...)
	return c, bundle.Files, nil
}
