package manifest_test

import (
	"errors"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

var (
	cancelPath = []string{"spec", "cancel"}
	retryPath  = []string{"metadata", "annotations", v1alpha1.AnnotationRetriedAt}
)

const flowFile = "{apiVersion: awo.archon.dev/v1alpha1, kind: WorkOrder, metadata: {name: demo}, spec: {request: don't, repository: {url: 'https://a.b/c'}}}"

func TestSetField(t *testing.T) {
	const when = "2026-01-02T03:04:05Z"
	named := func(annotations string) string {
		return strings.Replace(head, "name: demo\n", "name: demo\n"+annotations, 1) + body
	}
	cases := []struct {
		name, data string
		path       []string
		value      any
		want       string
	}{
		{"added", spec(""), cancelPath, true, spec("  cancel: true\n")},
		{"added, no final newline", strings.TrimSuffix(spec(""), "\n"), cancelPath, true, strings.TrimSuffix(spec("  cancel: true\n"), "\n")},
		{"added, CRLF", strings.ReplaceAll(spec("# x\n"), "\n", "\r\n"), cancelPath, true, strings.ReplaceAll(spec("  cancel: true\n# x\n"), "\n", "\r\n")},
		{"added, four spaces", strings.ReplaceAll(spec(""), "  ", "    "), cancelPath, true, strings.ReplaceAll(spec("  cancel: true\n"), "  ", "    ")},
		{"added in front of comments and status", spec("\n# about\nstatus: {}\n"), cancelPath, true, spec("  cancel: true\n\n# about\nstatus: {}\n")},
		{"added behind a literal", head + strings.Replace(body, "do it", "|\n    a\n    # b\n\n", 1), cancelPath, true, head + strings.Replace(body, "do it", "|\n    a\n    # b\n  cancel: true\n\n", 1)},
		{"added behind a literal that keeps blanks", head + strings.Replace(body, "do it", "|+\n    a\n\n", 1) + "kind2: x\n", cancelPath, true, head + strings.Replace(body, "do it", "|+\n    a\n\n", 1) + "  cancel: true\n" + "kind2: x\n"},
		{"changed, comment kept", spec("  cancel: false   # why\n  suspend: false\n"), cancelPath, true, spec("  cancel: true   # why\n  suspend: false\n")},
		{"changed, empty", spec("  cancel: # why\n"), cancelPath, true, spec("  cancel: true # why\n")},
		{"changed, on the next line", spec("  cancel:\n    false\n"), cancelPath, true, spec("  cancel: true\n")},
		{"changed, on the next line, comments kept", spec("  cancel: # a\n    false # b\n"), cancelPath, true, spec("  cancel: true # a # b\n")},
		{"changed, only a tag", spec("  cancel: !!null # why\n"), cancelPath, true, spec("  cancel: true # why\n")},
		{"changed, alias", spec("  cancel: &c false\n  suspend: *c\n"), []string{"spec", "suspend"}, true, spec("  cancel: &c false\n  suspend: true\n")},
		{"same", spec("  cancel: true\n"), cancelPath, true, spec("  cancel: true\n")},
		{"removed", spec("  cancel: true # x\n  suspend: true\n"), cancelPath, nil, spec("  suspend: true\n")},
		{"removed, absent", spec(""), cancelPath, nil, spec("")},
		{"removed, group absent", spec(""), retryPath, nil, spec("")},
		{"annotation and group", spec(""), retryPath, when, named("  annotations:\n    awo.archon.dev/retried-at: \"" + when + "\"\n")},
		{"annotation into an empty group", named("  annotations: # mine\n  labels: {}\n"), retryPath, when, named("  annotations: # mine\n    awo.archon.dev/retried-at: \"" + when + "\"\n  labels: {}\n")},
		{"annotation into {}", named("  annotations: {}\n"), retryPath, when, named("  annotations: {awo.archon.dev/retried-at: \"" + when + "\"}\n")},
		{"annotation into a group with others", named("  annotations:\n      # a\n      a: b\n      # c\n"), retryPath, when, named("  annotations:\n      # a\n      a: b\n      awo.archon.dev/retried-at: \"" + when + "\"\n      # c\n")},
		{"annotation replaced", named("  annotations:\n    'awo.archon.dev/retried-at': >-\n      2025\n      # x\n    # a\n    a: b\n"), retryPath, when, named("  annotations:\n    'awo.archon.dev/retried-at': \"" + when + "\"\n    # a\n    a: b\n")},
		{"annotation removed with its group", named("  annotations:\n    awo.archon.dev/retried-at: x\n"), retryPath, nil, spec("")},
		{"annotation removed from others", named("  annotations:\n    a: b\n    awo.archon.dev/retried-at: x\n"), retryPath, nil, named("  annotations:\n    a: b\n")},
		{"awkward text", named("  annotations: {}\n"), []string{"metadata", "annotations", "yes"}, "a\n\"b\" # \u007f", named("  annotations: {\"yes\": \"a\\n\\\"b\\\" # \\u007f\"}\n")},
		{"flow", flowFile, cancelPath, true, strings.Replace(flowFile, "/c'}}", "/c'}, cancel: true}", 1)},
		{"flow, annotation and group", flowFile, retryPath, when, strings.Replace(flowFile, "name: demo}", "name: demo, annotations: {\"awo.archon.dev/retried-at\":\""+when+"\"}}", 1)},
		{"flow, changed", strings.Replace(flowFile, "don't", "x, cancel: false", 1), cancelPath, true, strings.Replace(flowFile, "don't", "x, cancel: true", 1)},
		{"flow, removed", strings.Replace(flowFile, "don't", "x, cancel: false", 1), cancelPath, nil, strings.Replace(flowFile, "don't", "x", 1)},
		{"flow, first removed", strings.Replace(flowFile, "request", "cancel: false , request", 1), cancelPath, nil, flowFile},
		{"flow, removed, comment kept", strings.Replace(flowFile, "don't", "x, # c\n cancel: false", 1), cancelPath, nil, strings.Replace(flowFile, "don't", "x # c\n ", 1)},
		{"JSON", "{\n  \"spec\": {\n    \"request\": \"x\"\n  }\n}\n", cancelPath, true, "{\n  \"spec\": {\n    \"request\": \"x\",\n    \"cancel\": true\n  }\n}\n"},
		{"JSON, nested", "{\"metadata\": {\n  \"name\": \"x\"}}\n", retryPath, when, "{\"metadata\": {\n  \"name\": \"x\",\n  \"annotations\": {\n    \"awo.archon.dev/retried-at\": \"" + when + "\"\n  }}}\n"},
		{"garbage in the status stays", spec("status:\n  a: 1\n  A: !x\n"), cancelPath, true, spec("  cancel: true\nstatus:\n  a: 1\n  A: !x\n")},
		{"merged, taken back", spec("  <<: {cancel: true}\n"), cancelPath, nil, spec("  <<: {cancel: true}\n  cancel: false\n")},
		{"merged and written, taken back", spec("  <<: [{}, {cancel: true}]\n  cancel: true # x\n"), cancelPath, nil, spec("  <<: [{}, {cancel: true}]\n  cancel: false # x\n")},
		{"merged as false, taken back", spec("  <<: {cancel: false}\n"), cancelPath, nil, spec("  <<: {cancel: false}\n")},
		{"merged as false and written, taken back", spec("  <<: {cancel: false}\n  cancel: true\n"), cancelPath, nil, spec("  <<: {cancel: false}\n")},
		{"merged, changed", spec("  <<: {cancel: false}\n"), cancelPath, true, spec("  <<: {cancel: false}\n  cancel: true\n")},
		{"quoted key that is no merge key", spec("  \"<<\": {cancel: true}\n"), cancelPath, nil, spec("  \"<<\": {cancel: true}\n")},
		{"integer", spec(""), []string{"spec", "retryLimit"}, int32(4), spec("  retryLimit: 4\n")},
	}
	for _, tc := range cases {
		for form, store := range map[string]func(string) string{"": forms["LF"], "BOM": forms["BOM"]} {
			t.Run(tc.name+form, func(t *testing.T) {
				g := NewWithT(t)
				out, err := manifest.SetField([]byte(store(tc.data)), 0, tc.path, tc.value)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(string(out)).To(Equal(store(tc.want)))
			})
		}
	}
}

func TestSetFieldInAnotherDocument(t *testing.T) {
	g := NewWithT(t)
	data := spec("") + "---\n" + spec("") + "...\n---\nbroken: [\n"
	out, err := manifest.SetField([]byte(data), 1, cancelPath, true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(out)).To(Equal(spec("") + "---\n" + spec("  cancel: true\n") + "...\n---\nbroken: [\n"))
}

func TestSetFieldRefuses(t *testing.T) {
	cases := []struct {
		name, data string
		path       []string
		value      any
		reason     string
	}{
		{"alias of a group", "a: &a {x: y}\nspec: *a\n", cancelPath, true, "is a mapping that is not written out in place"},
		{"group used elsewhere", "a: {b: &a {x: y}, c: *a}\n", []string{"a", "b", "z"}, true, "another field than a.b.z would change"},
		{"text as a group", "spec: text\n", cancelPath, true, "is a string that is not written out"},
		{"anchor that is used", "spec:\n  cancel: &c false\n  suspend: *c\n", cancelPath, true, "unknown anchor"},
		{"spec that is merged", "<<: {spec: {request: x}}\n", cancelPath, true, "another field than spec.cancel would change"},
		{"spec that is merged, taken back", "<<: {spec: {request: x, cancel: true}}\n", cancelPath, nil, "another field than spec.cancel would change"},
		{"merged text, removed", "metadata: {annotations: {<<: {" + v1alpha1.AnnotationRetriedAt + ": x}}}\n", retryPath, nil, "comes from a merge key <<"},
		{"question mark", "spec:\n  ? cancel\n  : false\n", cancelPath, true, "one below the other"},
		{"question mark, removed", "spec:\n  ? cancel\n  : false\n", cancelPath, nil, "one below the other"},
		{"unusual key", "spec:\n  \"canc\\u0065l\": true\n  x: y\n", cancelPath, nil, "unusual way"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			g := NewWithT(t)
			out, err := manifest.SetField([]byte(tc.data), 0, tc.path, tc.value)
			var cannot *manifest.ErrCannotSplice
			g.Expect(errors.As(err, &cannot)).To(BeTrue(), "%v %s", err, out)
			g.Expect(cannot.Reason).To(ContainSubstring(tc.reason))
			g.Expect(out).To(BeNil())
		})
	}
	g := NewWithT(t)
	_, err := manifest.SetField([]byte("a: b\n"), 0, nil, true)
	g.Expect(err).To(MatchError(ContainSubstring("path is empty")))
	_, err = manifest.SetField([]byte("a: b\n"), 0, cancelPath, 1.5)
	g.Expect(err).To(MatchError(ContainSubstring("float64 is not supported")))
}

