package main

import (
	"github.com/spf13/pflag"

	"github.com/agent-work-orders/awo/controller/volume"
)

// addLimitFlags adds what keeps the disk from filling up.
func (o *controllerOptions) addLimitFlags(f *pflag.FlagSet) {
	c := &o.config
	c.MinFreeDisk = volume.AutoReserve
	f.Var(size{&c.MinFreeDisk, volume.AutoReserve}, "min-free-disk",
		"What must be free on the disk of the data directory for a phase to begin, 0 for no limit (auto: 512Mi, or 5% of a small disk)")
}
