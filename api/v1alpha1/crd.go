package v1alpha1

import _ "embed"

// CRD is the CustomResourceDefinition of WorkOrder as YAML: what a cluster is given, and the schema against
// which manifests are checked without one. It is generated from the types of this package.
//
//go:embed awo.archon.dev_workorders.yaml
var CRD []byte
