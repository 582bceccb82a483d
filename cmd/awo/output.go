package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// Output formats of -o.
const (
	outputName = "name"
	outputJSON = "json"
	outputYAML = "yaml"
	outputWide = "wide"
)

// objectPrinter returns the printer of whole objects, or nil for another format.
func objectPrinter(format string) printers.ResourcePrinter {
	switch format {
	case outputName:
		return &printers.NamePrinter{}
	case outputJSON:
		return jsonPrinter{}
	case outputYAML:
		return &yamlPrinter{}
	}
	return nil
}

// asList returns the objects in the list that kubectl prints.
func asList(objects []*v1alpha1.WorkOrder) *metav1.List {
	list := &metav1.List{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}, Items: []runtime.RawExtension{}}
	for _, object := range objects {
		list.Items = append(list.Items, runtime.RawExtension{Object: object})
	}
	return list
}

// namedObject is an order, typed or not.
type namedObject interface {
	runtime.Object
	GetName() string
}

// printOutcome prints what a verb did to an order: `workorder.awo.archon.dev/x created`, or the object or its
// name where -o asks for that.
func printOutcome(out io.Writer, format string, object namedObject, outcome string) error {
	if printer := objectPrinter(format); printer != nil {
		if err := printer.PrintObj(object, out); err != nil {
			return fmt.Errorf("print %s: %w", object.GetName(), err)
		}
		return nil
	}
	_, err := fmt.Fprintf(out, "%s %s\n", qualified(object.GetName()), outcome)
	return err
}

// checkChangeOutput refuses an output format that a verb that changes something does not have.
func checkChangeOutput(format string) error {
	if format == "" || objectPrinter(format) != nil {
		return nil
	}
	return unknownOutput(format, outputJSON, outputName, outputYAML)
}

// dryRunSuffix marks an outcome that did not happen.
const dryRunSuffix = " (dry run)"

// parseDryRun reads --dry-run, which kubectl also lets stand without a value.
func parseDryRun(value string) (bool, error) {
	switch value {
	case "none":
		return false, nil
	case "client":
		return true, nil
	}
	return false, fmt.Errorf(`invalid dry-run value (%s). Must be "none" or "client"`, value)
}

// addChangeFlags adds the flags of the verbs that write a manifest.
func addChangeFlags(cmd *cobra.Command, dryRun, output *string) {
	flags := cmd.Flags()
	flags.StringVar(dryRun, "dry-run", "none", `"none" or "client": only say what would be done`)
	flags.Lookup("dry-run").NoOptDefVal = "client"
	flags.StringVarP(output, "output", "o", "", "Output format: json, name or yaml")
	completeFlag(cmd, "dry-run", "client", "none")
	completeFlag(cmd, "output", outputJSON, outputName, outputYAML)
}

// completeFlag offers the values of a flag to the shell.
func completeFlag(cmd *cobra.Command, flag string, values ...string) {
	// It fails only for a flag that does not exist, which the tests of completion would show.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
