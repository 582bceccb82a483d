package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// jsonPrinter prints as kubectl does, with escapes for what a terminal would obey: in JSON they mean the same.
type jsonPrinter struct{}

// PrintObj prints one object.
func (jsonPrinter) PrintObj(object runtime.Object, out io.Writer) error {
	var text bytes.Buffer
	if err := (&printers.JSONPrinter{}).PrintObj(object, &text); err != nil {
		return err
	}
	_, err := out.Write(escapeJSON(text.Bytes()))
	return err
}

// yamlPrinter prints as kubectl does. Its library reads JSON as YAML, which does not know all characters that JSON has.
type yamlPrinter struct{ printed bool }

// PrintObj prints one object, with a marker between it and the one before.
func (p *yamlPrinter) PrintObj(object runtime.Object, out io.Writer) error {
	data, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	text, err := yaml.JSONToYAML(escapeJSON(data))
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if p.printed {
		text = append([]byte("---\n"), text...)
	}
	p.printed = true
	_, err = out.Write(text)
	return err
}

// escapeJSON writes out what does not show in the strings of a JSON text.
func escapeJSON(data []byte) []byte {
	if v1alpha1.IsVisible(strings.ReplaceAll(string(data), "\n", "")) {
		return data
	}
	var out bytes.Buffer
	for _, r := range string(data) {
		if r == '\n' || v1alpha1.IsVisible(string(r)) {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

// visibleCells keeps the cells of a row from what a terminal would obey.
func visibleCells(cells []any) []any {
	for i, cell := range cells {
		if text, ok := cell.(string); ok {
			cells[i] = v1alpha1.Visible(text)
		}
	}
	return cells
}
