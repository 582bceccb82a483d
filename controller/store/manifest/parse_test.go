package manifest_test

import (
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// spec renders a manifest with lines added below spec, which begin on line 9.
func spec(lines string) string { return head + body + lines }

// texts renders problems, one a line.
func texts(problems []manifest.Problem) string {
	lines := make([]string, 0, len(problems))
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

func TestParseAccepts(t *testing.T) {
	cases := []struct{ name, data string }{
		{"plain", head + body},
		{"CRLF", strings.ReplaceAll(head+body, "\n", "\r\n")},
		{"CR", strings.ReplaceAll(head+body, "\n", "\r")},
		{"BOM", "\ufeff" + head + body},
		{"four spaces", strings.ReplaceAll(head+body, "  ", "    ")},
		{"no final newline", strings.TrimSuffix(head+body, "\n")},
		{"directive", "%YAML 1.2\n---\n" + head + body},
		{"document end", "---\n" + head + body + "...\n"},
		{"comments around", "# a\n---\n# b\n---\n" + head + body + "---\n# c\n"},
		{"flow", "{apiVersion: awo.archon.dev/v1alpha1, kind: WorkOrder, metadata: {name: demo}, spec: {repository: {url: https://github.com/acme/app.git}, request: do it}}"},
		{"flow behind the marker", "--- {apiVersion: awo.archon.dev/v1alpha1, kind: WorkOrder, metadata: {name: demo}, spec: {repository: {url: https://github.com/acme/app.git}, request: do it}}"},
		{"JSON", `{"apiVersion":"awo.archon.dev/v1alpha1","kind":"WorkOrder","metadata":{"name":"demo"},"spec":{"repository":{"url":"https://github.com/acme/app.git"},"request":"do it"}}`},
		{"JSON with escapes", `{"apiVersion":"awo.archon.dev/v1alpha1","kind":"WorkOrder","metadata":{"name":"demo","annotations":{"a":"\ud83d\ude00\u007f"}},"spec":{"repository":{"url":"https:\/\/github.com\/acme\/app.git"},"request":"do it"}}`},
		{"empty groups", spec("  agent:\n  pullRequest: ~\n  phases:\n  timeouts: {}\n")},
		{"what an API server adds", strings.Replace(head, "name: demo", "name: demo\n  creationTimestamp: null\n  uid: a-b\n  generation: 3\n  resourceVersion: \"7\"\n  deletionTimestamp: 2026-01-02T03:04:05Z\n  selfLink: /x\n  generateName: demo-\n  finalizers: [a]\n  labels:\n  ownerReferences:\n  - {apiVersion: v1, kind: A, name: b, uid: c, controller: true}\n  managedFields:\n  - manager: kubectl\n    fieldsV1:\n      f:spec: {.: {}}", 1) + body},
		{"garbage in the status", spec("status:\n  phase: 1.10\n  Phase: x\n  a: 1\n  a: 2\n  yes: ~\n  ? {b: c}\n  : !x d\n")},
		{"status of another type", spec("status: [1, 2]\n")},
		{"values that only validation refuses", spec("  phases: [PR, Fly]\n  retryLimit: -5\n  agent: {type: gemini, maxTurns: 0, maxBudgetUSD: \"-1\"}\n  timeouts: {phase: soon}\n")},
		{"merge key", spec("  pullRequest: &p {draft: true, title: a}\n  agent: {type: command, command: [x]}\n  timeouts:\n    <<: {idle: 1m, phase: 2m}\n    phase: 1h\n")},
		{"name by a merge key", strings.Replace(head, "name: demo", "<<: {name: demo}", 1) + body},
		{"tag that says what it is", strings.Replace(head+body, "request: do it", "request: !!str do it", 1)},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			g := NewWithT(t)
			docs, problems := manifest.Parse([]byte(tc.data))
			g.Expect(problems).To(BeEmpty(), texts(problems))
			g.Expect(docs).To(HaveLen(1))
			g.Expect(docs[0].Object).NotTo(BeNil())
			g.Expect(docs[0].Name).To(Equal("demo"))
			g.Expect(docs[0].Object.Name).To(Equal("demo"))
			g.Expect(docs[0].Object.Kind).To(Equal("WorkOrder"))
			g.Expect(docs[0].Object.Spec.Request).To(Equal("do it"))
			g.Expect(docs[0].Object.Spec.Repository.URL).To(Equal("https://github.com/acme/app.git"))
			g.Expect(docs[0].Object.Status).To(BeNil())
		})
	}
}

