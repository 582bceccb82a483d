package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
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
func asList(objects []runtime.Object) *metav1.List {
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

// outcomes prints what a verb did to orders: `workorder.awo.archon.dev/x created`, or the objects or their names where
// -o asks for that.
type outcomes struct {
	out    io.Writer
	format string
	// several tells that the verb is about more than one order: then its objects are printed as one list.
	several bool
	objects []runtime.Object
}

// add prints the outcome for an order, or keeps its object for flush.
func (o *outcomes) add(object namedObject, outcome string) error {
	switch o.format {
	case "":
		_, err := fmt.Fprintf(o.out, "%s %s\n", qualified(object.GetName()), outcome)
		return err
	case outputName:
		return objectPrinter(outputName).PrintObj(object, o.out)
	}
	o.objects = append(o.objects, object)
	return nil
}

// flush prints the objects that were kept.
func (o *outcomes) flush() error {
	if len(o.objects) == 0 {
		return nil
	}
	shown := o.objects[0]
	if o.several {
		shown = asList(o.objects)
	}
	if err := objectPrinter(o.format).PrintObj(shown, o.out); err != nil {
		return fmt.Errorf("print the orders: %w", err)
	}
	return nil
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
