package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// newHelpCommand is cobra's `help`, but that a verb which does not exist is an error.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "Show the help of a verb",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, _, err := cmd.Root().Find(args)
			if err != nil {
				return usageError(cmd.Root().CommandPath(), "unknown help topic %q", strings.Join(args, " "))
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
		ValidArgsFunction: completeVerbs,
	}
}

// completeVerbs offers the verbs that people use.
func completeVerbs(cmd *cobra.Command, args []string, toComplete string) (verbs []string, _ cobra.ShellCompDirective) {
	for _, verb := range cmd.Root().Commands() {
		if len(args) == 0 && verb.IsAvailableCommand() && strings.HasPrefix(verb.Name(), toComplete) {
			verbs = append(verbs, verb.Name()+"\t"+verb.Short)
		}
	}
	return verbs, cobra.ShellCompDirectiveNoFileComp
}
