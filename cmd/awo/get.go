package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// getOptions are the flags of `awo get`.
type getOptions struct {
	*globalOptions
	output        string
	selector      string
	noHeaders     bool
	watch         bool
	allNamespaces bool
	raw           rawOptions

	names  []string
	filter filter
	// table prints rows and objects whole orders, one printer for as long as the command runs: it knows what it has
	// printed before. rows remembers how wide the columns are.
	table   printers.ResourcePrinter
	objects printers.ResourcePrinter
	rows    tabbed
}

// tabbed is a writer that aligns columns when it is flushed.
type tabbed interface {
	io.Writer
	Flush() error
}

func newGetCommand(global *globalOptions) *cobra.Command {
	o := &getOptions{globalOptions: global}
	cmd := &cobra.Command{
		Use:   "get [wo] [NAME...]",
		Short: "Show work orders and where they stand",
		Long: "Show work orders and where they stand. Manifests that cannot be read are shown, too, with file, line\n" +
			"and reason: in a section of the table, or on standard error where the output is for programs.",
		Example: "  awo get\n  awo get add-readme -o yaml\n  awo get -l team=web -o wide -w\n  awo get --raw /health",
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("raw") {
				return o.getRaw(cmd, args)
			}
			if err := o.complete(args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
		ValidArgsFunction: global.completeNames,
	}
	flags := cmd.Flags()
	o.raw.addFlags(flags)
	flags.StringVarP(&o.output, "output", "o", "", "Output format: json, name, wide or yaml")
	flags.StringVarP(&o.selector, "selector", "l", "", "Selector (label query), such as team=web,size!=big")
	flags.BoolVar(&o.noHeaders, "no-headers", false, "Leave out the headers of the table")
	flags.BoolVarP(&o.watch, "watch", "w", false, "Go on and show changes")
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "Orders of all namespaces, with their namespace")
	completeFlag(cmd, "output", outputJSON, outputName, outputWide, outputYAML)
	return cmd
}

// complete checks flags and arguments.
func (o *getOptions) complete(args []string) (err error) {
	o.objects = objectPrinter(o.output)
	if !o.forPeople() && o.objects == nil {
		return unknownOutput(o.output, outputJSON, outputName, outputWide, outputYAML)
	}
	if o.raw.server != "" {
		return errors.New("--server works with --raw alone: orders are read from the data directory")
	}
	o.filter.namespace = o.namespace
	if o.allNamespaces {
		o.filter.namespace = ""
	}
	if o.filter.selector, err = labels.Parse(o.selector); err != nil {
		return fmt.Errorf("selector %q: %w", o.selector, err)
	}
	o.table = printers.NewTablePrinter(printers.PrintOptions{NoHeaders: o.noHeaders, Wide: o.output == outputWide})
	o.rows = printers.GetNewTabWriter(o.streams.Out)
	o.names, err = parseNames(args)
	if err == nil && len(o.names) > 0 && o.selector != "" {
		return errors.New("name cannot be provided when a selector is specified")
	}
	return err
}

func (o *getOptions) run(ctx context.Context) error {
	s, err := o.openStore(ctx)
	if err != nil {
		return err
	}
	orders, problems, err := o.load(s)
	if printErr := o.print(orders, problems, err == nil); printErr != nil {
		return printErr
	}
	if err != nil || !o.watch {
		return err
	}
	return newWatcher(o, orders, problems).run(ctx)
}

// load reads the orders that were asked for, and the problems of the files that concern them. Orders that
// were found come with the errors about the others.
func (o *getOptions) load(s *store.Store) ([]order, []store.FileProblem, error) {
	problems := slices.DeleteFunc(s.Problems(), func(p store.FileProblem) bool {
		return o.filter.namespace != "" && p.Namespace != "" && p.Namespace != o.filter.namespace
	})
	if len(o.names) == 0 {
		orders, err := listOrders(s, o.filter)
		return orders, problems, err
	}
	problems = slices.DeleteFunc(problems, func(p store.FileProblem) bool { return !slices.Contains(o.names, p.Name) })
	var orders []order
	var failures []error
	for _, name := range o.names {
		found, err := loadOrder(s, name, o.filter.namespace)
		if err != nil {
			failures = append(failures, unreadable(err, name, problems))
			continue
		}
		orders = append(orders, found)
	}
	return orders, problems, errors.Join(failures...)
}

