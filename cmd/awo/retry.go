package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

func newRetryCommand(global *globalOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "retry NAME...",
		Short: "Start the failed phase of an order again, or a finished order anew",
		Long: "Set the annotation " + v1alpha1.AnnotationRetriedAt + " to the present time and take spec.cancel back:\n" +
			"the failed phase starts again with its attempts counted afresh; an order that succeeded runs anew.",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := requireNames(cmd, args)
			if err != nil {
				return err
			}
			return global.applyEdit(cmd.Context(), names, retryEdit(global.clock.Now()))
		},
		ValidArgsFunction: global.completeNames,
	}
}

func retryEdit(now time.Time) edit {
	return edit{
		done: "retried",
		skip: func(o order) (string, error) { return "", refuseRetry(o) },
		warning: func(o order) string {
			if !o.suspended() {
				return ""
			}
			return fmt.Sprintf("%s is suspended: it starts when it is resumed, by `awo resume %s`", qualified(o.name), o.name)
		},
		change: func(data []byte, doc int) ([]byte, error) {
			at := now.UTC().Format(time.RFC3339Nano)
			data, err := manifest.SetField(data, doc, []string{"metadata", "annotations", v1alpha1.AnnotationRetriedAt}, at)
			if err != nil {
				return nil, fmt.Errorf("set the annotation: %w", err)
			}
			return manifest.SetField(data, doc, []string{"spec", "cancel"}, nil)
		},
	}
}

// refuseRetry refuses where nothing has ended, so that a retry never follows a run by surprise. An order that
// waits for its next attempt is retried at once, and a cancel that was not yet acted on is taken back.
func refuseRetry(o order) error {
	switch {
	case o.record == nil && !o.cancelled():
		return fmt.Errorf("%s has not started yet: there is nothing to retry", qualified(o.name))
	case o.record != nil && o.record.End == nil && o.record.Running != "" && !o.cancelled():
		return fmt.Errorf("%s is under way (%s): wait for its end, or cancel it first", qualified(o.name), o.record.Running)
	}
	return nil
}