func TestRemoveDocument(t *testing.T) {
	one, two, three := head+body, strings.Replace(head, "demo", "two", 1)+body, strings.Replace(head, "demo", "three", 1)+body
	cases := []struct {
		name, data string
		doc        int
		want       string
	}{
		{"only", one, 0, ""},
		{"only, header stays", "\ufeff# license\n\n" + one + "# end\n", 0, "\ufeff# license\n\n"},
		{"first", one + "---\n" + two, 0, "---\n" + two},
		{"first with header", "# license\n---\n# about one\n" + one + "---\n" + two, 0, "# license\n---\n" + two},
		{"middle", one + "---\n" + two + "# two\n---\n" + three, 1, one + "---\n" + three},
		{"last", one + "---\n" + two + "---\n" + three, 2, one + "---\n" + two},
		{"last without newline", one + "---\n" + strings.TrimSuffix(two, "\n"), 1, one},
		{"end marker", one + "...\n---\n" + two + "...\n---\n" + three, 1, one + "...\n---\n" + three},
		{"end marker that the next needs", one + "---\n" + two + "...\n" + three, 1, one + "...\n" + three},
		{"broken one", one + "---\na: [\n---\n" + three, 1, one + "---\n" + three},
		{"beside a broken one", "a: [\n---\n" + two, 1, "a: [\n"},
		{"CRLF", strings.ReplaceAll(one+"---\n"+two, "\n", "\r\n"), 1, strings.ReplaceAll(one, "\n", "\r\n")},
		{"JSON", "{\"kind\": \"WorkOrder\"}\n", 0, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			g := NewWithT(t)
			out, empty, err := manifest.RemoveDocument([]byte(tc.data), tc.doc)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(out)).To(Equal(tc.want))
			docs, _ := manifest.Parse(out)
			g.Expect(empty).To(Equal(len(docs) == 0))
		})
	}
	g := NewWithT(t)
	_, _, err := manifest.RemoveDocument([]byte(one), 1)
	g.Expect(err).To(MatchError(ContainSubstring("no document 1, it has 1")))
	_, _, err = manifest.RemoveDocument([]byte("\xff\xfe"), 0)
	g.Expect(err).To(MatchError(ContainSubstring("UTF-16")))
}

