package main

import (
	"github.com/spf13/cobra"

	"github.com/agent-work-orders/awo/controller/store/manifest"
)

func newSuspendCommand(global *globalOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "suspend NAME...",
		Short: "End the agent of an order for now and free its slot",
		Long:  "Set spec.suspend: a running agent ends and its slot is free. `awo resume` goes on with the same session.",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := requireNames(cmd, args)
			if err != nil {
				return err
			}
			return global.applyEdit(cmd.Context(), names, suspendEdit())
		},
		ValidArgsFunction: global.completeNames,
	}
}

func suspendEdit() edit {
	return edit{
		done: "suspended",
		skip: func(o order) (string, error) {
			if o.suspended() {
				return "already suspended", nil
			}
			return "", refuseEnded(o, "suspend")
		},
		change: func(data []byte, doc int) ([]byte, error) {
			return manifest.SetField(data, doc, []string{"spec", "suspend"}, true)
		},
	}
}

func newResumeCommand(global *globalOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "resume NAME...",
		Short: "Go on with a suspended order",
		Long:  "Take spec.suspend out: the order goes on where it was, in the same session of its agent.",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := requireNames(cmd, args)
			if err != nil {
				return err
			}
			return global.applyEdit(cmd.Context(), names, resumeEdit())
		},
		ValidArgsFunction: global.completeNames,
	}
}

func resumeEdit() edit {
	return edit{
		done: "resumed",
		skip: func(o order) (string, error) {
			if !o.suspended() {
				return "is not suspended", nil
			}
			return "", nil
		},
		change: func(data []byte, doc int) ([]byte, error) {
			return manifest.SetField(data, doc, []string{"spec", "suspend"}, nil)
		},
	}
}
