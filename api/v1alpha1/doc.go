// Package v1alpha1 holds the WorkOrder: its types, defaults, validation, hashes and the constants that
// appear in a status. It depends on nothing of the controller.
//
// +kubebuilder:object:generate=true
// +groupName=awo.archon.dev
package v1alpha1

import "k8s.io/apimachinery/pkg/runtime/schema"

// Kind is the kind of every manifest that this API group knows.
const Kind = "WorkOrder"

// GroupVersion is the API group and version of a WorkOrder manifest.
var GroupVersion = schema.GroupVersion{Group: "awo.archon.dev", Version: "v1alpha1"}
