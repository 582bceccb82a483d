package manifest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// Marshal renders a new manifest: what its author writes, so without a status, without what the controller or an
// API server adds to metadata, and without fields that are empty.
func Marshal(o *v1alpha1.WorkOrder) ([]byte, error) {
	text, err := encodeJSON(struct {
		APIVersion string                 `json:"apiVersion"`
		Kind       string                 `json:"kind"`
		Metadata   map[string]any         `json:"metadata"`
		Spec       v1alpha1.WorkOrderSpec `json:"spec"`
	}{v1alpha1.GroupVersion.String(), v1alpha1.Kind, authored(o), o.Spec})
	if err != nil {
		return nil, fmt.Errorf("work order %s: %w", o.Name, err)
	}
	var value map[string]any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, fmt.Errorf("work order %s: render: %w", o.Name, err)
	}
	dropEmpty(value)
	block, err := renderBlock(value)
	if err != nil {
		return nil, fmt.Errorf("work order %s: %w", o.Name, err)
	}
	return []byte(strings.Join(block.lines, "\n") + "\n"), nil
}

// authored is the part of metadata that people write.
func authored(o *v1alpha1.WorkOrder) map[string]any {
	metadata := map[string]any{"name": o.Name, "labels": o.Labels, "annotations": o.Annotations}
	if o.Namespace != "" {
		metadata["namespace"] = o.Namespace
	}
	return metadata
}

// dropEmpty removes null and mappings without content.
func dropEmpty(object map[string]any) {
	for name, value := range object {
		child, ok := value.(map[string]any)
		if ok {
			dropEmpty(child)
		}
		if value == nil || (ok && len(child) == 0) {
			delete(object, name)
		}
	}
}