func TestParseDecodesMergedFields(t *testing.T) {
	g := NewWithT(t)
	docs, problems := manifest.Parse([]byte(spec("  timeouts:\n    <<: [{idle: 1m}, {idle: 2m, phase: 3m}]\n    phase: 1h\n")))
	g.Expect(problems).To(BeEmpty(), texts(problems))
	g.Expect(docs[0].Object.Spec.Timeouts).To(Equal(v1alpha1.Timeouts{Idle: "1m", Phase: "1h"}))
}

func TestParseRefuses(t *testing.T) {
	bomb := "  phases: [&a [1,1,1,1,1,1,1,1,1,1], &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a], &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]]\n"
	cases := []struct{ name, data, want string }{
		{"unknown field", spec("  retries: 3\n"), "line 9: spec.retries: unknown field; allowed are agent, cancel, phases, pullRequest, repository, request, retryLimit, suspend, timeouts"},
		{"wrong case", spec("  RetryLimit: 3\n"), "line 9: spec.RetryLimit: unknown field; did you mean retryLimit? Upper and lower case matter"},
		{"misspelt", spec("  retryLimt: 3\n"), "line 9: spec.retryLimt: unknown field; did you mean retryLimit? Allowed are agent,"},
		{"unknown at the root", spec("extra: 1\n"), "line 9: extra: unknown field; allowed are apiVersion, kind, metadata, spec, status"},
		{"unknown deep", spec("  agent: {mode: x}\n"), "line 9: spec.agent.mode: unknown field; did you mean model?"},
		{"duplicate", spec("  request: again\n"), "line 9: spec.request: duplicate field; it stands already on line 8"},
		{"duplicate quoted", spec("  \"request\": again\n"), "line 9: spec.request: duplicate field; it stands already on line 8"},
		{"duplicate annotation", strings.Replace(spec(""), "name: demo", "name: demo\n  annotations: {a: b, a: c}", 1), "line 5: metadata.annotations[a]: duplicate field; it stands already on line 5"},
		{"duplicate status", spec("status: {}\nstatus: {}\n"), "line 10: status: duplicate field"},
		{"float for a string", strings.Replace(spec(""), "request: do it", "request: 1.10", 1), `line 8: spec.request: is a floating-point number where a string belongs; quote it: "1.10"`},
		{"list entry", spec("  pullRequest:\n    labels:\n    - a\n    - 5\n"), `line 12: spec.pullRequest.labels[1]: is an integer where a string belongs; quote it: "5"`},
		{"missing", head + "spec: {}\n", "line 5: spec.repository: is required and missing\nline 5: spec.request: is required and missing"},
		{"empty and required", head + "spec:\n", "line 5: spec: is required and has no value"},
		{"required text empty", strings.Replace(spec(""), "request: do it", "request:", 1), "line 8: spec.request: is required and has no value"},
		{"no metadata", strings.Replace(spec(""), "metadata:\n  name: demo\n", "", 1), "line 1: metadata: is required and missing"},
		{"no name", strings.Replace(spec(""), "name: demo", "namespace: demo", 1), "line 3: metadata.name: is required and missing"},
		{"empty name", strings.Replace(spec(""), "name: demo", `name: ""`, 1), "line 4: metadata.name: is empty"},
		{"long name", strings.Replace(spec(""), "name: demo", "name: "+strings.Repeat("a", 254), 1), "line 4: metadata.name: has 254 bytes; allowed is a name of at most 253 characters"},
		{"long name by a merge key", strings.Replace(spec(""), "name: demo", "<<: {name: "+strings.Repeat("a", 300)+"}", 1), "line 4: metadata.name: has 300 bytes"},
		{"name with an escape", strings.Replace(spec("  cancel: \"x\"\n"), "name: demo", "name: \"a\\e[31m\\u202E\"", 1), "line 4: metadata.name: is \"a\\x1b[31m\\u202e\", which has control characters; allowed are lower case letters, digits, - and .\nline 9: spec.cancel"},
		{"other kind", "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 3}\n", "line 1: apiVersion: is \"apps/v1\"; allowed is awo.archon.dev/v1alpha1\nline 2: kind: is \"Deployment\"; allowed is WorkOrder"},
		{"a list", "apiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrderList\nitems: []\n", "line 2: kind: is \"WorkOrderList\"; allowed is WorkOrder, or give the list to `awo apply -f`"},
		{"no kind", strings.Replace(spec(""), "kind: WorkOrder\n", "", 1), "line 1: kind: is required and missing"},
		{"text for a bool", spec("  cancel: \"true\"\n"), `line 9: spec.cancel: is a string "true"; allowed are true and false, without quotes`},
		{"yes for a bool", spec("  cancel: yes\n"), `line 9: spec.cancel: is a boolean of YAML 1.1 "yes"; allowed are true and false`},
		{"null for a bool", spec("  cancel:\n"), `line 9: spec.cancel: is empty (null); allowed are true and false`},
		{"text for an integer", spec("  retryLimit: \"3\"\n"), `line 9: spec.retryLimit: is a string "3"; allowed is an integer such as 3`},
		{"hexadecimal integer", spec("  retryLimit: 0x10\n"), `line 9: spec.retryLimit: is an integer "0x10"; allowed is an integer such as 3, decimal`},
		{"large integer", spec("  retryLimit: 4294967296\n"), "line 9: spec.retryLimit: is out of range; allowed are integers of 32 bits"},
		{"float budget", spec("  agent: {maxBudgetUSD: 2.50}\n"), `line 9: spec.agent.maxBudgetUSD: is a floating-point number where a string belongs; quote it: "2.50"`},
		{"list for a mapping", spec("  agent: [claude]\n"), "line 9: spec.agent: is a list; allowed is a mapping with command, maxBudgetUSD"},
		{"mapping for a list", spec("  phases: {a: b}\n"), "line 9: spec.phases: is a mapping; allowed is a list"},
		{"mapping for a string", strings.Replace(spec(""), "request: do it", "request: {a: b}", 1), "line 8: spec.request: is a mapping; allowed is a string"},
		{"root list", "- a\n", "line 1: is a list; allowed is a WorkOrder"},
		{"root text", "\nhello\n", "line 2: is a string; allowed is a WorkOrder"},
		{"number as a key", strings.Replace(spec(""), "name: demo", "name: demo\n  labels:\n    1: a", 1), `line 6: metadata.labels: has a key that is an integer; quote it: "1"`},
		{"number as a label", strings.Replace(spec(""), "name: demo", "name: demo\n  labels:\n    a: 1", 1), `line 6: metadata.labels[a]: is an integer where a string belongs; quote it: "1"`},
		{"tag", strings.Replace(spec(""), "request: do it", "request: !!binary aGk=", 1), "line 8: spec.request: has the tag !!binary; write the value without a tag"},
		{"own tag", strings.Replace(spec(""), "request: do it", "request: !env HOME", 1), "line 8: spec.request: has the tag !env"},
		{"bad time", strings.Replace(spec(""), "name: demo", "name: demo\n  creationTimestamp: soon", 1), "line 5: metadata.creationTimestamp: is a string that is no time"},
		{"merge of a text", spec("  agent: {<<: x}\n"), "line 9: spec.agent: has a merge key << with a string"},
		{"unknown field by a merge", spec("  agent:\n    <<: {mode: x}\n"), "line 10: spec.agent.mode: unknown field"},
		{"cycle", spec("  agent: &a\n    command: [x, *a]\n"), "spec.agent.command[1]: is a mapping; allowed is a string"},
		{"merge cycle", spec("  agent: &a {<<: *a}\n"), "nested deeper than 64 levels"},
		{"bomb", spec(bomb), "spec.phases[0]: is a list; allowed is a string"},
		{"UTF-16", "\xff\xfea\x00p\x00", "line 1: the file is in UTF-16 or UTF-32; save it as UTF-8"},
		{"UTF-16 without a mark", "a\x00p\x00", "line 1: the file is in UTF-16"},
		{"Latin-1", head + "# caf\xe9\n" + body, "line 5: the file is not valid UTF-8 from here on"},
		{"too many documents", strings.Repeat("a: b\n---\n", 10001), "line 1: the file has 10001 documents; allowed are at most 10000"},
		{"too large", strings.Repeat("# large\n", 1<<19+1), "line 1: the file has 4194312 bytes; a manifest may have at most 4194304 (4 MiB)"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			g := NewWithT(t)
			docs, problems := manifest.Parse([]byte(tc.data))
			g.Expect(texts(problems)).To(ContainSubstring(tc.want))
			for _, d := range docs {
				g.Expect(d.Object).To(BeNil())
			}
		})
	}
}