// unreadable replaces "not found" by the reason where the manifest is there and broken.
func unreadable(err error, name string, problems []store.FileProblem) error {
	for _, problem := range problems {
		if problem.Name == name {
			return fmt.Errorf("%s cannot be read: %s", qualified(name), problemLine(problem))
		}
	}
	return err
}

// problemLine is a problem on one line, as compilers write it.
func problemLine(problem store.FileProblem) string {
	return v1alpha1.Visible(fmt.Sprintf("%s:%d: %s", problem.Path, problem.Line, problemText(problem.Field, problem.Message)))
}

// print shows orders and problems; emptiness is worth a word only if nothing failed.
func (o *getOptions) print(orders []order, problems []store.FileProblem, sayEmpty bool) error {
	if len(orders) == 0 && len(problems) == 0 && sayEmpty && o.forPeople() {
		_, _ = fmt.Fprintln(o.streams.ErrOut, o.noResources())
	}
	if !o.forPeople() {
		o.warn(problems)
		return o.printObjects(orders)
	}
	if err := o.printRows(orders); err != nil {
		return err
	}
	if o.noHeaders {
		o.warn(problems)
		return nil
	}
	return o.printProblems(problems, len(orders) > 0)
}

func (o *getOptions) forPeople() bool { return o.output == "" || o.output == outputWide }

func (o *getOptions) noResources() string {
	if o.filter.namespace == "" {
		return "No resources found"
	}
	return "No resources found in " + o.filter.namespace + " namespace."
}

// printRows prints orders as rows of the table.
func (o *getOptions) printRows(orders []order) error {
	table := &metav1.Table{ColumnDefinitions: orderColumns()}
	if o.allNamespaces {
		table.ColumnDefinitions = slices.Insert(table.ColumnDefinitions, 0, metav1.TableColumnDefinition{Name: "Namespace", Type: "string"})
	}
	for _, each := range orders {
		row := orderRow(each, o.clock.Now())
		if o.allNamespaces {
			row.Cells = slices.Insert(row.Cells, 0, any(each.object.Namespace))
		}
		row.Cells = visibleCells(row.Cells)
		table.Rows = append(table.Rows, row)
	}
	if err := errors.Join(o.table.PrintObj(table, o.rows), o.rows.Flush()); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return nil
}

// printProblems prints the second section of the table.
func (o *getOptions) printProblems(problems []store.FileProblem, separate bool) error {
	if len(problems) == 0 {
		return nil
	}
	if separate {
		_, _ = fmt.Fprintln(o.streams.Out)
	}
	table := &metav1.Table{ColumnDefinitions: problemColumns()}
	for _, problem := range problems {
		table.Rows = append(table.Rows, problemRow(problem))
	}
	if err := printers.NewTablePrinter(printers.PrintOptions{}).PrintObj(table, o.streams.Out); err != nil {
		return fmt.Errorf("print the broken manifests: %w", err)
	}
	return nil
}

// warn prints the problems on standard error.
func (o *getOptions) warn(problems []store.FileProblem) {
	for _, problem := range problems {
		_, _ = fmt.Fprintln(o.streams.ErrOut, "Warning: "+problemLine(problem))
	}
}

// printObjects prints orders for programs: one object when one was named, else a list; names line by line. A watch goes
// on with single objects, so it begins with them.
func (o *getOptions) printObjects(orders []order) error {
	if o.output == outputName || o.watch || len(o.names) == 1 && len(orders) == 1 {
		for _, each := range orders {
			if err := o.printObject(each); err != nil {
				return err
			}
		}
		return nil
	}
	if len(o.names) > 0 && len(orders) == 0 {
		return nil
	}
	objects := make([]runtime.Object, 0, len(orders))
	for _, each := range orders {
		objects = append(objects, each.object)
	}
	return o.objects.PrintObj(asList(objects), o.streams.Out)
}

func (o *getOptions) printObject(each order) error {
	if err := o.objects.PrintObj(each.object, o.streams.Out); err != nil {
		return fmt.Errorf("print %s: %w", each.name, err)
	}
	return nil
}
