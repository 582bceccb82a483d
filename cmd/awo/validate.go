package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// validateOptions are the flags of `awo validate`.
type validateOptions struct {
	*globalOptions
	sourceOptions
}

func newValidateCommand(global *globalOptions) *cobra.Command {
	o := &validateOptions{globalOptions: global}
	cmd := &cobra.Command{
		Use:   "validate -f FILE|DIR|-",
		Short: "Check manifests without a controller",
		Long: "Check manifests as strictly as the controller does, offline. Each problem is printed as\n" +
			"FILE:LINE: FIELD: MESSAGE. What the controller allows is what the one of the data directory\n" +
			"said last, and where a variable such as AWO_ALLOW_REPOSITORIES is set, what that says.",
		Example: "  awo validate -f order.yaml\n  awo validate -f orders -R",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = append(o.files, args...)
			if len(o.files) == 0 {
				return usageError(cmd.CommandPath(), "must specify -f")
			}
			return o.run()
		},
	}
	o.addSourceFlags(cmd.Flags(), "check")
	return cmd
}

func (o *validateOptions) run() error {
	policy, err := o.policy()
	if err != nil {
		return err
	}
	sources, unreadable := o.read(o.streams.In)
	wrong := 0
	named := map[string]string{}
	for i := range sources {
		lines := checkSource(&sources[i], policy, named)
		wrong += len(lines)
		if len(lines) == 0 {
			lines = []string{sources[i].label + ": valid" + forApply(sources[i])}
		}
		for _, line := range lines {
			if _, err := fmt.Fprintln(o.streams.Out, line); err != nil {
				return err
			}
		}
	}
	if unreadable == nil && len(sources) == 0 {
		return errors.New("no objects passed to validate")
	}
	if unreadable == nil && wrong > 0 {
		return errReported
	}
	return unreadable
}

// forApply says of an order in a list that the controller reads it only once it was applied.
func forApply(s source) string {
	if !s.rendered {
		return ""
	}
	return ", for `awo apply -f`: a list that lies in workorders/ itself is not read"
}
