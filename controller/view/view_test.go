package view_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/view"
)

func manifestOf(request string) *v1alpha1.WorkOrder {
	object := &v1alpha1.WorkOrder{}
	object.Name, object.Labels = "order", map[string]string{"team": "web"}
	object.Spec.Repository.URL, object.Spec.Request = "https://github.com/acme/app", request
	object.Status = &v1alpha1.WorkOrderStatus{Phase: v1alpha1.PhaseSucceeded, Message: "claimed by the file"}
	object.UID = "claimed"
	return object
}

// observedRecord is the record of manifestOf("Do it.").
func observedRecord() *store.Record {
	record := &store.Record{
		ID: "wo-0a1b2c3d", Name: "order", Namespace: "default", UID: "uid", Run: 1,
		CreatedAt: metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
	}
	record.Spec = manifestOf("Do it.").Spec
	record.SpecHash = record.Spec.SpecHash()
	record.Status = v1alpha1.WorkOrderStatus{ObservedGeneration: 3, Phase: v1alpha1.PhaseImplementing}
	return record
}

func deleted(record *store.Record) *store.Record {
	record.Deleted = true
	return record
}

func TestObject(t *testing.T) {
	tests := map[string]struct {
		observation store.Observation
		record      *store.Record
		want        func(g Gomega, object *v1alpha1.WorkOrder)
	}{
		"neither manifest nor record": {want: func(g Gomega, object *v1alpha1.WorkOrder) {
			g.Expect(object).To(BeNil())
		}},
		"a manifest that the controller has not seen": {
			observation: store.Observation{Presence: store.Present, Object: manifestOf("Do it.")},
			want: func(g Gomega, object *v1alpha1.WorkOrder) {
				g.Expect(object.APIVersion).To(Equal("awo.archon.dev/v1alpha1"))
				g.Expect(object.Kind).To(Equal("WorkOrder"))
				g.Expect(object.Namespace).To(Equal("default"))
				g.Expect(object.Generation).To(BeEquivalentTo(1))
				g.Expect(object.Status).To(BeNil(), "the file's status is never input")
				g.Expect(object.ResourceVersion).NotTo(BeEmpty())
			},
		},
		"manifest and record": {
			observation: store.Observation{Presence: store.Present, Object: manifestOf("Do it.")}, record: observedRecord(),
			want: func(g Gomega, object *v1alpha1.WorkOrder) {
				g.Expect(object.Labels).To(HaveKeyWithValue("team", "web"))
				g.Expect(object.UID).To(BeEquivalentTo("uid"))
				g.Expect(object.Generation).To(BeEquivalentTo(3))
				g.Expect(object.CreationTimestamp.Year()).To(Equal(2026))
				g.Expect(object.Status.Phase).To(Equal(v1alpha1.PhaseImplementing))
			},
		},
		"a change that the controller has not seen": {
			observation: store.Observation{Presence: store.Present, Object: manifestOf("Do more.")}, record: observedRecord(),
			want: func(g Gomega, object *v1alpha1.WorkOrder) {
				g.Expect(object.Spec.Request).To(Equal("Do more."))
				g.Expect(object.Generation).To(BeEquivalentTo(4))
				g.Expect(object.Status.ObservedGeneration).To(BeEquivalentTo(3))
			},
		},
		"a record without its manifest": {
			observation: store.Observation{Presence: store.Held}, record: observedRecord(),
			want: func(g Gomega, object *v1alpha1.WorkOrder) {
				g.Expect(object.Name).To(Equal("order"))
				g.Expect(object.Spec.Request).To(Equal("Do it."))
				g.Expect(object.Generation).To(BeEquivalentTo(3))
			},
		},
		"deleted": {
			observation: store.Observation{Presence: store.Gone}, record: deleted(observedRecord()),
			want: func(g Gomega, object *v1alpha1.WorkOrder) { g.Expect(object).To(BeNil()) },
		},
		"deleted by command, not yet cleaned up": {
			observation: store.Observation{Presence: store.Tombstoned}, record: observedRecord(),
			want: func(g Gomega, object *v1alpha1.WorkOrder) { g.Expect(object).To(BeNil()) },
		},
		"deleted by command and dropped again": {
			observation: store.Observation{Presence: store.Tombstoned, Object: manifestOf("Do it.")}, record: observedRecord(),
			want: func(g Gomega, object *v1alpha1.WorkOrder) {
				g.Expect(object.Status).To(BeNil(), "that status was another life's")
				g.Expect(object.UID).To(BeEmpty())
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test.want(NewWithT(t), view.Object(test.observation, test.record)) })
	}
}

func TestObjectChangesNothing(t *testing.T) {
	g := NewWithT(t)
	object, record := manifestOf("Do it."), observedRecord()
	shown := view.Object(store.Observation{Presence: store.Present, Object: object}, record)
	shown.Labels["team"], shown.Status.Phase = "other", v1alpha1.PhaseFailed
	g.Expect(object).To(Equal(manifestOf("Do it.")))
	g.Expect(record).To(Equal(observedRecord()))
}

func TestResourceVersionFollowsTheObject(t *testing.T) {
	g := NewWithT(t)
	version := func(request string, phase v1alpha1.Phase) string {
		record := observedRecord()
		record.Status.Phase = phase
		return view.Object(store.Observation{Presence: store.Present, Object: manifestOf(request)}, record).ResourceVersion
	}
	first := version("Do it.", v1alpha1.PhasePlanning)
	g.Expect(version("Do it.", v1alpha1.PhasePlanning)).To(Equal(first))
	g.Expect(version("Do it.", v1alpha1.PhaseImplementing)).NotTo(Equal(first))
	g.Expect(version("Do more.", v1alpha1.PhasePlanning)).NotTo(Equal(first))
}
