package manifest_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// commented are ways to write a status with a comment of a person behind it, and what of it stays behind the key.
var commented = []struct{ name, status, kept string }{
	{"empty mapping", "status: {}   # mine", "   # mine"},
	{"empty list", "status: [] # mine", " # mine"},
	{"null", "status: null # mine", " # mine"},
	{"nothing", "status:  # mine", "  # mine"},
	{"text", "status: done # mine", " # mine"},
	{"quoted", "status: \"x # y\" # c", " # c"},
	{"quoted in single quotes", "status: 'x # '' y' # c", " # c"},
	{"empty text", "status: '' # c", " # c"},
	{"tagged flow", "status: !!map {phase: \"} # \"} # c", " # c"},
	{"anchored", "status: &s {a: b} # c", " # c"},
	{"only a tag", "status: !!null # c", " # c"},
	{"only an anchor and a tag", "status: &s  !!null # c", " # c"},
	{"a hash that is none", "status: a#b\t# c", "\t# c"},
	{"flow over lines", "status: {phase: Pending,\n  # inside\n  id: wo-1} # c", " # c"},
	{"flow below the key", "status:\n  {phase: Pending} # c", " # c"},
	{"behind the key and behind the end", "status: # a\n  {phase: Pending} # b", " # a # b"},
	{"text below the key", "status: # a\n  done # b", " # a # b"},
	{"text over lines", "status: all is\n  done # c", " # c"},
	{"quoted over lines", "status: \"all is\n  # done\" # c", " # c"},
	{"literal", "status: |- # c\n  # text", " # c"},
	{"tagged block", "status: !!map # c\n  phase: Pending", " # c"},
	{"list", "status: # c\n- a", " # c"},
	{"in a block", "status: # c\n  phase: Pending # of the phase", " # c"},
}

func TestSpliceStatusKeepsCommentsBehindIt(t *testing.T) {
	for _, tc := range commented {
		for _, form := range []string{"LF", "CRLF", "BOM"} {
			for place, after := range map[string]string{"middle": body, "comment behind": "      # deep\n" + body, "end of the file": ""} {
				if place == "comment behind" && tc.name == "literal" {
					continue // it would be text
				}
				t.Run(tc.name+"/"+form+"/"+place, func(t *testing.T) {
					g := NewWithT(t)
					before := head
					if after == "" {
						before += body
					}
					end := "\n" + after
					for _, want := range []*v1alpha1.WorkOrderStatus{status(), lastText(), {}} {
						out, err := manifest.SpliceStatus([]byte(forms[form](before+tc.status+end)), 0, want)
						g.Expect(err).NotTo(HaveOccurred())
						text := string(out)
						g.Expect(text).To(HavePrefix(forms[form](before + "status:")))
						g.Expect(text).To(HaveSuffix(strings.TrimPrefix(forms[form](end), "\ufeff")))
						_, block, _ := strings.Cut(text, forms[form](before)[3:])
						line, _, _ := strings.Cut(block, "\n")
						g.Expect(strings.TrimSuffix(line, "\r")).To(HaveSuffix(tc.kept), text)
						docs, _ := manifest.Parse(out)
						g.Expect(docs[0].Object.Status).To(BeComparableTo(want), text)

						other, err := manifest.SpliceStatus(out, 0, &v1alpha1.WorkOrderStatus{ID: "wo-0"})
						g.Expect(err).NotTo(HaveOccurred())
						back, err := manifest.SpliceStatus(other, 0, want)
						g.Expect(err).NotTo(HaveOccurred())
						g.Expect(string(back)).To(Equal(text), "not the same by way of another status")
					}
				})
			}
		}
	}
}
