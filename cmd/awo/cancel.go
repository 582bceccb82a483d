package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/agent-work-orders/awo/controller/store/manifest"
)

func newCancelCommand(global *globalOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "cancel NAME...",
		Short: "End an order for good",
		Long:  "Set spec.cancel: what runs is ended and the order becomes Cancelled. `awo retry` takes it back.",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := requireNames(cmd, args)
			if err != nil {
				return err
			}
			return global.applyEdit(cmd.Context(), names, cancelEdit())
		},
		ValidArgsFunction: global.completeNames,
	}
}

func cancelEdit() edit {
	return edit{
		done: "cancelled",
		skip: func(o order) (string, error) {
			if o.cancelled() {
				return "already cancelled", nil
			}
			return "", refuseEnded(o, "cancel")
		},
		change: func(data []byte, doc int) ([]byte, error) {
			return manifest.SetField(data, doc, []string{"spec", "cancel"}, true)
		},
	}
}

// refuseEnded refuses a verb that has no meaning for an order which came to its end, unless its manifest was
// changed since, so that a new run is due.
func refuseEnded(o order, verb string) error {
	if o.phase().Terminal() && o.settled() {
		return fmt.Errorf("%s is %s: there is nothing to %s", qualified(o.name), o.phase(), verb)
	}
	return nil
}