func TestParseRefusesScalarsForStrings(t *testing.T) {
	for _, value := range []string{
		"yes", "No", "on", "OFF", "y", "N", "true", "False", "1.10", "0x10", "0o17", "017", "1_000", "089", "12e4567", "+1", "-3", ".5", "5.",
		".inf", "-.INF", ".nan", "2026-01-02", "2026-01-02T03:04:05Z", "2026-01-02 03:04:05", "~", "null", "NULL", "0b11",
		"123456789012345678901234567890",
		"12:30", "190:20:30.5", "2001-12-14 21:59:43.10 -5",
	} {
		t.Run(value, func(t *testing.T) {
			g := NewWithT(t)
			data := spec("  pullRequest:\n    title: " + value + " # comment\n")
			_, problems := manifest.Parse([]byte(data))
			g.Expect(texts(problems)).To(MatchRegexp(`^line 10: spec.pullRequest.title: is (a|an|empty) .* where a string belongs; quote it: "%s"$`, regexp.QuoteMeta(value)))
			docs, problems := manifest.Parse([]byte(strings.Replace(data, "title: "+value, `title: "`+value+`"`, 1)))
			g.Expect(problems).To(BeEmpty())
			g.Expect(docs[0].Object.Spec.PullRequest.Title).To(Equal(value))
		})
	}
}

