package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// typeNames are the words for a WorkOrder, in lower case.
func typeNames() []string {
	return []string{"wo", "workorder", "workorders", "workorder.awo.archon.dev", "workorders.awo.archon.dev"}
}

func isTypeName(word string) bool { return slices.Contains(typeNames(), strings.ToLower(word)) }

// parseNames returns the names in NAME..., wo NAME... and wo/NAME...; an order whose name is itself a word
// for the type is reached with wo/wo. Without any name the result is empty.
func parseNames(args []string) ([]string, error) {
	typed := len(args) > 0 && isTypeName(args[0])
	if typed {
		args = args[1:]
	}
	names := make([]string, 0, len(args))
	for _, arg := range args {
		kind, name, slashed := strings.Cut(arg, "/")
		switch {
		case !slashed:
			name = arg
		case typed:
			return nil, errors.New("there is no need to specify a resource type as a separate argument when passing arguments in resource/name form")
		case !isTypeName(kind):
			return nil, fmt.Errorf("there is no resource type %q: use workorders (wo)", kind)
		}
		if name == "" {
			return nil, errors.New("arguments in resource/name form must have a name: wo/NAME")
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// requireNames is parseNames for verbs that need at least one.
func requireNames(cmd *cobra.Command, args []string) ([]string, error) {
	names, err := parseNames(args)
	if err == nil && len(names) == 0 {
		err = usageError(cmd.CommandPath(), "the name of a WorkOrder is required")
	}
	return names, err
}

// requireName is requireNames for verbs that take exactly one.
func requireName(cmd *cobra.Command, args []string) (string, error) {
	names, err := requireNames(cmd, args)
	if err != nil {
		return "", err
	}
	if len(names) > 1 {
		return "", usageError(cmd.CommandPath(), "exactly one NAME is required, received %d", len(names))
	}
	return names[0], nil
}

// noArguments refuses arguments, with a hint at what was perhaps meant.
func noArguments(hint string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return usageError(cmd.CommandPath(), "unexpected arguments: %s%s", strings.Join(args, " "), hint)
	}
}

// completeName is completeNames for verbs that take one name.
func (g *globalOptions) completeName(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	if names, err := parseNames(args); err != nil || len(names) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return g.completeNames(cmd, args, toComplete)
}

// completeNames offers the names of the orders in the data directory.
func (g *globalOptions) completeNames(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	const only = cobra.ShellCompDirectiveNoFileComp
	// Completion runs no PersistentPreRunE of its own.
	if err := g.bind(cmd); err != nil {
		return nil, only
	}
	orders, err := g.completionOrders(cmd.Context())
	if err != nil {
		return nil, only
	}
	prefix := ""
	if kind, _, slashed := strings.Cut(toComplete, "/"); slashed && isTypeName(kind) {
		prefix = kind + "/"
	}
	var candidates []string
	for _, name := range orders {
		candidate := prefix + name
		if strings.HasPrefix(candidate, toComplete) && !slices.Contains(args, candidate) {
			candidates = append(candidates, candidate)
		}
	}
	return candidates, only
}

// completionOrders lists the names of the orders that are shown.
func (g *globalOptions) completionOrders(ctx context.Context) ([]string, error) {
	opened, err := g.openStore(ctx)
	if err != nil {
		return nil, err
	}
	orders, err := listOrders(opened, filter{namespace: g.namespace})
	names := make([]string, 0, len(orders))
	for _, each := range orders {
		names = append(names, each.name)
	}
	return names, err
}
