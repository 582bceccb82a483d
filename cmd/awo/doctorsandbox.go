package main

import (
	"os"

	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

// sandboxModes are the words for how agents are confined.
var sandboxModes = []string{string(sandbox.Auto), string(sandbox.Require), string(sandbox.Off)}

// checkSandbox tells whether agents are confined here, and what of the machine is in their reach all the same.
func (d *doctor) checkSandbox() finding {
	const check = "agent sandbox"
	mode := string(sandbox.Auto)
	if value, _ := d.lookup(variableOf("agent-sandbox")); value != "" {
		if err := (choice{&mode, sandboxModes}).Set(value); err != nil {
			return finding{check, verdictFail, variableOf("agent-sandbox") + ": " + err.Error(), ""}
		}
	}
	environ := os.Environ()
	sockets := sandbox.Sockets(environ)
	box, err := sandbox.New(sandbox.Options{Mode: sandbox.Mode(mode), Environ: environ, Sockets: func() []string { return sockets }})
	if err != nil {
		return finding{check, verdictFail, err.Error(), ""}
	}
	status := box.Status()
	switch {
	case !status.Active:
		return finding{check, verdictWarn, status.Message, "run awo as a user of its own, on a kernel with Landlock"}
	case len(sockets) > 0:
		return finding{check, verdictWarn, status.Message, "run awo as a user who cannot connect there"}
	}
	return finding{check, verdictOK, status.Message, ""}
}
