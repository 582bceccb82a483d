package main

import (
	"github.com/spf13/cobra"

	"github.com/agent-work-orders/awo/controller/git"
)

// newGitCredentialCommand is what git calls for a token when the controller runs it. The token comes by an
// inherited descriptor, never by an argument or a variable.
func newGitCredentialCommand(global *globalOptions) *cobra.Command {
	return &cobra.Command{
		Use:                "git-credential",
		Short:              "Answer git's question for credentials (for the git that awo starts)",
		Hidden:             true,
		DisableFlagParsing: true,
		// No flags, and so none of their variables.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(_ *cobra.Command, args []string) error {
			return git.RunCredentialHelper(args, global.streams.In, global.streams.Out)
		},
	}
}
