package v1alpha1_test

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"naïve 文 \U0001F600 \ufffd": "naïve 文 \U0001F600 \ufffd",
		"a\x1b[31mb\a":              `a\x1b[31mb\x07`,
		"a\u009bb\u0085\x7f":        `a\x9bb\x85\x7f`,
		"\u202egpj.exe\u2066\u200f": `\u202egpj.exe\u2066\u200f`,
		"a\nb\tc\u2028":             `a\x0ab\x09c\u2028`,
		"\ufeff\uffff":              `\ufeff\uffff`,
	} {
		g := NewWithT(t)
		g.Expect(v1alpha1.Visible(text)).To(Equal(want))
		g.Expect(v1alpha1.IsVisible(text)).To(Equal(text == want))
	}
}
