package main

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/agent-work-orders/awo/controller/process/environ"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/trust"
)

// Variables that name certificates.
const (
	variableExtraCACerts = "AWO_EXTRA_CA_CERTS"
	variableNodeCACerts  = "NODE_EXTRA_CA_CERTS"
	variableCACertFile   = "SSL_CERT_FILE"
)

// trustExtra lets what doctor calls trust the certificates that the controller and its programs would trust. forget
// removes what it leaves.
func (d *doctor) trustExtra() (findings []finding, forget func()) {
	const check = "extra certificates"
	folder, _ := d.lookup(variableExtraCACerts)
	if folder == "" {
		return d.trustNode(check), func() {}
	}
	system, _ := d.lookup(variableCACertFile)
	bundle, err := trust.Read(folder, system)
	if err != nil {
		return []finding{{check, verdictFail, err.Error(), ""}}, func() {}
	}
	dir, err := os.MkdirTemp("", "awo-doctor-")
	if err != nil {
		return []finding{{check, verdictFail, "they cannot be kept for this check: " + err.Error(), "set TMPDIR to a directory that can be written"}}, func() {}
	}
	forget = func() { _ = os.RemoveAll(dir) }
	file := filepath.Join(dir, trust.FileName)
	if err := store.SaveFile(file, bundle.PEM, 0o600); err != nil {
		return []finding{{check, verdictFail, "they cannot be kept for this check: " + err.Error(), ""}}, forget
	}
	d.environ = environ.With(d.environ, trust.Settings(file)...)
	d.roots = x509.NewCertPool()
	d.roots.AppendCertsFromPEM(bundle.PEM)
	return []finding{{check, verdictOK, fmt.Sprintf("%s from %s", cmp.Or(strings.Join(bundle.Files, ", "), "none"), folder), ""}}, forget
}

// trustNode takes in the certificates that claude is told of by its own variable.
func (d *doctor) trustNode(check string) []finding {
	file, _ := d.lookup(variableNodeCACerts)
	if file == "" {
		return nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return []finding{{check, verdictFail, "the system's certificates: " + err.Error(), ""}}
	}
	data, err := os.ReadFile(file)
	if err != nil || !pool.AppendCertsFromPEM(data) {
		return []finding{{check, verdictWarn, fmt.Sprintf("%s: no certificate can be read from %s", variableNodeCACerts, file), "correct or unset it"}}
	}
	d.roots = pool
	return nil
}
