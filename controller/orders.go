package controller

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/server"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/view"
)

// orders shows the store's orders to the HTTP endpoint.
type orders struct{ store *store.Store }

var _ server.Orders = (*orders)(nil)

// List returns every order that there is. One whose record cannot be trusted is shown by its manifest alone; Problems
// says why.
func (o *orders) List(ctx context.Context) (v1alpha1.WorkOrderList, error) {
	var list v1alpha1.WorkOrderList
	records, err := o.store.Records()
	if err != nil {
		return list, err
	}
	current := make(map[string]*store.Record, len(records))
	for _, r := range records {
		current[r.Name] = r
	}
	for _, name := range o.store.Names() {
		if object := view.Object(o.store.Lookup(name), current[name]); object != nil {
			list.Items = append(list.Items, *object)
		}
	}
	return list, ctx.Err()
}

// Get returns one order.
func (o *orders) Get(_ context.Context, name string) (*v1alpha1.WorkOrder, error) {
	record, err := o.store.Current(name)
	if _, quarantined := errors.AsType[*store.QuarantineError](err); quarantined {
		// It says which file to look at, where other failures are only logged.
		return nil, apierrors.NewInternalError(err)
	}
	if err != nil {
		return nil, err
	}
	object := view.Object(o.store.Lookup(name), record)
	if object == nil {
		return nil, apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("workorders").GroupResource(), name)
	}
	return object, nil
}

// Problems returns what is wrong with manifests that are no orders.
func (o *orders) Problems() []server.Problem {
	found := o.store.Problems()
	out := make([]server.Problem, 0, len(found))
	for _, p := range found {
		out = append(out, server.Problem{
			Name: p.Name, Namespace: p.Namespace,
			Path: p.Path, Line: p.Line, Field: p.Field, Message: p.Message, Since: p.Since,
		})
	}
	return out
}
