package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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

// rootCommand returns the command awo for a given outside world.
func rootCommand(global *globalOptions) *cobra.Command {
	root := &cobra.Command{
		Use:   "awo",
		Short: "awo turns WorkOrder manifests into verified pull requests",
		Long: "awo turns WorkOrder manifests into verified pull requests.\n\n" +
			"`awo controller` runs the controller; the other verbs work on its data directory, running or not.",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return global.bind(cmd)
		},
	}
	root.SetVersionTemplate(currentVersion().String() + "\n")
	root.SetIn(global.streams.In)
	root.SetOut(global.streams.Out)
	root.SetErr(global.streams.ErrOut)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(cmd.CommandPath(), "%s", err)
	})
	global.addFlags(root)
	for _, verb := range verbs(global) {
		global.complete(verb)
		root.AddCommand(verb)
	}
	root.SetHelpCommand(newHelpCommand())
	refuseUnknownShells(root)
	return root
}

// refuseUnknownShells makes the command that cobra adds look at its arguments, which it does for none that does nothing.
func refuseUnknownShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, verb := range root.Commands() {
		if verb.Name() == "completion" {
			verb.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}

// bind gives the flags that verbs share the values of their variables.
func (g *globalOptions) bind(cmd *cobra.Command) error {
	shared := pflag.NewFlagSet("shared", pflag.ContinueOnError)
	shared.AddFlagSet(cmd.Root().PersistentFlags())
	if flag := cmd.Flags().Lookup("namespace"); flag != nil {
		shared.AddFlag(flag)
	}
	return bindEnvironment(shared, g.lookup, nil)
}

// namespaced are the verbs that work on orders of a namespace.
var namespaced = []string{"apply", "cancel", "create", "delete", "describe", "get", "logs", "resume", "retry", "suspend", "wait"}

// complete gives a verb what verbs of its kind have: the namespace, no arguments where its usage names none, and to the
// shell the words of flags that take one of a few.
func (g *globalOptions) complete(verb *cobra.Command) {
	if slices.Contains(namespaced, verb.Name()) {
		g.addNamespaceFlag(verb)
	}
	if !strings.Contains(verb.Use, " ") && !verb.Hidden {
		verb.Args, verb.ValidArgsFunction = noArguments(""), cobra.NoFileCompletions
	}
	verb.Flags().VisitAll(func(flag *pflag.Flag) {
		if words := strings.Split(flag.Value.Type(), "|"); len(words) > 1 {
			completeFlag(verb, flag.Name, words...)
		}
	})
}

// addFlags adds the flags that every verb has.
func (g *globalOptions) addFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&g.dataDir, "data-dir", defaultDataDir, "The directory that holds orders, records and outputs (AWO_DATA_DIR)")
}

func (g *globalOptions) addNamespaceFlag(verb *cobra.Command) {
	verb.Flags().StringVarP(&g.namespace, "namespace", "n", "", "Only orders of this namespace; an order that names none is in \"default\" (default: all, names are unique)")
	_ = verb.RegisterFlagCompletionFunc("namespace", cobra.NoFileCompletions)
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
