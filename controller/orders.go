package controller

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/server"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/view"
)

// orders shows the store's orders to the HTTP endpoint.
type orders struct{ store *store.Store }

var _ server.Orders = (*orders)(nil)

// List returns every order that there is.
func (o *orders) List(ctx context.Context) (v1alpha1.WorkOrderList, error) {
	var list v1alpha1.WorkOrderList
	for _, name := range o.store.Names() {
		if err := ctx.Err(); err != nil {
			return list, err
		}
		object, err := o.object(name)
		if err != nil {
			return list, err
		}
		if object != nil {
			list.Items = append(list.Items, *object)
		}
	}
	return list, nil
}

// Get returns one order.
func (o *orders) Get(_ context.Context, name string) (*v1alpha1.WorkOrder, error) {
	object, err := o.object(name)
	if err == nil && object == nil {
		err = apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("workorders").GroupResource(), name)
	}
	return object, err
}

func (o *orders) object(name string) (*v1alpha1.WorkOrder, error) {
	record, err := o.store.Current(name)
	if err != nil {
		return nil, err
	}
	return view.Object(o.store.Lookup(name), record), nil
}

// Problems returns what is wrong with manifests that are no orders.
func (o *orders) Problems() []server.Problem {
	found := o.store.Problems()
	out := make([]server.Problem, 0, len(found))
	for _, p := range found {
		out = append(out, server.Problem{Path: p.Path, Line: p.Line, Field: p.Field, Message: p.Message, Since: p.Since})
	}
	return out
}
