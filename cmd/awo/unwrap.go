package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// unwrap takes the orders out of lists, such as `awo get -o yaml` prints them: each becomes a source of its own. What
// holds no list stays as it is, with its bytes and lines.
func unwrap(from source) []source {
	if !bytes.Contains(from.data, []byte("List")) {
		return []source{from}
	}
	documents, err := readNodes(from.data)
	if err != nil {
		// What is wrong with it is found where manifests are checked, with its line.
		return []source{from}
	}
	var nodes []*yaml.Node
	lists := 0
	for _, document := range documents {
		items, isList := listItems(document)
		if !isList {
			items = []*yaml.Node{document}
		} else {
			lists++
		}
		nodes = append(nodes, items...)
	}
	if lists == 0 {
		return []source{from}
	}
	return separate(from, nodes)
}

// readNodes reads the documents of a file, without judging them.
func readNodes(data []byte) (documents []*yaml.Node, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		node := &yaml.Node{}
		err := decoder.Decode(node)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		if len(node.Content) == 1 {
			documents = append(documents, node.Content[0])
		}
	}
}

// listItems returns what is in a list of orders, of Kubernetes' own kind or ours.
func listItems(node *yaml.Node) (items []*yaml.Node, isList bool) {
	version, kind := scalarOf(node, "apiVersion"), scalarOf(node, "kind")
	isList = version == "v1" && kind == "List" || version == v1alpha1.GroupVersion.String() && kind == v1alpha1.Kind+"List"
	if !isList {
		return nil, false
	}
	if list := valueOf(node, "items"); list != nil {
		return list.Content, true
	}
	return nil, true
}

// valueOf returns the value of a key; nil if there is none.
func valueOf(node *yaml.Node, key string) *yaml.Node {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

func scalarOf(node *yaml.Node, key string) string {
	if value := valueOf(node, key); value != nil {
		return value.Value
	}
	return ""
}

// separate makes a source of each node. Scalars stay as they are written, so that they are judged as strictly as ever.
func separate(from source, nodes []*yaml.Node) []source {
	out := make([]source, 0, len(nodes))
	for i, node := range nodes {
		blockStyle(node)
		var text strings.Builder
		encoder := yaml.NewEncoder(&text)
		encoder.SetIndent(2)
		if err := errors.Join(encoder.Encode(node), encoder.Close()); err != nil {
			// What cannot be written again is judged as it stands.
			return []source{from}
		}
		label := fmt.Sprintf("%s (item %d of the list)", from.label, i+1)
		out = append(out, source{label: label, data: []byte(text.String()), rendered: true})
	}
	return out
}

// blockStyle writes a node that came as JSON the way people write YAML.
func blockStyle(node *yaml.Node) {
	node.Style &^= yaml.FlowStyle
	for _, child := range node.Content {
		blockStyle(child)
	}
}
