package workorder_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/store"
)

func interruptedBy(ctx context.Context) error {
	return failure.NewInterrupted(fmt.Errorf("ended: %w", context.Cause(ctx)))
}

var _ = Describe("an order", func() {
	var f *fixture
	BeforeEach(func() { f = newFixture() })
	AfterEach(func() {
		if CurrentSpecReport().Failed() {
			data, err := os.ReadFile(f.file())
			GinkgoWriter.Printf("%s\n%v\n%+v\n%+v\n", data, err, f.store.Lookup("a"), f.store.Problems())
		}
	})

	It("passes through its phases once and stays at its end", func() {
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
		f.drop(manifestText + "  timeouts: {phase: 2h}\n")
		Eventually(func() int64 { return f.shown().ObservedGeneration }).Should(Equal(int64(2)))
		Expect(f.phases.count(v1alpha1.PhaseImplementing)()).To(Equal(1))
	})

	It("runs other work, and shows an earlier run when its work comes back", func() {
		for round := range 3 {
			f.drop(manifestText)
			Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
			first := f.shown().ID
			f.drop(strings.Replace(manifestText, "request: x", "request: other", 1))
			Eventually(func() string { return f.shown().ID }).ShouldNot(Or(Equal(first), BeEmpty()), "round %d", round)
			Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
			f.drop(manifestText)
			Eventually(func() string { return f.shown().ID }).Should(Equal(first), "round %d", round)
			Expect(f.phases.count(v1alpha1.PhaseImplementing)()).To(Equal(2))
		}
	})

	It("is retried with attempts counted, then fails, and is taken up again on request", func() {
		f.phases.on(v1alpha1.PhasePlanning, func(context.Context) error {
			return failure.NewRetry(v1alpha1.ReasonAgentFailed, errors.New("overloaded"))
		})
		f.drop(manifestText)
		Eventually(f.phase).WithTimeout(10e9).Should(Equal(v1alpha1.PhaseFailed))
		Expect(f.phases.count(v1alpha1.PhasePlanning)()).To(Equal(3))
		f.phases.on(v1alpha1.PhasePlanning, nil)
		id := f.shown().ID
		f.drop(strings.Replace(manifestText, "  name: a\n", "  name: a\n  annotations: {awo.archon.dev/retried-at: now}\n", 1))
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
		Expect(f.shown().ID).To(Equal(id))
		Expect(f.shown().LastHandledRetry).To(Equal("now"))
	})

	It("refuses a change of the work while it runs, and keeps the recorded spec", func() {
		f.phases.on(v1alpha1.PhasePlanning, untilStopped)
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhasePlanning))
		f.drop(strings.Replace(manifestText, "request: x", "request: other", 1))
		Eventually(func() []string { return types(f.shown()) }).Should(ContainElement(v1alpha1.ConditionSpecChangeRefused))
		Expect(f.phases.count(v1alpha1.PhasePlanning)()).To(Equal(1))
	})

	It("says after the end what it has refused, until an edit or a retry starts it", func() {
		refusedIs := func(m OmegaMatcher) {
			GinkgoHelper()
			Eventually(func() []string { return types(f.shown()) }).Should(m)
		}
		planned := make(chan struct{})
		f.phases.on(v1alpha1.PhasePlanning, func(context.Context) error { <-planned; return nil })
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhasePlanning))
		other := strings.Replace(manifestText, "request: x", "request: other", 1)
		f.drop(other)
		refusedIs(ContainElement(v1alpha1.ConditionSpecChangeRefused))
		close(planned)
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
		first := f.shown().ID
		refusedIs(ContainElement(v1alpha1.ConditionSpecChangeRefused))

		f.drop(strings.Replace(other, "  name: a\n", "  name: a\n  annotations: {awo.archon.dev/retried-at: now}\n", 1))
		Eventually(func() string { return f.shown().ID }).ShouldNot(Equal(first))
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
		refusedIs(Not(ContainElement(v1alpha1.ConditionSpecChangeRefused)))
		rec, err := f.store.Current("a")
		Expect(err).NotTo(HaveOccurred())
		Expect(rec.Spec.Request).To(Equal("other"))
	})

	It("goes on saying what it has refused when the next phase begins", func() {
		planned, recorded := make(chan struct{}), make(chan []string, 1)
		f.phases.on(v1alpha1.PhasePlanning, func(context.Context) error { <-planned; return nil })
		f.phases.on(v1alpha1.PhaseImplementing, func(context.Context) error {
			rec, err := f.store.Current("a")
			recorded <- types(rec.Status)
			return err
		})
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhasePlanning))
		f.drop(strings.Replace(manifestText, "request: x", "request: other", 1))
		Eventually(func() []string { return types(f.shown()) }).Should(ContainElement(v1alpha1.ConditionSpecChangeRefused))
		close(planned)
		Eventually(recorded).Should(Receive(ContainElement(v1alpha1.ConditionSpecChangeRefused)))
	})

	It("waits while the disk has no room, and goes on when there is some", func() {
		f.short.Store(new("less than 1 GiB is free"))
		f.drop(manifestText)
		Eventually(func() string { return f.shown().Message }).Should(ContainSubstring("less than 1 GiB is free"))
		Expect(f.shown().Conditions).To(ContainElement(And(HaveField("Type", "Ready"), HaveField("Reason", v1alpha1.ReasonDiskFull))))
		Expect(f.phases.count(v1alpha1.PhaseCloning)()).To(BeZero())
		f.short.Store(nil)
		_, err := f.rec.Reconcile(GinkgoT().Context(), "a")
		Expect(err).NotTo(HaveOccurred())
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
	})

	It("does not count a full disk as an attempt", func() {
		var failures atomic.Int32
		f.phases.on(v1alpha1.PhasePlanning, func(context.Context) error {
			failures.Add(1)
			return fmt.Errorf("write plan.md: %w", syscall.ENOSPC)
		})
		f.drop(manifestText)
		Eventually(func() string { return f.shown().Message }).Should(ContainSubstring("(attempt 1): write plan.md"))
		Expect(failures.Load()).To(Equal(int32(1)))
		f.phases.on(v1alpha1.PhasePlanning, nil)
		f.drop(strings.Replace(manifestText, "  name: a\n", "  name: a\n  annotations: {awo.archon.dev/retried-at: now}\n", 1))
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
	})

	It("is suspended and goes on without counting an attempt", func() {
		f.phases.on(v1alpha1.PhasePlanning, untilStopped)
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhasePlanning))
		f.drop(manifestText + "  suspend: true\n")
		Eventually(func() string { return f.shown().Message }).Should(ContainSubstring("suspended"))
		f.phases.on(v1alpha1.PhasePlanning, nil)
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
		Expect(f.shown().Steps).To(HaveEach(HaveField("Attempt", int32(1))))
	})

	It("is cancelled, with what it was doing said", func() {
		f.phases.on(v1alpha1.PhaseImplementing, untilStopped)
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseImplementing))
		f.drop(manifestText + "  cancel: true\n")
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseCancelled))
		Expect(f.shown().Steps).To(ContainElement(HaveField("Outcome", v1alpha1.StepCancelled)))
	})

	It("goes on after a stop of the controller, without counting it", func() {
		f.phases.on(v1alpha1.PhaseImplementing, untilStopped)
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseImplementing))
		f.stop()
		f.phases.on(v1alpha1.PhaseImplementing, nil)
		f.start()
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
		Expect(f.phases.count(v1alpha1.PhasePlanning)()).To(Equal(1), "what was done is not done again")
		Expect(f.shown().Steps).To(HaveEach(HaveField("Attempt", int32(1))))
	})

	It("is deleted with its file, and its preservation is not interrupted by further looks", func() {
		f.phases.on(v1alpha1.PhaseImplementing, untilStopped)
		preserving, finish := make(chan struct{}), make(chan struct{})
		f.phases.preserve = func(ctx context.Context) error {
			close(preserving)
			select {
			case <-finish:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseImplementing))
		Expect(os.Remove(f.file())).To(Succeed())
		Eventually(preserving).Should(BeClosed())
		for range 5 {
			_, err := f.rec.Reconcile(GinkgoT().Context(), "a")
			Expect(err).NotTo(HaveOccurred())
		}
		close(finish)
		Eventually(f.phases.gone).Should(Equal(1))
		Eventually(func() bool {
			rec, err := f.store.Current("a")
			return err == nil && rec.Deleted
		}).Should(BeTrue())
	})

	It("keeps its workspace when its work cannot be saved", func() {
		f.phases.on(v1alpha1.PhaseImplementing, untilStopped)
		f.phases.preserve = func(context.Context) error {
			return failure.NewTerminal(v1alpha1.ReasonAgentFailed, errors.New(".git is a symlink"))
		}
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseImplementing))
		Expect(os.Remove(f.file())).To(Succeed())
		var rec *store.Record
		Eventually(func() bool {
			rec, _ = f.store.Current("a")
			return rec.Deleted
		}).Should(BeTrue())
		Expect(f.phases.gone()).To(BeZero())
		events, err := f.store.Events(rec.ID)
		Expect(err).NotTo(HaveOccurred())
		Expect(events).To(ContainElement(HaveField("Message", ContainSubstring(".git is a symlink"))))
	})

	It("shows an invalid spec and runs the corrected one", func() {
		f.drop(manifestText + "  timeouts: {phase: soon}\n")
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseFailed))
		Expect(f.shown().Message).To(ContainSubstring("spec.timeouts.phase"))
		Expect(f.phases.count(v1alpha1.PhaseCloning)()).To(BeZero())
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseSucceeded))
	})

	It("tells no secret", func() {
		f.phases.on(v1alpha1.PhaseCloning, func(context.Context) error {
			return failure.NewTerminal(v1alpha1.ReasonRepositoryNotFound, errors.New("remote: s3cret is not there"))
		})
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseFailed))
		Expect(f.shown().Message).To(Equal("remote: [redacted] is not there"))
		Expect(f.shown().Steps).To(HaveEach(HaveField("Reason", v1alpha1.ReasonRepositoryNotFound)))
		files, err := filepath.Glob(filepath.Join(f.dir, "outputs", "*", "*"))
		Expect(err).NotTo(HaveOccurred())
		for _, file := range append(files, f.file()) {
			if data, err := os.ReadFile(file); err == nil {
				Expect(string(data)).NotTo(ContainSubstring("s3cret"), file)
			}
		}
	})

	It("survives a phase that panics", func() {
		f.phases.on(v1alpha1.PhaseCloning, func(context.Context) error { panic("oops") })
		f.drop(manifestText)
		Eventually(f.phase).Should(Equal(v1alpha1.PhaseFailed))
		Expect(f.shown().Message).To(ContainSubstring("oops"))
		Expect(f.shown().Steps).To(HaveEach(HaveField("Reason", v1alpha1.ReasonCloneFailed)))
	})
})

// types lists the types of the conditions.
func types(st v1alpha1.WorkOrderStatus) []string {
	out := make([]string, 0, len(st.Conditions))
	for _, c := range st.Conditions {
		out = append(out, c.Type)
	}
	return out
}
