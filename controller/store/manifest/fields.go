package manifest

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entry is one field of a mapping.
type entry struct{ key, value *yaml.Node }

// fields lists the fields of a mapping: those written in it, then those that merge keys bring in. Duplicate and
// odd keys are reported and left out.
func (c *checker) fields(n *yaml.Node, at spot) []entry {
	seen := make(map[string]int, len(n.Content)/2)
	list := make([]entry, 0, len(n.Content)/2)
	var merged []*yaml.Node
	c.budget -= len(n.Content) / 2
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.ScalarNode && key.Tag == mergeTag {
			merged = append(merged, value)
			continue
		}
		if complaint := oddKey(key); complaint != "" {
			c.report(key.Line, at.field, "%s", complaint)
			continue
		}
		if line, twice := seen[key.Value]; twice {
			c.report(key.Line, at.child(key.Value, key.Line).field, "duplicate field; it stands already on line %d", c.base+line)
			continue
		}
		seen[key.Value] = key.Line
		list = append(list, entry{key, value})
	}
	if len(merged) > 1 {
		c.report(merged[1].Line, at.field, "duplicate merge key <<; write one with a list")
	}
	for _, value := range merged {
		list = c.merge(list, seen, value, at)
	}
	return list
}

// oddKey tells what is wrong with a key.
func oddKey(key *yaml.Node) string {
	switch {
	case key.Kind != yaml.ScalarNode:
		return "has a key that is " + describe(follow(key)) + "; allowed are strings"
	case !plainTag(key):
		return fmt.Sprintf("has a key with the tag %s; write it without a tag", key.Tag)
	case key.ShortTag() != strTag || ambiguous(key) != "":
		return fmt.Sprintf("has a key that is %s; quote it: %s", describe(key), quoted(key.Value))
	}
	return ""
}

// merge adds the fields that a merge key brings in; what is written or merged before wins.
func (c *checker) merge(list []entry, seen map[string]int, value *yaml.Node, at spot) []entry {
	at.depth++
	if !c.spend(at) {
		return list
	}
	value = follow(value)
	switch value.Kind {
	case yaml.SequenceNode:
		for _, item := range value.Content {
			list = c.merge(list, seen, item, at)
		}
	case yaml.MappingNode:
		for _, e := range c.fields(value, at) {
			if _, there := seen[e.key.Value]; !there {
				seen[e.key.Value] = e.key.Line
				list = append(list, e)
			}
		}
	default:
		c.report(value.Line, at.field, "has a merge key << with %s; allowed is an alias of a mapping, or a list of such", describe(value))
	}
	return list
}

// suggestion says what an unknown field may have meant, and what there is.
func suggestion(name string, known []string) string {
	list := "; allowed are " + strings.Join(known, ", ")
	if i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) }); i >= 0 {
		return fmt.Sprintf("; did you mean %s? Upper and lower case matter", known[i])
	}
	if i := slices.IndexFunc(known, func(k string) bool { return near(k, name) }); i >= 0 {
		return fmt.Sprintf("; did you mean %s?%s", known[i], strings.Replace(list, "; allowed", " Allowed", 1))
	}
	return list
}

// near tells whether two names differ by at most two letters.
func near(a, b string) bool {
	if len(b) > 2*len(a) || len(a) > 2*len(b) {
		return false
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)] <= 2 && row[len(b)] < len(a)
}
