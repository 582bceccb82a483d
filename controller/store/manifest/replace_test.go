package manifest_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// inline is a manifest of one line.
func inline(name, request string) string {
	return `{apiVersion: awo.archon.dev/v1alpha1, kind: WorkOrder, metadata: {name: ` + name +
		`}, spec: {repository: {url: "https://github.com/acme/app"}, request: "` + request + `"}}`
}

// asJSON is the same in JSON.
func asJSON(name, request string) string {
	return `{"apiVersion": "awo.archon.dev/v1alpha1", "kind": "WorkOrder", "metadata": {"name": "` + name +
		`"}, "spec": {"repository": {"url": "https://github.com/acme/app"}, "request": "` + request + `"}}`
}

func TestReplaceDocument(t *testing.T) {
	a, b, c, x := inline("a", "A."), inline("b", "B."), inline("c", "C."), inline("b", "X.")
	block := strings.NewReplacer("demo", "b", "do it", "X.").Replace(spec(""))
	const ls, nel = "\u2028", "\u0085"
	tests := map[string]struct {
		data string
		doc  int
		text string
		want string
	}{
		"alone":                     {b, 0, x, x},
		"first":                     {b + "\n---\n" + c + "\n", 0, x + "\n", x + "\n---\n" + c + "\n"},
		"middle":                    {a + "\n---\n" + b + "\n---\n" + c, 1, x + "\n", a + "\n---\n" + x + "\n---\n" + c},
		"last":                      {a + "\n---\n" + b, 1, x, a + "\n---\n" + x},
		"text without a newline":    {a + "\n---\n" + b + "\n---\n" + c, 1, x, a + "\n---\n" + x + "\n---\n" + c},
		"leading marker":            {"---\n" + b + "\n---\n" + c, 0, x + "\n", "---\n" + x + "\n---\n" + c},
		"header before a marker":    {"# head\n---\n" + b + "\n", 0, x + "\n", "# head\n---\n" + x + "\n"},
		"comments of the text":      {"---\n# old\n" + b + "\n# old\n---\n" + c, 0, "# new\n" + x + "\n# end\n", "---\n# new\n" + x + "\n# end\n---\n" + c},
		"empty documents between":   {a + "\n---\n# nothing\n---\n" + b + "\n", 1, x + "\n", a + "\n---\n# nothing\n---\n" + x + "\n"},
		"on the marker's line":      {a + "\n--- " + b + "\n", 1, "\n" + x + "\n", a + "\n---\n" + x + "\n"},
		"to the marker's line":      {a + "\n--- " + b + "\n", 1, x + "\n", a + "\n---\n" + x + "\n"},
		"from a marker's line":      {a + "\n---\n" + b + "\n", 1, " " + x + "\n", a + "\n---\n " + x + "\n"},
		"end marker":                {a + "\n...\n---\n" + b + "\n...\n", 1, x + "\n", a + "\n...\n---\n" + x + "\n...\n"},
		"end marker alone":          {a + "\n...\n# b\n" + b + "\n...\n" + c, 1, x, a + "\n...\n" + x + "\n...\n" + c},
		"carriage returns":          {a + "\r\n---\r\n" + b + "\r\n", 1, x + "\r\n", a + "\r\n---\r\n" + x + "\r\n"},
		"carriage returns, added":   {b + "\r\n---\r\n" + c + "\r\n", 0, x, x + "\r\n---\r\n" + c + "\r\n"},
		"carriage returns, marker":  {a + "\r\n--- " + b + "\r\n", 1, x + "\r\n", a + "\r\n---\r\n" + x + "\r\n"},
		"lone carriage returns":     {b + "\r---\r" + c + "\r", 0, x, x + "\r---\r" + c + "\r"},
		"line breaks of YAML 1.1":   {a + ls + "---" + nel + b, 1, x, a + ls + "---" + nel + x},
		"marker with a comment":     {a + "\n--- # second\n" + b + "\n", 1, x + "\n", a + "\n--- # second\n" + x + "\n"},
		"marker with tags":          {a + "\n--- !!map\n" + b + "\n", 1, x + "\n", a + "\n---\n" + x + "\n"},
		"directive":                 {"%YAML 1.2\n---\n" + b + "\n", 0, x + "\n", "%YAML 1.2\n---\n" + x + "\n"},
		"byte order mark":           {"\ufeff" + b + "\n---\n" + c, 0, x + "\n", "\ufeff" + x + "\n---\n" + c},
		"byte order mark, header":   {"\ufeff# head\n---\n" + b + "\n", 0, x + "\n", "\ufeff# head\n---\n" + x + "\n"},
		"JSON":                      {asJSON("b", "B.") + "\n", 0, asJSON("b", "X.") + "\n", asJSON("b", "X.") + "\n"},
		"JSON that seems to end":    {asJSON("b", ls+"--- x"), 0, x, x},
		"JSON between others":       {a + "\n---\n" + b + "\n---\n" + c, 1, asJSON("b", "X."), a + "\n---\n" + asJSON("b", "X.") + "\n---\n" + c},
		"block":                     {a + "\n---\n" + b + "\n---\n" + c, 1, block, a + "\n---\n" + block + "---\n" + c},
		"broken one":                {a + "\n---\nb: [\n---\n" + c, 1, x + "\n", a + "\n---\n" + x + "\n---\n" + c},
		"beside a broken one":       {"a: [\n---\n" + b + "\n", 1, x + "\n", "a: [\n---\n" + x + "\n"},
		"marker in a literal":       {a + "\n---\nrequest: |\n  x\n  ---\n  y\n---\n" + c, 1, x + "\n", a + "\n---\n" + x + "\n---\n" + c},
		"marker that is not at all": {"---a: b\n---\n" + b + "\n", 1, x + "\n", "---a: b\n---\n" + x + "\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			result, err := manifest.ReplaceDocument([]byte(test.data), test.doc, []byte(test.text))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(result)).To(Equal(test.want))
			docs, _ := manifest.Parse(result)
			g.Expect(docs[test.doc].Object).NotTo(BeNil())
			g.Expect(docs[test.doc].Object.Spec.Request).To(Equal("X."))
			text, err := manifest.DocumentText(result, test.doc)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(strings.TrimSpace(string(text))).To(Equal(strings.TrimSpace(test.text)))
		})
	}
}

