package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// rendered is a value as text.
type rendered struct {
	// inline is its JSON on one line, which is also YAML.
	inline string
	// lines are those of its YAML in block style, not indented; nil for a scalar, or to have it on one line.
	lines []string
}

var plainKey = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)

// keyText renders a key in block style.
func keyText(name string) string {
	if plainKey.MatchString(name) && !yaml11Bool.MatchString(name) {
		switch strings.ToLower(name) {
		case "true", "false", "null":
		default:
			return name
		}
	}
	return encodeString(name)
}

// renderBlock renders a mapping for both styles.
func renderBlock(v any) (rendered, error) {
	inline, err := encodeJSON(v)
	if err != nil {
		return rendered{}, err
	}
	// Not Marshal of the value: the JSON that it makes on the way is not escaped as YAML needs it.
	text, err := yaml.JSONToYAML([]byte(inline))
	if err != nil {
		return rendered{}, fmt.Errorf("render as yaml: %w", err)
	}
	return rendered{inline: inline, lines: strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")}, nil
}

// encodeJSON renders a value as JSON that is also YAML: the characters that YAML does not take are escaped.
func encodeJSON(v any) (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "", fmt.Errorf("render as json: %w", err)
	}
	return escapeUnprintable(strings.TrimSuffix(out.String(), "\n")), nil
}

// encodeString renders a string as JSON; a string cannot fail to encode.
func encodeString(s string) string {
	text, err := encodeJSON(s)
	if err != nil {
		panic("manifest: a string that cannot be encoded: " + err.Error())
	}
	return text
}

// escapeUnprintable escapes what JSON allows in a string and YAML does not. Outside of strings JSON is ASCII.
func escapeUnprintable(text string) string {
	unprintable := func(r rune) bool {
		return r >= 0x7f && r < 0xa0 || r == 0xfeff || r == 0xfffe || r == 0xffff
	}
	if !strings.ContainsFunc(text, unprintable) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if unprintable(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// indentJSON spreads JSON over several lines; the first is not indented.
func indentJSON(text, margin, unit string) (string, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), margin, unit); err != nil {
		return "", fmt.Errorf("indent json: %w", err)
	}
	return out.String(), nil
}
