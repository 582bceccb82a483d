package workorder_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/workorder"
)

// lateStore has something happen between the reading of a record and what is made of it.
type lateStore struct {
	*store.Store
	afterRead func()
}

func (s *lateStore) Current(name string) (*store.Record, error) {
	r, err := s.Store.Current(name)
	if then := s.afterRead; then != nil {
		s.afterRead = nil
		then()
	}
	return r, err
}

// overtaking is a reconciler of order a, which is looked at by hand.
type overtaking struct {
	*WithT
	t        *testing.T
	store    *lateStore
	phases   *phases
	r        *workorder.Reconciler
	enqueued chan string
}

// newOvertaking drops a manifest with a request beside a record of earlier runs.
func newOvertaking(t *testing.T, request string, runs ...*store.Record) *overtaking {
	t.Helper()
	o := &overtaking{
		WithT: NewWithT(t), t: t, enqueued: make(chan string, 100),
		phases: &phases{do: map[v1alpha1.Phase]func(context.Context) error{}, runs: map[v1alpha1.Phase]int{}},
	}
	s, err := store.Open(store.Options{DataDir: t.TempDir(), BadAfter: time.Millisecond})
	o.Expect(err).NotTo(HaveOccurred())
	o.store = &lateStore{Store: s}
	for _, run := range runs {
		o.Expect(s.Create(run)).To(Succeed())
	}
	o.Expect(os.WriteFile(filepath.Join(s.Layout().WorkOrders(), "a.yaml"), []byte(requesting(request)), 0o600)).To(Succeed())
	o.Expect(s.Scan(t.Context())).To(Succeed())
	o.r = workorder.New(workorder.Options{
		Store: o.store, Phases: o.phases, Clock: clock.RealClock{}, MaxConcurrent: 2, KeepTranscripts: true,
		NewUID: func() string { return "uid" }, Redact: func(s string) string { return s },
		Enqueue: func(name string, _ time.Duration) { o.enqueued <- name },
	})
	t.Cleanup(func() { o.r.Wait(10 * time.Second) })
	return o
}

func requesting(request string) string {
	return strings.Replace(manifestText, "request: x", "request: "+request, 1)
}

func (o *overtaking) look() {
	o.t.Helper()
	_, err := o.r.Reconcile(o.t.Context(), "a")
	o.Expect(err).NotTo(HaveOccurred())
}

func (o *overtaking) record(id string) *store.Record {
	o.t.Helper()
	r, err := o.store.Record(id)
	o.Expect(err).NotTo(HaveOccurred())
	return r
}

// asked is a run of the order with a request.
func asked(id string, run int64, request string, change ...func(*store.Record)) *store.Record {
	r := &store.Record{ID: id, Name: "a", Namespace: "default", Run: run, Path: "a.yaml"}
	r.Spec.Repository.URL, r.Spec.Request = "https://github.com/a/b", request
	r.SpecHash = r.Spec.SpecHash()
	for _, c := range change {
		c(r)
	}
	return r
}

// The spec is edited while a phase runs, which fails between the reading of the record and the writing of the change.
func TestEditThatMeetsTheEndOfAPhaseIsWorkOfItsOwn(t *testing.T) {
	o := newOvertaking(t, "other", asked("wo-00000001", 1, "x", begun(v1alpha1.PhaseCloning)))
	o.store.afterRead = func() {
		_, err := o.store.Update("wo-00000001", func(r *store.Record) error { ended(v1alpha1.PhaseFailed)(r); return nil })
		o.Expect(err).NotTo(HaveOccurred())
	}
	o.look()
	o.Eventually(func() string { o.look(); return o.current().Spec.Request }).Should(Equal("other"))
	o.Expect(o.current().Run).To(BeEquivalentTo(2))
	o.Expect(o.record("wo-00000001").Spec.Request).To(Equal("x"), "what that run worked on")
	o.Expect(o.record("wo-00000001").CleanedUp).To(BeTrue())
}

func (o *overtaking) current() *store.Record {
	o.t.Helper()
	r, err := o.store.Store.Current("a")
	o.Expect(err).NotTo(HaveOccurred())
	return r
}

// A phase ends between the reading of its record and the question whether it is under way.
func TestPhaseThatEndsDuringALookWasNotInterrupted(t *testing.T) {
	o := newOvertaking(t, "x", asked("wo-00000001", 1, "x"))
	end := make(chan struct{})
	o.phases.on(v1alpha1.PhaseCloning, func(context.Context) error { <-end; return nil })
	o.look()
	o.Expect(o.current().Running).To(Equal(v1alpha1.PhaseCloning))
	o.store.afterRead = func() {
		close(end)
		<-o.enqueued
	}
	o.look()
	events, err := o.store.Events("wo-00000001")
	o.Expect(err).NotTo(HaveOccurred())
	for _, e := range events {
		o.Expect(e.Message).NotTo(ContainSubstring("the controller ended"))
	}
	o.Expect(o.record("wo-00000001").Done).To(ConsistOf(v1alpha1.PhaseCloning))
}

func TestRunThatAnEarlierOneTakesThePlaceOfEnds(t *testing.T) {
	before := asked("wo-00000001", 1, "x", begun(v1alpha1.PhaseCloning), ended(v1alpha1.PhaseSucceeded), cleaned)
	o := newOvertaking(t, "x", before, asked("wo-00000002", 2, "other"))
	o.look()
	o.Expect(o.current().ID).To(Equal("wo-00000001"))
	o.Expect(o.record("wo-00000002").End).To(HaveField("Message", ContainSubstring("wo-00000001")))
	o.Expect(o.store.IDs()).To(BeEmpty(), "nothing of it is left to be dealt with")
}
