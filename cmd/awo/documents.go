package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// serverFields are metadata that only the controller gives; they are shown and never written to a file.
func serverFields() []string {
	return []string{"uid", "creationTimestamp", "generation", "resourceVersion", "selfLink", "managedFields"}
}

// cleanDocument takes what is not the user's to say out of a document, puts the status in, and leaves every
// other byte as it is.
func cleanDocument(data []byte, doc int, status *v1alpha1.WorkOrderStatus) (out []byte, err error) {
	out = data
	for _, field := range serverFields() {
		if !bytes.Contains(out, []byte(field)) {
			continue
		}
		if out, err = manifest.SetField(out, doc, []string{"metadata", field}, nil); err != nil {
			return nil, fmt.Errorf("take metadata.%s out: %w", field, err)
		}
	}
	return manifest.SpliceStatus(out, doc, status)
}

// ended gives the last line of a manifest an end. Without one the file would be taken for the first half of a longer
// text for a while.
func ended(data []byte) []byte {
	if len(data) == 0 || bytes.ContainsAny(data[len(data)-1:], "\n\r}") {
		return data
	}
	return append(slices.Clip(data), '\n')
}

// documentNames lists the names in a file, in order.
func documentNames(docs []manifest.Document) []string {
	names := make([]string, 0, len(docs))
	for _, doc := range docs {
		names = append(names, doc.Name)
	}
	return names
}

// statusOf returns the status that a document shows, nil if it has none.
func statusOf(doc manifest.Document) *v1alpha1.WorkOrderStatus {
	if doc.Object == nil {
		return nil
	}
	return doc.Object.Status
}
