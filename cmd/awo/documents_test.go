package main

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// oneDocument is a manifest of one line.
func oneDocument(name, request string) string {
	return `{apiVersion: awo.archon.dev/v1alpha1, kind: WorkOrder, metadata: {name: ` + name +
		`}, spec: {repository: {url: "https://github.com/acme/app"}, request: "` + request + `"}}`
}

func TestReplaceDocument(t *testing.T) {
	a, b, c, x := oneDocument("a", "A."), oneDocument("b", "B."), oneDocument("c", "C."), oneDocument("b", "X.")
	tests := map[string]struct {
		data string
		doc  int
		text string
		want string
	}{
		"alone":                   {b, 0, x, x},
		"first":                   {b + "\n---\n" + c + "\n", 0, x + "\n", x + "\n---\n" + c + "\n"},
		"middle":                  {a + "\n---\n" + b + "\n---\n" + c, 1, x + "\n", a + "\n---\n" + x + "\n---\n" + c},
		"last":                    {a + "\n---\n" + b, 1, x, a + "\n---\n" + x},
		"text without a newline":  {a + "\n---\n" + b + "\n---\n" + c, 1, x, a + "\n---\n" + x + "\n---\n" + c},
		"leading marker":          {"---\n" + b + "\n---\n" + c, 0, x + "\n", "---\n" + x + "\n---\n" + c},
		"header before a marker":  {"# head\n---\n" + b + "\n", 0, x + "\n", "# head\n---\n" + x + "\n"},
		"empty documents between": {a + "\n---\n# nothing\n---\n" + b + "\n", 1, x + "\n", a + "\n---\n# nothing\n---\n" + x + "\n"},
		"on the marker's line":    {a + "\n--- " + b + "\n", 1, "\n" + x + "\n", a + "\n---\n" + x + "\n"},
		"end marker":              {a + "\n...\n---\n" + b + "\n...\n", 1, x + "\n", a + "\n...\n---\n" + x + "\n...\n"},
		"carriage returns":        {a + "\r\n---\r\n" + b + "\r\n", 1, x + "\r\n", a + "\r\n---\r\n" + x + "\r\n"},
		"marker with a comment":   {a + "\n--- # second\n" + b + "\n", 1, x + "\n", a + "\n--- # second\n" + x + "\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			result, err := replaceDocument([]byte(test.data), test.doc, []byte(test.text))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(result)).To(Equal(test.want))
			docs, problems := manifest.Parse(result)
			g.Expect(problems).To(BeEmpty())
			g.Expect(docs[test.doc].Object.Spec.Request).To(Equal("X."))
		})
	}
}

func TestReplaceDocumentRefusesWhatItCannotTellApart(t *testing.T) {
	a, b := oneDocument("a", "A."), oneDocument("b", "B.")
	tests := map[string]struct {
		data string
		doc  int
		text string
	}{
		"no such document":           {a, 1, b},
		"a text of two documents":    {a + "\n---\n" + b, 0, a + "\n---\n" + a + "\n"},
		"a line break YAML 1.1 has":  {strings.ReplaceAll(a+"\n---\n"+b, "\n", "\u2028"), 1, b},
		"a text that swallows a doc": {a + "\n---\n" + b + "\n", 0, "# nothing\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := replaceDocument([]byte(test.data), test.doc, []byte(test.text))
			g.Expect(err).To(MatchError(errAmbiguous))
		})
	}
}

func TestCleanDocument(t *testing.T) {
	g := NewWithT(t)
	data := []byte("# mine\napiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\nmetadata:\n  name: a\n  uid: x\n  generation: 3\n" +
		"  resourceVersion: \"7\"\n  creationTimestamp: \"2026-01-02T03:04:05Z\"\nspec:\n  repository: {url: \"https://github.com/acme/app\"}\n" +
		"  request: A.\nstatus:\n  phase: Succeeded\n# end\n")
	clean, err := cleanDocument(data, 0, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(clean)).To(Equal("# mine\napiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\nmetadata:\n  name: a\n" +
		"spec:\n  repository: {url: \"https://github.com/acme/app\"}\n  request: A.\n# end\n"))
}
