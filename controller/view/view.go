// Package view makes the object that people and programs are shown from the two places where an order
// lives: what its author wrote (the manifest) and what the controller did (the record). The command and the
// HTTP endpoint show the same.
package view

import (
	"encoding/json"
	"hash/fnv"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// Object returns the order as a Kubernetes API server would: the manifest's metadata and spec, with uid,
// creationTimestamp, generation, resourceVersion and status out of the record. Without a manifest the spec
// is the recorded one. It returns nil when there is nothing to show: neither manifest nor a record in use,
// or an order that was deleted. Neither argument is changed.
func Object(observation store.Observation, record *store.Record) *v1alpha1.WorkOrder {
	if record != nil && record.Deleted || observation.Presence == store.Tombstoned {
		record = nil
	}
	object := base(observation, record)
	if object == nil {
		return nil
	}
	object.APIVersion, object.Kind = v1alpha1.GroupVersion.String(), v1alpha1.Kind
	object.Namespace = object.NamespaceOrDefault()
	forget(object)
	object.Generation = Generation(object, record)
	if record != nil {
		object.UID = types.UID(record.UID)
		object.CreationTimestamp = record.CreatedAt
		object.Status = record.Status.DeepCopy()
	}
	object.ResourceVersion = resourceVersion(object)
	return object
}

// forget takes out what a manifest may claim and only the record tells.
func forget(object *v1alpha1.WorkOrder) {
	object.UID, object.CreationTimestamp, object.Status = "", metav1.Time{}, nil
	object.ManagedFields = nil
	object.DeletionTimestamp, object.DeletionGracePeriodSeconds = nil, nil
}

// base returns a copy of the manifest's object, or one made from the record when no manifest can be read.
func base(observation store.Observation, record *store.Record) *v1alpha1.WorkOrder {
	if observation.Object != nil {
		return observation.Object.DeepCopy()
	}
	if record == nil {
		return nil
	}
	object := &v1alpha1.WorkOrder{}
	object.Name, object.Namespace = record.Name, record.Namespace
	record.Spec.DeepCopyInto(&object.Spec)
	return object
}

// Generation returns the generation of the object's spec: the observed one, or one more while the
// controller has not seen the latest change.
func Generation(object *v1alpha1.WorkOrder, record *store.Record) int64 {
	if record == nil {
		return 1
	}
	observed := max(record.Status.ObservedGeneration, 1)
	if object.Spec.SpecHash() != record.SpecHash {
		return observed + 1
	}
	return observed
}

// resourceVersion returns an opaque token that differs whenever the object does.
func resourceVersion(object *v1alpha1.WorkOrder) string {
	object.ResourceVersion = ""
	data, err := json.Marshal(object)
	if err != nil {
		return ""
	}
	hash := fnv.New64a()
	_, _ = hash.Write(data)
	return strconv.FormatUint(hash.Sum64(), 10)
}
