package main

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

// checkSettings reads the variables as `awo controller` would, and tells of each that would end its start.
func (d *doctor) checkSettings() []finding {
	const check = "settings"
	o, flags := &controllerOptions{}, pflag.NewFlagSet(check, pflag.ContinueOnError)
	o.addFlags(flags)
	err := errors.Join(bindEnvironment(flags, d.lookup, inherited), o.check())
	if err == nil {
		return []finding{{check, verdictOK, "no variable would keep a controller from starting", ""}}
	}
	var found []finding
	for line := range strings.SplitSeq(err.Error(), "\n") {
		found = append(found, finding{check, verdictFail, line, "correct or unset it"})
	}
	return found
}
