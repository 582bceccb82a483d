package manifest_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

const head = "apiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\nmetadata:\n  name: demo\n"

const body = "spec:\n  repository:\n    url: https://github.com/acme/app.git\n  request: do it\n"

// status returns a status with texts that are awkward to write.
func status() *v1alpha1.WorkOrderStatus {
	at := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	return &v1alpha1.WorkOrderStatus{
		ObservedGeneration: 3, ID: "wo-3f9a2c1b", RunHash: "v1:sha256:00", Phase: v1alpha1.PhaseImplementing,
		Branch: "1.10", BaseBranch: "yes", BaseCommit: "0123456", HeadCommit: "12e4567",
		Conditions: []metav1.Condition{{
			Type: "Ready", Status: metav1.ConditionFalse, Reason: "AgentFailed", LastTransitionTime: at,
			Message: "line one\n  # line two: \"quoted\" 'single'\n\tline three " + strings.Repeat("long ", 40),
		}},
		Steps:   []v1alpha1.Step{{Phase: v1alpha1.PhasePlanning, Attempt: 1, StartedAt: at, SessionID: "null"}},
		Message: "é \u2028 \u0085 \u007f \ufeff \U0001F600 {a: b} # no comment",
	}
}

// lastText is a status whose block ends with a text over several lines.
func lastText() *v1alpha1.WorkOrderStatus {
	return &v1alpha1.WorkOrderStatus{Message: "first\n# second\n\n"}
}

// outside are files taken apart: what stands before the status, the status, and what stands behind it.
var outside = []struct{ name, before, status, after string }{
	{"absent", head + body, "", ""},
	{"at the end", head + body, "status:\n  phase: Pending\n", ""},
	{"at the end, comment and blank lines behind", head + body, "status:\n  phase: Pending\n", "\n# the end\n\n"},
	{"deep comment behind", head + body, "status:\n  phase: Pending\n", "        # deep\n"},
	{"comment inside", head + body, "status:\n  # mine\n  phase: Pending\n\n  # yours\n  id: wo-1\n", "  # behind\n"},
	{"in the middle", head, "status:\n  phase: Pending\n", body},
	{"in the middle, comments behind", head, "status:\n  phase: Pending\n", "# about the spec\n\n" + body},
	{"first", "", "status:\n  phase: Pending\n", head + body},
	{"first, comments above", "# a\n\n# b\n", "status: {}\n", head + body},
	{"empty mapping", head, "status: {}\n", body},
	{"null", head, "status:\n", body},
	{"null with comment behind", head, "status:\n", "# x\n" + body},
	{"tilde", head, "status: ~\n", body},
	{"string", head, "status: done\n", body},
	{"plain text over lines", head, "status: all is\n  done and\n\n  well\n", "# behind\n" + body},
	{"list", head, "status:\n- a\n- b\n", body},
	{"flow over lines", head, "status: {phase: Pending,\n  # c }\n  id: \"wo-}\",\n  x: it's}\n", body},
	{"flow below the key", head, "status:\n  {phase: Pending,\n  id: wo-1}\n", "# }\n" + body},
	{"literal at the end", head, "status:\n  message: |\n    text\n    # no comment\n\n    more\n", "\n  # comment\n" + body},
	{"literal that keeps blanks", head, "status:\n  message: |+\n    text\n\n\n", "# comment\n" + body},
	{"literal with indentation", head, "status:\n  message: |2-\n      deeper\n    # text\n", "  # comment\n" + body},
	{"folded in a list", head, "status:\n  x:\n  - a: >-\n      # text\n      more\n", "    # comment\n" + body},
	{"double quoted over lines", head, "status:\n  message: \"a \\\" b\n    # text\n    # end\"\n", "# comment\n" + body},
	{"single quoted over lines", head, "status:\n  message: 'a '' b\n    # text\n    # end'   # c\n", "# comment\n" + body},
	{"quoted key", head, "\"status\":\n  phase: Pending\n", body},
	{"single-quoted key, blank before colon", head, "'status' :\n  phase: Pending\n", body},
	{"anchor used inside only", head, "status: &s\n  a: &x 1\n  b: *x\n", body},
	{"alias of an anchor outside", strings.Replace(head, "name:", "name: &n", 1), "status: *n\n", body},
	{"duplicate keys inside", head, "status:\n  a: 1\n  a: 2\n", body},
	{"indented by four", strings.ReplaceAll(head+body, "  ", "    "), "status:\n    phase: Pending\n", ""},
	{"whole document indented", "  " + strings.ReplaceAll(strings.TrimSuffix(head+body, "\n"), "\n", "\n  ") + "\n", "  status:\n    phase: Pending\n", "# x\n"},
	{"explicit document", "# file\n---\n" + head + body, "status: {}\n", "...\n# behind\n"},
	{"explicit document, absent", "%YAML 1.2\n---\n" + head + body, "", "...\n"},
	{"second of three", head + body + "---\n" + strings.Replace(head, "demo", "two", 1) + body, "status:\n  id: wo-1\n", "---\n" + strings.Replace(head, "demo", "three", 1) + body},
	{"before a broken document", head + body, "status: {}\n", "---\na: [\n"},
	{"request in a literal behind", head, "status: {}\n", strings.Replace(body, "do it", "|\n    a\n\n    # b\n    status: x", 1)},
	{"request in a literal before", head + strings.Replace(body, "do it", "|+\n    a\n\n", 1), "", ""},
	{"root anchor", "--- &root\n" + head + body, "status: {}\n", ""},
	{"unicode before on the line", "# é\U0001F600 x\n" + strings.Replace(head, "demo", "demo # \u00e9\U0001F600", 1) + body, "status: {}\n", ""},
	{"flow root", "{apiVersion: awo.archon.dev/v1alpha1, kind: WorkOrder, metadata: {name: demo}, ", "status: {a: b}", ", spec: {repository: {url: 'https://github.com/acme/app'}, request: don't stop}} # x\n"},
	{"flow root, last", "{apiVersion: awo.archon.dev/v1alpha1, kind: WorkOrder, metadata: {name: demo}, spec: {repository: {url: https://github.com/acme/app}, request: \"{\"}, ", "status: don't", "}\n"},
	{"flow root, null", "{apiVersion: awo.archon.dev/v1alpha1, kind: WorkOrder, metadata: {name: demo}, ", "status: ", ", spec: {repository: {url: https://github.com/acme/app}, request: x}}\n"},
	{"JSON", "{\n  \"apiVersion\": \"awo.archon.dev/v1alpha1\",\n  \"kind\": \"WorkOrder\",\n  \"metadata\": {\"name\": \"demo\"},\n  ", "\"status\": {\n    \"phase\": \"}\\\"\"\n  }", ",\n  \"spec\": {\"repository\": {\"url\": \"https://github.com/acme/app\"}, \"request\": \"\\ud83d\\ude00 \\/ \u2028\"}\n}\n"},
}

