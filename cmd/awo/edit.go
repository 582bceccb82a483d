package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/agent-work-orders/awo/controller/store"
)

// edit is a change of an order's manifest that a person asked for by a verb.
type edit struct {
	// done is the outcome to print, such as "suspended".
	done string
	// skip returns another outcome to print instead of changing anything, or an error that refuses.
	skip func(order) (outcome string, err error)
	// warning returns what there is to know about the change of an order; nil when there is never anything.
	warning func(order) string
	// change makes the new bytes of the file.
	change func(data []byte, doc int) ([]byte, error)
}

// applyEdit carries the edit out on each order; a failure does not keep the others from their turn.
func (g *globalOptions) applyEdit(ctx context.Context, names []string, e edit) error {
	s, err := g.openForChange(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, name := range names {
		if err := g.editOne(ctx, s, name, e); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

func (g *globalOptions) editOne(ctx context.Context, s *store.Store, name string, e edit) error {
	found, err := loadOrder(s, name, g.namespace)
	if err != nil {
		return unreadable(err, name, s.Problems())
	}
	outcome, err := e.skip(found)
	if err != nil {
		return err
	}
	if outcome == "" {
		outcome = e.done
		err = g.explained(editManifest(ctx, s, found, e))
	}
	if err != nil {
		return err
	}
	if _, err = fmt.Fprintf(g.streams.Out, "%s %s\n", qualified(name), outcome); err != nil || e.warning == nil {
		return err
	}
	if warning := e.warning(found); warning != "" {
		_, _ = fmt.Fprintln(g.streams.ErrOut, "Warning: "+warning)
	}
	return nil
}

// editManifest refuses what cannot be edited with a reason that helps, and edits the rest.
func editManifest(ctx context.Context, s *store.Store, found order, e edit) error {
	if found.observation.Object == nil {
		return fmt.Errorf("%s has no manifest to change: it was at workorders/%s; put it back or delete the order", qualified(found.name), found.record.Path)
	}
	// One that is only being written just now is waited for below.
	broken := func(p store.FileProblem) bool { return p.Path == found.observation.Path }
	if found.observation.Stale && slices.ContainsFunc(s.Problems(), broken) {
		return unreadable(fmt.Errorf("%s is broken: correct it first", found.observation.Path), found.name, s.Problems())
	}
	if err := s.EditManifest(ctx, found.name, e.change); err != nil {
		return fmt.Errorf("change the manifest of %s: %w", found.name, err)
	}
	return nil
}

// suspended tells whether the manifest asks for it.
func (o order) suspended() bool {
	return o.observation.Object != nil && o.observation.Object.Spec.Suspend
}

// cancelled tells whether the manifest asks for it.
func (o order) cancelled() bool {
	return o.observation.Object != nil && o.observation.Object.Spec.Cancel
}