func TestParseAcceptsPlainWords(t *testing.T) {
	for _, value := range []string{"fix the build", "v1.10", "1.2.3", "yes we can", "2026-01-02 notes", "12:30h", "nothing", "a#b", "=", "<<x", "é"} {
		t.Run(value, func(t *testing.T) {
			g := NewWithT(t)
			docs, problems := manifest.Parse([]byte(spec("  pullRequest:\n    title: " + value + "\n")))
			g.Expect(problems).To(BeEmpty(), texts(problems))
			g.Expect(docs[0].Object.Spec.PullRequest.Title).To(Equal(value))
		})
	}
}

func TestParseSyntaxErrors(t *testing.T) {
	cases := []struct {
		name, data string
		line       int
		message    string
	}{
		{"wrong indentation", spec("   phases: []\n"), 9, "mapping values are not allowed"},
		{"less indentation", head + "spec:\n    request: a\n  repository: b\n", 7, "did not find expected key"},
		{"in the first mapping", "a: b\n c: d\n", 2, "mapping values are not allowed"},
		{"tab", head + "spec:\n\trequest: a\n", 6, "indent with spaces, not with tabs"},
		{"tab on the first line", "\ta: b\n", 1, "indent with spaces, not with tabs"},
		{"open quote", spec("  agent:\n    model: \"a\n  x: y\n"), 10, "found unexpected end of stream"},
		{"open bracket", spec("  phases: [Planning\n  suspend: true\n"), 9, "did not find expected ',' or ']'"},
		{"open bracket on the last line", spec("  phases: [Planning\n"), 9, "did not find expected"},
		{"no colon", spec("  suspend\n  cancel: true\n"), 9, "could not find expected ':'"},
		{"unknown anchor", spec("  agent: *nothing\n"), 9, "unknown anchor 'nothing' referenced"},
		{"control character", spec("  # \x01\n"), 9, "control characters are not allowed"},
		{"content behind the root", "{a: b}\n# c\nc: d\n", 3, "did not find expected <document start>"},
		{"dash among keys", spec("  - a\n"), 9, "did not find expected key"},
		{"at sign", spec("  agent: @x\n"), 9, "found character that cannot start any token"},
		{"colon in a value", head + "spec:\n  request: fix: this\n", 6, "mapping values are not allowed"},
	}
	for _, tc := range cases {
		for _, above := range []string{"", "# one\n# two\n---\n"} {
			t.Run(tc.name+"/"+above, func(t *testing.T) {
				g := NewWithT(t)
				docs, problems := manifest.Parse([]byte(above + tc.data))
				g.Expect(problems).To(HaveLen(1))
				g.Expect(problems[0].Line).To(Equal(tc.line+strings.Count(above, "\n")), problems[0].String())
				g.Expect(problems[0].Message).To(And(HavePrefix("is not YAML: "), ContainSubstring(tc.message)))
				g.Expect(docs).To(HaveLen(1))
				g.Expect(docs[0].Object).To(BeNil())
				if strings.Contains(tc.data, "name: demo") {
					g.Expect(docs[0].Name).To(Equal("demo"))
				}
			})
		}
	}
}

