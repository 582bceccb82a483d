package main

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// TestDemoManifest lets the repository lie where its address needs escapes.
func TestDemoManifest(t *testing.T) {
	for _, repository := range []string{"/tmp/greeter.git", "/tmp/my files/100%/greeter.git"} {
		g := NewWithT(t)
		data, err := demoManifest(repository)
		g.Expect(err).NotTo(HaveOccurred())
		made := source{label: "demo", data: data}
		g.Expect(checkSource(&made, v1alpha1.Policy{AllowFileRepositories: true}, map[string]string{})).To(BeEmpty())
		address, err := v1alpha1.ParseRepositoryURL(made.docs[0].Object.Spec.Repository.URL)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(address.Path).To(Equal(repository))
	}
}
