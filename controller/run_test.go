package controller

import (
	"errors"
	"runtime/pprof"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/store"
)

func TestRunLeavesNoThreadBehind(t *testing.T) {
	g := NewWithT(t)
	s, err := store.Open(store.Options{DataDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	release, err := s.Lock()
	g.Expect(err).NotTo(HaveOccurred())
	defer release()
	var locked *store.LockedError
	g.Expect(errors.As(Run(t.Context(), Config{DataDir: s.Layout().Root, Redactor: process.NewRedactor()}), &locked)).To(BeTrue())
	g.Eventually(goroutines).ShouldNot(ContainSubstring("(*Spawner).serve"))
}

// goroutines is what all goroutines do.
func goroutines() string {
	var b strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1)
	return b.String()
}
