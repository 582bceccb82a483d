package manifest

import (
	"slices"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// Types and formats of a schema.
const (
	typeObject  = "object"
	typeArray   = "array"
	typeString  = "string"
	typeInteger = "integer"
	typeBoolean = "boolean"

	formatDateTime = "date-time"
	formatInt32    = "int32"
)

// schema is what a structural OpenAPI schema says about kinds and names. What it says about values (enum, pattern,
// minimum) is left to validation: such a manifest decodes and gets a status.
type schema struct {
	Type                 string             `json:"type"`
	Format               string             `json:"format"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties *schema            `json:"additionalProperties"`
	Items                *schema            `json:"items"`
	Required             []string           `json:"required"`
	IntOrString          bool               `json:"x-kubernetes-int-or-string"`
	// unread is content that is neither checked nor decoded.
	unread bool
	// names are the properties, sorted, for messages.
	names []string
}

// workOrderSchema returns the schema of a manifest, decoded once from the CRD. Nothing changes it.
var workOrderSchema = sync.OnceValue(func() *schema {
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema *schema `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	// The CRD is part of the binary, and a test decodes it.
	if err := yaml.Unmarshal(v1alpha1.CRD, &crd); err != nil || len(crd.Spec.Versions) != 1 {
		panic("manifest: the embedded CRD is not that of one version")
	}
	root := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	root.Properties["metadata"] = metadataSchema()
	root.Properties["status"] = &schema{unread: true}
	root.Required = []string{"apiVersion", "kind", "metadata", "spec"}
	root.sortNames()
	return root
})

// metadataSchema is ObjectMeta, of which a CRD says only that it is an object. What belongs to an API server is
// allowed, so that the output of kubectl can be read; managedFields are not looked at.
func metadataSchema() *schema {
	text := &schema{Type: typeString}
	stamp := &schema{Type: typeString, Format: formatDateTime}
	flag := &schema{Type: typeBoolean}
	number := &schema{Type: typeInteger, Format: "int64"}
	texts := &schema{Type: typeObject, AdditionalProperties: text}
	owner := &schema{Type: typeObject, Required: []string{"apiVersion", "kind", "name", "uid"}, Properties: map[string]*schema{
		"apiVersion": text, "kind": text, "name": text, "uid": text, "controller": flag, "blockOwnerDeletion": flag,
	}}
	return &schema{Type: typeObject, Required: []string{"name"}, Properties: map[string]*schema{
		"name": text, "generateName": text, "namespace": text, "selfLink": text, "uid": text, "resourceVersion": text,
		"generation": number, "deletionGracePeriodSeconds": number, "creationTimestamp": stamp, "deletionTimestamp": stamp,
		"labels": texts, "annotations": texts, "finalizers": {Type: typeArray, Items: text},
		"ownerReferences": {Type: typeArray, Items: owner}, "managedFields": {unread: true},
	}}
}

// sortNames lists the properties of this schema and all below.
func (s *schema) sortNames() {
	if s == nil || s.names != nil {
		return
	}
	for name, property := range s.Properties {
		s.names = append(s.names, name)
		property.sortNames()
	}
	slices.Sort(s.names)
	s.AdditionalProperties.sortNames()
	s.Items.sortNames()
}

// property returns the schema of a field; nil when there is no such field.
func (s *schema) property(name string) *schema {
	if p, ok := s.Properties[name]; ok {
		return p
	}
	return s.AdditionalProperties
}

// required tells whether a field must be there.
func (s *schema) required(name string) bool { return slices.Contains(s.Required, name) }