// forms are the ways in which a file can be stored.
var forms = map[string]func(string) string{
	"LF":                func(s string) string { return s },
	"CRLF":              func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	"CR":                func(s string) string { return strings.ReplaceAll(s, "\n", "\r") },
	"BOM":               func(s string) string { return "\ufeff" + s },
	"BOM and CRLF":      func(s string) string { return "\ufeff" + strings.ReplaceAll(s, "\n", "\r\n") },
	"blank lines above": func(s string) string { return "\n\n" + s },
}

func TestSpliceStatusLeavesTheRest(t *testing.T) {
	for _, tc := range outside {
		for form, store := range forms {
			if form == "blank lines above" && strings.HasPrefix(tc.before, "%") {
				continue
			}
			t.Run(tc.name+"/"+form, func(t *testing.T) {
				g := NewWithT(t)
				before, after := store(tc.before), strings.TrimPrefix(store(tc.after), "\ufeff")
				if form == "blank lines above" {
					after = tc.after
				}
				data := before + strings.TrimPrefix(strings.TrimPrefix(store(tc.status), "\ufeff"), "\n\n") + after
				doc := strings.Count(tc.before, "\n---\napi")
				if strings.HasPrefix(tc.before, "#") || strings.HasPrefix(tc.before, "%") {
					doc = 0
				}
				for _, want := range []*v1alpha1.WorkOrderStatus{status(), lastText(), {}} {
					out, err := manifest.SpliceStatus([]byte(data), doc, want)
					g.Expect(err).NotTo(HaveOccurred(), "%s", data)
					g.Expect(string(out)).To(HavePrefix(before))
					g.Expect(string(out)).To(HaveSuffix(after))
					docs, _ := manifest.Parse(out)
					g.Expect(docs[doc].Object).NotTo(BeNil(), "%s", out)
					g.Expect(docs[doc].Object.Status).To(BeComparableTo(want), "%s", out)

					again, err := manifest.SpliceStatus(out, doc, want)
					g.Expect(err).NotTo(HaveOccurred())
					g.Expect(string(again)).To(Equal(string(out)), "not idempotent")

					other, err := manifest.SpliceStatus(out, doc, &v1alpha1.WorkOrderStatus{ID: "wo-0"})
					g.Expect(err).NotTo(HaveOccurred())
					back, err := manifest.SpliceStatus(other, doc, want)
					g.Expect(err).NotTo(HaveOccurred())
					g.Expect(string(back)).To(Equal(string(out)), "not the same by way of another status")
				}
				removed, err := manifest.SpliceStatus([]byte(data), doc, nil)
				g.Expect(err).NotTo(HaveOccurred())
				docs, _ := manifest.Parse(removed)
				g.Expect(docs[doc].Object).NotTo(BeNil(), "%s", removed)
				g.Expect(docs[doc].Object.Status).To(BeNil())
				if !strings.HasPrefix(tc.before, "{") {
					g.Expect(string(removed)).To(Equal(before + after))
				}
			})
		}
	}
}

