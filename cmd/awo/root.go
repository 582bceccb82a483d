package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
)

// defaultDataDir is where orders live when neither flag nor variable says otherwise.
const defaultDataDir = "./tmp/agent-work-orders"

// globalOptions are what every verb has: the flags of the root command and the outside world.
type globalOptions struct {
	dataDir   string
	namespace string

	streams genericiooptions.IOStreams
	lookup  func(string) (string, bool)
	clock   clock.WithTicker
	// badAfter is how long a broken manifest must be unchanged before it is called broken; 0 is the store's default.
	badAfter time.Duration
}

// newRootCommand returns the command awo with its verbs.
func newRootCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return rootCommand(&globalOptions{streams: streams, lookup: os.LookupEnv, clock: clock.RealClock{}})
}

// rootCommand returns the command awo for a given outside world.
func rootCommand(global *globalOptions) *cobra.Command {
	root := &cobra.Command{
		Use:   "awo",
		Short: "awo turns WorkOrder manifests into verified pull requests",
		Long: "awo turns WorkOrder manifests into verified pull requests.\n\n" +
			"`awo controller` runs the controller; the other verbs work on its data directory, running or not.",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return bindEnvironment(cmd.Root().PersistentFlags(), global.lookup, nil)
		},
	}
	root.SetIn(global.streams.In)
	root.SetOut(global.streams.Out)
	root.SetErr(global.streams.ErrOut)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(cmd.CommandPath(), "%s", err)
	})
	global.addFlags(root)
	root.AddCommand(verbs(global)...)
	return root
}

// addFlags adds the flags that every verb has.
func (g *globalOptions) addFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&g.dataDir, "data-dir", defaultDataDir, "The directory that holds orders, records and outputs (AWO_DATA_DIR)")
	flags.StringVarP(&g.namespace, "namespace", "n", "", "Only orders of this namespace; an order that names none is in \"default\" (default: all, names are unique)")
	_ = root.RegisterFlagCompletionFunc("namespace", cobra.NoFileCompletions)
}

// verbs returns the subcommands, one file each.
func verbs(global *globalOptions) []*cobra.Command {
	return []*cobra.Command{
		newApplyCommand(global),
		newControllerCommand(global),
		newDemoCommand(global),
		newCancelCommand(global),
		newCreateCommand(global),
		newDeleteCommand(global),
		newDescribeCommand(global),
		newDoctorCommand(global),
		newGetCommand(global),
		newGitCredentialCommand(global),
		newLogsCommand(global),
		newResumeCommand(global),
		newRetryCommand(global),
		newSuspendCommand(global),
		newValidateCommand(global),
		newVersionCommand(global),
		newWaitCommand(global),
	}
}
