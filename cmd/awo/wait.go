package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/agent-work-orders/awo/controller/store"
)

// aWeek is how long a negative --timeout waits, as in kubectl.
const aWeek = 7 * 24 * time.Hour

// waitOptions are the flags of `awo wait`.
type waitOptions struct {
	*globalOptions
	condition string
	timeout   time.Duration
	all       bool
	selector  string
	// quiet leaves out the line for each order that has come to the point.
	quiet bool
}

func newWaitCommand(global *globalOptions) *cobra.Command {
	o := &waitOptions{globalOptions: global}
	cmd := &cobra.Command{
		Use:   "wait NAME... --for=phase=PHASE|condition=TYPE[=STATUS]|delete",
		Short: "Wait until orders have come to a point",
		Long: "Wait until orders have come to a point. Only a status that speaks of the manifest as it is now counts, so\n" +
			"`awo apply && awo wait` never sees the former end. It fails at once when the point cannot be reached any more.",
		Example: "  awo wait add-readme --for=phase=Succeeded --timeout=1h\n  awo wait --all --for=condition=Ready",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := parseNames(args)
			if err == nil && len(names) == 0 && !o.all && o.selector == "" {
				err = usageError(cmd.CommandPath(), "the name of a WorkOrder, --all or a selector is required")
			}
			if err != nil {
				return err
			}
			target, err := parseGoal(o.condition)
			if err != nil {
				return usageError(cmd.CommandPath(), "%s", err)
			}
			return o.run(cmd.Context(), names, target)
		},
		ValidArgsFunction: global.completeNames,
	}
	flags := cmd.Flags()
	flags.StringVar(&o.condition, "for", "", "What to wait for: phase=PHASE, condition=TYPE[=STATUS] or delete")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Second, "How long to wait; 0 looks once, a negative one waits a week")
	flags.BoolVar(&o.all, "all", false, "Wait for all orders there are now")
	flags.StringVarP(&o.selector, "selector", "l", "", "Selector (label query)")
	completeFlag(cmd, "for", "phase=Succeeded", "phase=Failed", "phase=Cancelled", "condition=Ready", "delete")
	_ = cmd.MarkFlagRequired("for")
	return cmd
}

func (o *waitOptions) run(ctx context.Context, names []string, target goal) error {
	s, err := o.openStore(ctx)
	if err != nil {
		return err
	}
	if names, err = chosenNames(s, names, o.all, filter{namespace: o.namespace}, o.selector); err != nil {
		return err
	}
	return o.waitFor(ctx, names, target)
}

// errNoneMatch says that --all or a selector chose nothing.
var errNoneMatch = errors.New("no matching resources found")

// chosenNames returns the names given, or those of the orders that --all or a selector chooses.
func chosenNames(s *store.Store, names []string, all bool, f filter, selector string) ([]string, error) {
	if all || selector != "" {
		if len(names) > 0 {
			return nil, errors.New("names cannot be combined with --all or a selector")
		}
		var err error
		if f.selector, err = labels.Parse(selector); err != nil {
			return nil, fmt.Errorf("selector %q: %w", selector, err)
		}
		orders, err := listOrders(s, f)
		if err != nil {
			return nil, err
		}
		for _, each := range orders {
			names = append(names, each.name)
		}
		if len(names) == 0 {
			return nil, errNoneMatch
		}
	}
	return names, nil
}

// waitFor looks at every order until each has reached the goal or cannot, or time is up.
func (o *waitOptions) waitFor(ctx context.Context, pending []string, target goal) error {
	deadline := o.deadline()
	idle := &idleWarning{globalOptions: o.globalOptions}
	var failures []error
	err := o.follow(ctx, func(s *store.Store) (bool, error) {
		late := !o.clock.Now().Before(deadline)
		var rest []string
		for _, name := range pending {
			met, err := o.look(s, name, target)
			switch {
			case err != nil:
				failures = append(failures, err)
			case met && !o.quiet:
				_, _ = fmt.Fprintf(o.streams.Out, "%s condition met\n", qualified(name))
			case met:
			case late || o.timeout == 0:
				idle.check(s)
				failures = append(failures, timedOut(s, name))
			default:
				idle.check(s)
				rest = append(rest, name)
			}
		}
		pending = rest
		return len(pending) == 0, nil
	})
	if err != nil {
		return err
	}
	return errors.Join(failures...)
}

func (o *waitOptions) deadline() time.Time {
	timeout := o.timeout
	if timeout < 0 {
		timeout = aWeek
	}
	return o.clock.Now().Add(timeout)
}

// look judges one order as it is now.
func (o *waitOptions) look(s *store.Store, name string, target goal) (bool, error) {
	found, err := loadOrder(s, name, o.namespace)
	missing := apierrors.IsNotFound(err)
	switch {
	case missing && len(problemsOf(s, name)) > 0:
		return false, nil // perhaps half written; time decides
	case missing && target.deleted:
		return deletionDone(s, name)
	case err != nil:
		return false, err
	}
	return target.judge(found)
}

// deletionDone tells whether the controller has dealt with all that a deleted order left.
func deletionDone(s *store.Store, name string) (bool, error) {
	record, err := s.Current(name)
	if err != nil {
		return false, fmt.Errorf("read the record of %s: %w", name, err)
	}
	return record == nil || record.Deleted, nil
}

// timedOut is kubectl's sentence, with the reason where the manifest is broken.
func timedOut(s *store.Store, name string) error {
	problems := problemsOf(s, name)
	text := make([]string, 0, 1+len(problems))
	text = append(text, "timed out waiting for the condition on workorders/"+name)
	for _, problem := range problems {
		text = append(text, problemLine(problem))
	}
	return errors.New(strings.Join(text, "; "))
}

// problemsOf returns what keeps the manifest of this name from being read.
func problemsOf(s *store.Store, name string) []store.FileProblem {
	var out []store.FileProblem
	for _, problem := range s.Problems() {
		if problem.Name == name {
			out = append(out, problem)
		}
	}
	return out
}
