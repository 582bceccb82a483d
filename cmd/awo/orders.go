package main

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/view"
)

// order is one WorkOrder as the verbs see it.
type order struct {
	name        string
	observation store.Observation
	// record is nil as long as the controller has not seen the order.
	record *store.Record
	// object is what is shown of it.
	object *v1alpha1.WorkOrder
}

// filter chooses orders.
type filter struct {
	namespace string          // empty: all
	selector  labels.Selector // nil: all
}

func (f filter) matches(object *v1alpha1.WorkOrder) bool {
	if f.namespace != "" && object.Namespace != f.namespace {
		return false
	}
	return f.selector == nil || f.selector.Matches(labels.Set(object.Labels))
}

// loadOrder reads one order fresh. An order that does not exist is a NotFound error.
func loadOrder(s *store.Store, name, namespace string) (order, error) {
	record, err := s.Current(name)
	if err != nil {
		return order{}, fmt.Errorf("read the record of %s: %w", name, err)
	}
	found := newOrder(name, s.Lookup(name), record)
	if found.object == nil || !(filter{namespace: namespace}).matches(found.object) {
		return order{}, notFound(name)
	}
	return found, nil
}

// newOrder combines what the manifest and the record say.
func newOrder(name string, observation store.Observation, record *store.Record) order {
	if record != nil && record.Deleted || observation.Presence == store.Tombstoned {
		record = nil // that was another life of the name
	}
	return order{name: name, observation: observation, record: record, object: view.Object(observation, record)}
}

// listOrders reads all orders that the filter lets through, by name.
func listOrders(s *store.Store, f filter) ([]order, error) {
	records, err := s.Records()
	if err != nil {
		return nil, fmt.Errorf("read the records: %w", err)
	}
	current := make(map[string]*store.Record, len(records))
	for _, record := range records {
		current[record.Name] = record
	}
	var orders []order
	for _, name := range s.Names() {
		found := newOrder(name, s.Lookup(name), current[name])
		if found.object != nil && f.matches(found.object) {
			orders = append(orders, found)
		}
	}
	slices.SortFunc(orders, func(a, b order) int { return strings.Compare(a.name, b.name) })
	return orders, nil
}

// phase returns where the order stands; Pending as long as the controller has not seen it.
func (o order) phase() v1alpha1.Phase {
	if o.object.Status == nil || o.object.Status.Phase == "" {
		return v1alpha1.PhasePending
	}
	return o.object.Status.Phase
}

// settled tells whether the status speaks of the manifest as it is now: the same spec, the same work, no retry
// that the controller has yet to act on, and an end that is the record's.
func (o order) settled() bool {
	return o.record != nil && o.observation.Object != nil && !o.awaited() && o.sameWork() && o.endShown()
}

// awaited tells whether the manifest says something that the controller has yet to take note of. The order must
// have a record.
func (o order) awaited() bool {
	if o.observation.Object == nil {
		return false
	}
	asked := o.observation.Object.Annotations[v1alpha1.AnnotationRetriedAt]
	return o.observation.Object.Spec.SpecHash() != o.record.SpecHash ||
		asked != "" && asked != o.record.Status.LastHandledRetry
}

// sameWork tells whether the manifest asks for what the recorded run does.
func (o order) sameWork() bool {
	return o.observation.Object != nil && o.observation.Object.Spec.RunHash() == o.record.RunHash()
}

// endShown tells whether the status was worked out since the run ended, or was taken up again.
func (o order) endShown() bool {
	if o.record.End == nil {
		return !o.phase().Terminal()
	}
	return o.phase() == o.record.End.Phase
}

// qualified names the order in messages, as kubectl does.
func qualified(name string) string { return "workorder.awo.archon.dev/" + name }