func TestParseSeveralDocuments(t *testing.T) {
	g := NewWithT(t)
	two := strings.Replace(head, "demo", "two", 1)
	data := "# header\n---\n---\n# nothing\n---\n" + head + body + "---\n" + two + "  oops: [\n---\n" + two + strings.Replace(body, "do it", "\"---\"", 1) + "...\n---\n{}\n"
	docs, problems := manifest.Parse([]byte(data))
	g.Expect(docs).To(HaveLen(4))
	g.Expect([]int{docs[0].Index, docs[1].Index, docs[2].Index, docs[3].Index}).To(Equal([]int{0, 1, 2, 3}))
	g.Expect([]string{docs[0].Name, docs[1].Name, docs[2].Name, docs[3].Name}).To(Equal([]string{"demo", "two", "two", ""}))
	g.Expect(docs[0].Object).NotTo(BeNil())
	g.Expect(docs[0].Line).To(Equal(6))
	g.Expect(docs[1].Object).To(BeNil())
	g.Expect(docs[2].Object.Spec.Request).To(Equal("---"))
	g.Expect(docs[2].Line).To(Equal(21))
	g.Expect(problems[0].Document).To(Equal(1))
	g.Expect(problems[0].Line).To(Equal(19))
	g.Expect(problems[1].Document).To(Equal(3))
	g.Expect(problems[1].Line).To(Equal(31))
}

func TestParseNothing(t *testing.T) {
	for _, data := range []string{"", "\n", "# a\n", "---\n", "---\n# a\n...\n---\n", "\ufeff", " \t\n"} {
		docs, problems := manifest.Parse([]byte(data))
		if len(docs)+len(problems) > 0 {
			t.Errorf("%q: %v %v", data, docs, problems)
		}
	}
}

func TestParseStatus(t *testing.T) {
	g := NewWithT(t)
	docs, _ := manifest.Parse([]byte(spec("status: {phase: Pending, observedGeneration: 2}\n")))
	g.Expect(docs[0].Object.Status).To(Equal(&v1alpha1.WorkOrderStatus{Phase: "Pending", ObservedGeneration: 2}))
	docs, _ = manifest.Parse([]byte(spec("status: {phase: Pending, foreign: 2}\n")))
	g.Expect(docs[0].Object.Status).To(BeNil(), "a status with a field that we do not write is not ours")
}

func TestParseLimitsProblems(t *testing.T) {
	g := NewWithT(t)
	_, problems := manifest.Parse([]byte(spec(strings.Repeat("  x: 1\n", 1000))))
	g.Expect(problems).To(HaveLen(51))
	g.Expect(problems[50].Message).To(ContainSubstring("more problems"))
}

func TestDocumentValidate(t *testing.T) {
	g := NewWithT(t)
	docs, problems := manifest.Parse([]byte("# x\n" + spec("  phases:\n  - Planning\n  - PR\n  agent:\n    maxTurns: 0\n    type:\n      command\n")))
	g.Expect(problems).To(BeEmpty(), texts(problems))
	found := docs[0].Validate(v1alpha1.Policy{})
	g.Expect(texts(found)).To(Equal(`line 12: spec.phases[1]: Invalid value: "PR": needs Implementing; add it before PR, or leave PR out
line 13: spec.agent.command: Required value: type command needs the program and its arguments, such as [./agent.sh]
line 14: spec.agent.maxTurns: Invalid value: 0: must be 1 or more; leave it out for no limit`))
	g.Expect(manifest.Document{}.Validate(v1alpha1.Policy{})).To(BeEmpty())
}

func TestProblemsNeverShowCredentials(t *testing.T) {
	g := NewWithT(t)
	docs, problems := manifest.Parse([]byte(strings.Replace(spec(""), "https://github.com", "https://bob:hunter2@github.com", 1)))
	g.Expect(problems).To(BeEmpty())
	found := docs[0].Validate(v1alpha1.Policy{})
	g.Expect(texts(found)).To(And(ContainSubstring("line 7: spec.repository.url: "), ContainSubstring("credentials"), Not(ContainSubstring("hunter2"))))
}

// TestNameOfABrokenDocument: what no order can bear is not handed on as the name of one, however broken the rest is.
func TestNameOfABrokenDocument(t *testing.T) {
	for _, name := range []string{strings.Repeat("a", 254), `"a\e"`, `"a\u009b"`} {
		for _, rest := range []string{"", "oops: 1\n", "x: [\n"} {
			g := NewWithT(t)
			docs, problems := manifest.Parse([]byte(strings.Replace(spec(rest), "name: demo", "name: "+name, 1)))
			g.Expect(docs[0].Name).To(BeEmpty(), rest)
			g.Expect(docs[0].Object).To(BeNil())
			g.Expect(problems).NotTo(BeEmpty())
			for _, p := range problems {
				g.Expect(p.Name).To(BeEmpty(), p)
			}
		}
	}
}
