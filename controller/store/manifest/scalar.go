package manifest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Tags of YAML values, in short form.
const (
	strTag   = "!!str"
	intTag   = "!!int"
	floatTag = "!!float"
	boolTag  = "!!bool"
	nullTag  = "!!null"
	timeTag  = "!!timestamp"
	mapTag   = "!!map"
	seqTag   = "!!seq"
	mergeTag = "!!merge"
)

var (
	decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	// The rest are words that are no strings to some readers of YAML, kubectl among them, though they are to ours.
	yaml11Bool   = regexp.MustCompile(`^(y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$`)
	yaml11Number = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`)
	yaml11Time   = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:?[0-9]{2})?))?$`)
)

// shownLength is how much of a value a message repeats, in bytes.
const shownLength = 60

// scalar checks a scalar against its type and returns its value, or what is wrong with it.
func scalar(n *yaml.Node, s *schema) (value any, complaint string) {
	if n.Kind == yaml.ScalarNode && !plainTag(n) {
		return nil, fmt.Sprintf("has the tag %s; write the value without a tag", n.Tag)
	}
	switch {
	case s.Format == formatDateTime:
		return stamp(n)
	case s.IntOrString:
		return intOrString(n)
	case s.Type == typeInteger:
		return integer(n, s.Format)
	case s.Type == typeBoolean:
		return boolean(n)
	default:
		return text(n)
	}
}

// plainTag tells whether a scalar has no tag, or one that says what it is anyway.
func plainTag(n *yaml.Node) bool {
	return n.Style&yaml.TaggedStyle == 0 || n.ShortTag() == strTag
}

// text accepts what every reader of YAML takes for a string.
func text(n *yaml.Node) (any, string) {
	switch {
	case n.Kind != yaml.ScalarNode:
		return nil, "is " + describe(n) + "; allowed is a string"
	case n.ShortTag() == strTag && ambiguous(n) == "":
		return n.Value, ""
	case n.Value == "":
		return nil, `has no value; write "" for an empty string, or remove the field`
	default:
		return nil, fmt.Sprintf("is %s where a string belongs; quote it: %s", describe(n), quoted(n.Value))
	}
}

// ambiguous tells what a plain word is to readers that do not take it for a string; empty when there are none.
func ambiguous(n *yaml.Node) string {
	const longest = 64
	switch {
	case !isPlain(n) || len(n.Value) > longest || n.Value == "" || !strings.ContainsRune("yYnNoO+-.0123456789", rune(n.Value[0])):
		return ""
	case yaml11Bool.MatchString(n.Value):
		return "a boolean of YAML 1.1"
	case yaml11Number.MatchString(n.Value):
		return "a number"
	case yaml11Time.MatchString(n.Value):
		return "a date"
	}
	return ""
}

// isPlain tells whether a scalar is written without quotes and tag.
func isPlain(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&^yaml.FlowStyle == 0
}

// boolean accepts true and false.
func boolean(n *yaml.Node) (any, string) {
	switch {
	case isPlain(n) && n.ShortTag() == boolTag:
		return strings.EqualFold(n.Value, "true"), ""
	case n.Kind == yaml.ScalarNode && n.Value != "":
		return nil, fmt.Sprintf("is %s %s; allowed are true and false, without quotes", describe(n), quoted(n.Value))
	default:
		return nil, "is " + describe(n) + "; allowed are true and false"
	}
}

// integer accepts a decimal number that fits.
func integer(n *yaml.Node, format string) (any, string) {
	bits := 64
	if format == formatInt32 {
		bits = 32
	}
	if isPlain(n) && decimal.MatchString(n.Value) {
		if _, err := strconv.ParseInt(n.Value, 10, bits); err != nil {
			return nil, fmt.Sprintf("is out of range; allowed are integers of %d bits", bits)
		}
		return json.Number(n.Value), ""
	}
	if n.Kind == yaml.ScalarNode && n.Value != "" {
		return nil, fmt.Sprintf("is %s %s; allowed is an integer such as 3, decimal and without quotes", describe(n), quoted(n.Value))
	}
	return nil, "is " + describe(n) + "; allowed is an integer such as 3"
}

// intOrString accepts an integer or a string.
func intOrString(n *yaml.Node) (any, string) {
	switch {
	case n.Kind != yaml.ScalarNode || isNull(n):
		return nil, "is " + describe(n) + "; allowed is an integer or a string"
	case n.ShortTag() == intTag:
		return integer(n, formatInt32)
	default:
		return text(n)
	}
}

// stamp accepts a time, quoted or not. Null is what encoders write for none.
func stamp(n *yaml.Node) (any, string) {
	if isNull(n) {
		return nil, ""
	}
	if n.Kind == yaml.ScalarNode {
		if _, err := time.Parse(time.RFC3339, n.Value); err == nil {
			return n.Value, ""
		}
	}
	return nil, "is " + describe(n) + " that is no time; allowed is a time such as 2026-01-02T15:04:05Z"
}

// isNull tells whether a value is null, written or not.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == nullTag
}

// describe names the kind of a value for a message.
func describe(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		return "a mapping"
	}
	if n.Kind == yaml.SequenceNode {
		return "a list"
	}
	switch n.ShortTag() {
	case nullTag:
		return "empty (null)"
	case boolTag:
		return "a boolean"
	case intTag:
		return "an integer"
	case floatTag:
		return "a floating-point number"
	case timeTag:
		return "a date"
	}
	if word := ambiguous(n); word != "" {
		return word
	}
	return "a string"
}

// quoted shows a value in double quotes, cut when it is long.
func quoted(s string) string {
	if len(s) > shownLength {
		s = strings.ToValidUTF8(s[:shownLength], "") + "..."
	}
	return strconv.Quote(s)
}
