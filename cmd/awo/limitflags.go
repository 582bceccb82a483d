package main

import (
	"github.com/spf13/pflag"

	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/controller/volume"
)

// addLimitFlags adds what keeps the disk from filling up.
func (o *controllerOptions) addLimitFlags(f *pflag.FlagSet) {
	c := &o.config
	c.MinFreeDisk = volume.AutoReserve
	f.Var(size{&c.MinFreeDisk, volume.AutoReserve}, "min-free-disk",
		"What must be free on the disk of the data directory for a phase to begin, 0 for no limit (auto: 512Mi, or 5% of a small disk)")
	c.Limits = git.Limits{FileBytes: 100 << 20, DiffBytes: 512 << 20, Files: 20_000}
	f.Var(size{target: &c.Limits.FileBytes}, "max-file-size", "How large a file may be that an agent leaves, 0 for no limit; GitHub takes 100Mi")
	f.Var(size{target: &c.Limits.DiffBytes}, "max-diff-size", "How much the files that an order changes may hold together, 0 for no limit")
	f.Var(number{&c.Limits.Files, 0, 10_000_000}, "max-changed-files", "How many files an order may change, 0 for no limit")
}
