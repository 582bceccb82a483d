package main

import (
	"testing"

	. "github.com/onsi/gomega"
)

// oneDocument is a manifest of one line.
func oneDocument(name, request string) string {
	return `{apiVersion: awo.archon.dev/v1alpha1, kind: WorkOrder, metadata: {name: ` + name +
		`}, spec: {repository: {url: "https://github.com/acme/app"}, request: "` + request + `"}}`
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
