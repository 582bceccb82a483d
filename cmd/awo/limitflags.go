package main

import (
	"fmt"
	"time"

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
	f.Var(keeping{&c.Retention.Age}, "retain-outputs", "How long the outputs of past runs are kept, 0 for ever")
	f.Var(size{target: &c.Retention.Bytes}, "retain-outputs-size", "How much all outputs may hold before those of past runs go, the oldest first, 0 for no limit")
}

// keeping is a flag for a duration; 0 is for ever.
type keeping struct{ target *time.Duration }

var _ pflag.Value = keeping{}

func (k keeping) String() string {
	if k.target == nil || *k.target == 0 {
		return "0"
	}
	return k.target.String()
}

func (k keeping) Type() string { return "age" }

func (k keeping) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("it must be a duration such as 720h, 0 for ever")
	}
	*k.target = d
	return nil
}
