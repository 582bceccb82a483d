package workorder_test

import (
	"context"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

var _ = Describe("an order whose record is lost", func() {
	var f *fixture
	BeforeEach(func() { f = newFixture() })

	It("starts afresh when its record is moved away while it runs, and others go on", func() {
		f.phases.on(v1alpha1.PhasePlanning, untilStopped)
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhasePlanning))
		first := f.shown().ID
		outputs := f.store.Layout().Output(first)
		Expect(os.Rename(outputs, outputs+".moved")).To(Succeed())
		f.phases.on(v1alpha1.PhasePlanning, nil)
		f.drop(manifestText + "# look again\n")
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
		Expect(f.shown().ID).NotTo(Equal(first))
		Expect(f.rec.Running()).To(BeZero(), "no slot stays taken")
	})

	It("is stopped when its record is damaged while it runs, and goes on when that is restored", func() {
		stopped := make(chan struct{})
		f.phases.on(v1alpha1.PhasePlanning, func(ctx context.Context) error {
			err := untilStopped(ctx)
			close(stopped)
			return err
		})
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhasePlanning))
		record := f.store.Layout().RecordFile(f.shown().ID)
		whole, err := os.ReadFile(record)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(record, whole[:100], 0o600)).To(Succeed())
		f.drop(strings.Replace(manifestText, "spec:\n", "spec:\n  cancel: true\n", 1))
		Eventually(stopped).Should(BeClosed())
		Eventually(f.rec.Running).Should(BeZero(), "no slot stays taken")
		Expect(os.WriteFile(record, whole, 0o600)).To(Succeed())
		f.drop(strings.Replace(manifestText, "spec:\n", "spec:\n  cancel: true\n  retryLimit: 0\n", 1))
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseCancelled))
	})
})