func TestMarshal(t *testing.T) {
	g := NewWithT(t)
	order := &v1alpha1.WorkOrder{}
	order.Name, order.UID, order.Generation = "demo", "u", 3
	order.Annotations = map[string]string{"a": "1.10"}
	order.Spec.Repository.URL = "https://github.com/acme/app.git"
	order.Spec.Request = "one\n  two\u007f: #\n\nyes\n"
	order.Spec.Repository.Branch = "0123"
	order.Status = &v1alpha1.WorkOrderStatus{Phase: "Failed"}
	data, err := manifest.Marshal(order)
	g.Expect(err).NotTo(HaveOccurred())
	docs, problems := manifest.Parse(data)
	g.Expect(problems).To(BeEmpty(), "%s", data)
	g.Expect(docs[0].Object.Spec).To(Equal(order.Spec))
	g.Expect(docs[0].Object.Annotations).To(Equal(order.Annotations))
	g.Expect(string(data)).To(And(HavePrefix("apiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\nmetadata:\n"), Not(ContainSubstring("{}"))))
	g.Expect(string(data)).NotTo(Or(ContainSubstring("status"), ContainSubstring("null"), ContainSubstring("uid"), ContainSubstring("generation")))

	order.Annotations, order.Spec.Request = nil, "first\nsecond\n"
	order.Spec.Repository.Branch = ""
	data, err = manifest.Marshal(order)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(data)).To(Equal("apiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\nmetadata:\n  name: demo\nspec:\n  repository:\n    url: https://github.com/acme/app.git\n  request: |\n    first\n    second\n"))
}