func TestSpliceStatusText(t *testing.T) {
	small := &v1alpha1.WorkOrderStatus{Phase: "Pending", Changes: &v1alpha1.Changes{Files: 2}}
	block := "  changes:\n    additions: 0\n    commits: 0\n    deletions: 0\n    files: 2\n  phase: Pending\n"
	line := `{"phase":"Pending","changes":{"commits":0,"files":2,"additions":0,"deletions":0}}`
	root := "{\n\t\"apiVersion\": \"awo.archon.dev/v1alpha1\",\n\t\"kind\": \"WorkOrder\",\n\t\"metadata\": {\"name\": \"demo\"},\n\t\"spec\": {}"
	cases := []struct{ name, data, want string }{
		{"appended", head + body, head + body + "status:\n" + block},
		{"no final newline", strings.TrimSuffix(head+body, "\n"), head + body + "status:\n" + block},
		{"no final newline, CRLF", strings.TrimSuffix(strings.ReplaceAll(head+body, "\n", "\r\n"), "\r\n"), strings.ReplaceAll(head+body+"status:\n"+block, "\n", "\r\n")},
		{"no final newline, status there", head + body + "status: {}", strings.TrimSuffix(head+body+"status:\n"+block, "\n")},
		{"after a comment", head + body + "# end", head + body + "# end\nstatus:\n" + block},
		{"before the end marker", head + body + "...\n", head + body + "status:\n" + block + "...\n"},
		{"comment on the line of the key is kept", head + "status: # by awo\n  x: 1\n" + body, head + "status: # by awo\n" + block + body},
		{"flow on one line", "{apiVersion: v1, kind: X}", "{apiVersion: v1, kind: X, status: " + line + "}"},
		{"flow with a trailing comma", "{apiVersion: v1, kind: X,}", "{apiVersion: v1, kind: X, status: " + line + "}"},
		{"flow that is JSON but for a trailing comma", `{"apiVersion":"v1","kind":"X",}`, `{"apiVersion":"v1","kind":"X", "status": ` + line + "}"},
		{"flow with a comment behind", "{apiVersion: v1,\n kind: X # c\n}", "{apiVersion: v1,\n kind: X,\n status: {\n  \"phase\": \"Pending\",\n  \"changes\": {\n   \"commits\": 0,\n   \"files\": 2,\n   \"additions\": 0,\n   \"deletions\": 0\n  }\n } # c\n}"},
		{"JSON with tabs", root + "\n}\n", root + ",\n\t\"status\": {\n\t\t\"phase\": \"Pending\",\n\t\t\"changes\": {\n\t\t\t\"commits\": 0,\n\t\t\t\"files\": 2,\n\t\t\t\"additions\": 0,\n\t\t\t\"deletions\": 0\n\t\t}\n\t}\n}\n"},
		{"JSON on one line", `{"kind":"X"}`, `{"kind":"X", "status": ` + line + `}`},
		{"empty JSON", `{}`, `{"status": ` + line + `}`},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			g := NewWithT(t)
			out, err := manifest.SpliceStatus([]byte(tc.data), 0, small)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(out)).To(Equal(tc.want))
			if json.Valid([]byte(tc.data)) {
				g.Expect(json.Valid(out)).To(BeTrue())
			}
		})
	}
}

func TestSpliceStatusKeepsTheEndOfALiteral(t *testing.T) {
	g := NewWithT(t)
	data := head + strings.Replace(strings.TrimSuffix(body, "\n"), "do it", "|\n    do it", 1)
	before, _ := manifest.Parse([]byte(data))
	out, err := manifest.SpliceStatus([]byte(data), 0, status())
	g.Expect(err).NotTo(HaveOccurred())
	after, _ := manifest.Parse(out)
	g.Expect(after[0].Object.Spec.SpecHash()).To(Equal(before[0].Object.Spec.SpecHash()))
	g.Expect(after[0].Object.Spec.Request).To(Equal("do it\n"))
}

func TestSpliceStatusRefuses(t *testing.T) {
	cases := []struct{ name, data, reason string }{
		{"anchor used outside", head + "status:\n  a: &x do it\n" + strings.Replace(body, "do it", "*x", 1), "the anchor &x"},
		{"question mark keys", "? apiVersion\n: x\n? status\n: {}\n", "one below the other"},
		{"question mark status", "apiVersion: x\n? status\n: {}\n", "one below the other"},
		{"escaped key", "apiVersion: x\n\"stat\\u0075s\": {}\n", "unusual way"},
		{"tagged key", "apiVersion: x\n!!str status: {}\n", "unusual way"},
		{"tab below status", "apiVersion: x\nstatus:\n  a: b\n\tc\n", "tab"},
		{"no YAML", "a: [\n", "is not YAML"},
		{"a list", "- a\n", "a list"},
		{"UTF-16", "\xff\xfea\x00", "UTF-16"},
		{"no such document", "# nothing\n", "no document 0"},
		{"too many values", "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d]\n", "too many values"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			g := NewWithT(t)
			out, err := manifest.SpliceStatus([]byte(tc.data), 0, status())
			var cannot *manifest.ErrCannotSplice
			g.Expect(errors.As(err, &cannot)).To(BeTrue(), "%v %s", err, out)
			g.Expect(cannot.Reason).To(ContainSubstring(tc.reason))
			g.Expect(out).To(BeNil())
		})
	}
}
