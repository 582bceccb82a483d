package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// deleteOptions are the flags of `awo delete`.
type deleteOptions struct {
	*globalOptions
	sourceOptions
	all            bool
	selector       string
	ignoreNotFound bool
	wait           bool
	timeout        time.Duration
}

func newDeleteCommand(global *globalOptions) *cobra.Command {
	o := &deleteOptions{globalOptions: global}
	cmd := &cobra.Command{
		Use:   "delete NAME...|-f FILE|--all",
		Short: "Delete orders",
		Long: "Delete orders: the manifest goes at once, the other documents of its file stay. The controller then ends what\n" +
			"runs, saves unpushed commits as a bundle in outputs/ and removes the workspace; branch and pull request stay.",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := parseNames(args)
			if err == nil && len(names) == 0 && len(o.files) == 0 && !o.all && o.selector == "" {
				err = usageError(cmd.CommandPath(), "the name of a WorkOrder, -f, --all or a selector is required")
			}
			if err == nil && len(o.files) > 0 && (len(names) > 0 || o.all || o.selector != "") {
				err = usageError(cmd.CommandPath(), "-f says which orders to delete: names, --all or a selector may not be given beside it")
			}
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), names)
		},
		ValidArgsFunction: global.completeNames,
	}
	flags := cmd.Flags()
	o.addSourceFlags(flags, "delete")
	flags.BoolVar(&o.all, "all", false, "Delete all orders")
	flags.StringVarP(&o.selector, "selector", "l", "", "Selector (label query)")
	flags.BoolVar(&o.ignoreNotFound, "ignore-not-found", false, "Treat an order that does not exist as deleted")
	flags.BoolVar(&o.wait, "wait", false, "Wait until the controller has cleaned up")
	flags.DurationVar(&o.timeout, "timeout", time.Minute, "How long --wait waits; 0 looks once, a negative one waits a week")
	return cmd
}

func (o *deleteOptions) run(ctx context.Context, names []string) error {
	s, err := o.openForChange(ctx)
	if err != nil {
		return err
	}
	names, err = o.choose(s, names)
	if errors.Is(err, errNoneMatch) {
		_, err = fmt.Fprintln(o.streams.ErrOut, "No resources found")
	}
	if err != nil {
		return err
	}
	return o.deleteAll(ctx, s, names)
}

// deleteAll deletes one order after the other; a failure does not keep the others from their turn.
func (o *deleteOptions) deleteAll(ctx context.Context, s *store.Store, names []string) error {
	shared := sharedNames(s)
	var deleted []string
	var failures []error
	for _, name := range names {
		done, err := o.deleteOne(ctx, s, name)
		if err != nil {
			failures = append(failures, err)
		} else if done {
			deleted = append(deleted, name)
			failures = append(failures, o.warnOfHeir(ctx, s, name, shared))
		}
	}
	if o.wait && len(deleted) > 0 {
		w := &waitOptions{globalOptions: o.globalOptions, timeout: o.timeout, quiet: true}
		failures = append(failures, w.waitFor(ctx, deleted, goal{deleted: true}))
	}
	return errors.Join(failures...)
}

// choose returns the names to delete: those given, those in files, or those that --all or a selector chooses.
func (o *deleteOptions) choose(s *store.Store, names []string) ([]string, error) {
	if len(o.files) == 0 {
		return chosenNames(s, names, o.all, filter{namespace: o.namespace}, o.selector)
	}
	sources, err := o.read(o.streams.In)
	if err != nil {
		return nil, err
	}
	for i := range sources {
		more, err := namesIn(&sources[i])
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	if len(names) == 0 {
		return nil, errors.New("no objects passed to delete")
	}
	return names, nil
}

// namesIn returns whose manifests a source holds. Whatever else is wrong with them, they must be WorkOrders in YAML, or a
// name in them is perhaps that of something else.
func namesIn(from *source) ([]string, error) {
	docs, problems := manifest.Parse(from.data)
	for _, problem := range problems {
		if problem.Name == "" || slices.Contains([]string{"", "apiVersion", "kind"}, problem.Field) {
			return nil, errors.New(from.place(problem.Line) + ": " + problemText(problem.Field, problem.Message))
		}
	}
	names := documentNames(docs)
	if slices.Contains(names, "") {
		return nil, errors.New(from.label + ": there is an order without a name in it")
	}
	return names, nil
}

// sharedNames are those that more than one file bears.
func sharedNames(s *store.Store) map[string]bool {
	seen, shared := map[string]bool{}, map[string]bool{}
	for _, problem := range s.Problems() {
		seen[problem.Name] = true
	}
	for name := range seen {
		shared[name] = s.Lookup(name).Object != nil
	}
	return shared
}

// warnOfHeir tells which file takes the name over: its order was not run as long as another one had the name.
func (o *deleteOptions) warnOfHeir(ctx context.Context, s *store.Store, name string, shared map[string]bool) error {
	if !shared[name] {
		return nil
	}
	if err := s.Scan(ctx); err != nil {
		return err
	}
	if heir := s.Lookup(name); heir.Path != "" {
		_, _ = fmt.Fprintf(o.streams.ErrOut, "Warning: workorders/%s bears the name %s, too, and takes it over: its order will run; delete %s again to prevent that\n",
			heir.Path, name, name)
	}
	return nil
}

func (o *deleteOptions) deleteOne(ctx context.Context, s *store.Store, name string) (bool, error) {
	_, err := loadOrder(s, name, o.namespace)
	if apierrors.IsNotFound(err) && len(problemsOf(s, name)) == 0 {
		if o.ignoreNotFound {
			return false, nil
		}
		return false, err
	}
	if err := s.Delete(ctx, name); err != nil {
		return false, o.explained(fmt.Errorf("delete %s: %w", qualified(name), err))
	}
	_, err = fmt.Fprintf(o.streams.Out, "workorder.awo.archon.dev %q deleted\n", name)
	return err == nil, err
}