func TestReplaceDocumentRefuses(t *testing.T) {
	a, b := inline("a", "A."), inline("b", "B.")
	tests := map[string]struct {
		data   string
		doc    int
		text   string
		reason string
	}{
		"no such document":           {a, 1, b, "no document 1, it has 1"},
		"no text":                    {"\xff\xfe", 0, b, "UTF-16"},
		"a text of two documents":    {a + "\n---\n" + b, 0, a + "\n---\n" + a + "\n", "around it would change"},
		"a text that swallows a doc": {a + "\n---\n" + b + "\n", 0, "# nothing\n", "around it would change"},
		"a text that is broken":      {a + "\n---\n" + b + "\n", 0, "a: [\n", "is not YAML"},
		// YAML does not know the surrogates of JSON, and a file of two documents is no JSON.
		"JSON that YAML cannot read": {a + "\n---\n" + b + "\n", 0, asJSON("a", `\ud83d\ude00`), "would not be read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			out, err := manifest.ReplaceDocument([]byte(test.data), test.doc, []byte(test.text))
			var cannot *manifest.ErrCannotSplice
			g.Expect(err).To(BeAssignableToTypeOf(cannot))
			g.Expect(err).To(MatchError(ContainSubstring(test.reason)))
			g.Expect(out).To(BeNil())
		})
	}
}

func TestDocumentText(t *testing.T) {
	a, b := inline("a", "A."), inline("b", "B.")
	data := "\ufeff# head\n%YAML 1.2\n---\n# mine\n" + a + "\n...\n--- " + b + "\n# end\n---\n"
	for doc, want := range []string{"# mine\n" + a + "\n", " " + b + "\n# end\n"} {
		g := NewWithT(t)
		text, err := manifest.DocumentText([]byte(data), doc)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(text)).To(Equal(want))
	}
	_, err := manifest.DocumentText([]byte(data), 2)
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("no document 2, it has 2")))
}
