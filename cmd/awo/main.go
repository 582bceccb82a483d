// Command awo turns WorkOrder manifests into verified pull requests: `awo controller` runs the controller,
// the other verbs work on its data directory.
package main

import (
	// First: a re-executed awo becomes the supervisor of an agent before any other package is initialised.
	_ "github.com/agent-work-orders/awo/controller/process/supervisor"

	"os"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/controller/process"
)

func main() {
	os.Exit(run())
}

// run returns the exit code, so that deferred calls happen before the process ends.
func run() int {
	// Before anything else: the environment and the memory hold tokens.
	if err := process.Harden(); err != nil {
		return report(err, os.Stderr)
	}
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	return execute(&globalOptions{streams: streams, lookup: os.LookupEnv, clock: clock.RealClock{}}, os.Args[1:])
}
