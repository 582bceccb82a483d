package v1alpha1

import (
	"fmt"
	"strings"
	"unicode"
)

// Visible writes out as an escape what a text holds that does not show or plays tricks on a terminal: control characters,
// line and paragraph separators, and what turns the direction of writing.
func Visible(s string) string {
	if !strings.ContainsFunc(s, invisible) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		switch {
		case !invisible(r):
			out.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&out, `\x%02x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// IsVisible tells whether a text holds nothing that Visible would write out.
func IsVisible(s string) bool { return !strings.ContainsFunc(s, invisible) }

func invisible(r rune) bool {
	switch {
	case unicode.IsControl(r):
		return true
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e', r == '\u200f', r == '\u061c':
		return true
	}
	return r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == '\ufffe' || r == '\uffff'
}
