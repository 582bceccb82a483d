package workorder

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/store"
)

// conditionsOfStatus is type, status and reason of each condition.
func summaryOf(st v1alpha1.WorkOrderStatus) map[string]string {
	out := map[string]string{}
	for _, c := range st.Conditions {
		out[c.Type] = string(c.Status) + " " + c.Reason
	}
	return out
}

func TestProject(t *testing.T) {
	backoff := Backoff{Base: time.Minute, Max: time.Minute, Jitter: noJitter}
	for _, c := range []struct {
		name    string
		make    func() *store.Record
		view    View
		phase   v1alpha1.Phase
		message string
		want    map[string]string
	}{
		{"fresh", func() *store.Record { return &store.Record{ID: "wo-1", Name: "a"} }, View{}, v1alpha1.PhasePending, "Cloning is due",
			map[string]string{"Ready": "Unknown Progressing", "Reconciling": "True Progressing", "SpecValid": "True Valid"}},
		{"queued", func() *store.Record { return &store.Record{ID: "wo-1", Name: "a"} }, View{Queued: true}, v1alpha1.PhasePending,
			"Cloning waits for a free slot",
			map[string]string{"Ready": "Unknown WaitingForSlot", "Reconciling": "True WaitingForSlot", "SpecValid": "True Valid"}},
		{"running", func() *store.Record { return started(v1alpha1.PhaseCloning) }, View{}, v1alpha1.PhaseCloning, "Cloning (attempt 1)",
			map[string]string{"Ready": "Unknown Progressing", "Reconciling": "True Progressing", "SpecValid": "True Valid", "Cloned": "Unknown Progressing"}},
		{"backing off", func() *store.Record {
			r := started(v1alpha1.PhaseCloning)
			settle(r, v1alpha1.PhaseCloning, errors.New("no network"), noon, backoff)
			return r
		}, View{}, v1alpha1.PhaseCloning, "Cloning is tried again at 2026-11-23T12:01:00Z (attempt 2): no network",
			map[string]string{"Ready": "Unknown Backoff", "Reconciling": "True Backoff", "SpecValid": "True Valid", "Cloned": "Unknown Backoff"}},
		{"no room, after a failure", func() *store.Record {
			r := started(v1alpha1.PhaseCloning)
			settle(r, v1alpha1.PhaseCloning, errors.New("no network"), noon, backoff)
			return r
		}, View{Short: "less than 1 GiB is free"}, v1alpha1.PhaseCloning,
			"Cloning waits until the disk has room: less than 1 GiB is free; free some, it then goes on by itself",
			map[string]string{"Ready": "Unknown DiskFull", "Reconciling": "True DiskFull", "SpecValid": "True Valid", "Cloned": "Unknown DiskFull"}},
		{"disk full during a phase", func() *store.Record {
			r := started(v1alpha1.PhaseCloning)
			settle(r, v1alpha1.PhaseCloning, fmt.Errorf("write pack: %w", syscall.ENOSPC), noon, backoff)
			return r
		}, View{}, v1alpha1.PhaseCloning, "Cloning is tried again at 2026-11-23T12:01:00Z (attempt 1): write pack: no space left on device",
			map[string]string{"Ready": "Unknown DiskFull", "Reconciling": "True DiskFull", "SpecValid": "True Valid", "Cloned": "Unknown DiskFull"}},
		{"suspended", func() *store.Record {
			r := started(v1alpha1.PhaseCloning)
			settle(r, v1alpha1.PhaseCloning, nil, noon, backoff)
			r.Spec.Suspend = true
			return r
		}, View{}, v1alpha1.PhasePlanning, "suspended before Planning; run `awo resume a` to go on",
			map[string]string{"Ready": "Unknown Suspended", "SpecValid": "True Valid", "Cloned": "True Succeeded", "Planned": "Unknown Suspended"}},
		{"failed", func() *store.Record {
			r := started(v1alpha1.PhaseCloning)
			settle(r, v1alpha1.PhaseCloning, failure.NewTerminal(v1alpha1.ReasonRepositoryNotFound, errors.New("no such repository")), noon, backoff)
			return r
		}, View{}, v1alpha1.PhaseFailed, "no such repository",
			map[string]string{"Ready": "False RepositoryNotFound", "Stalled": "True RepositoryNotFound", "SpecValid": "True Valid", "Cloned": "False RepositoryNotFound"}},
		{"succeeded", func() *store.Record {
			r := started(v1alpha1.PhasePR)
			r.Done = []v1alpha1.Phase{v1alpha1.PhaseCloning, v1alpha1.PhasePlanning, v1alpha1.PhaseImplementing}
			r.Pushed, r.Status.HeadCommit = "abc", "abc"
			r.Status.PullRequest = &v1alpha1.PullRequest{URL: "https://github.com/a/b/pull/1", Number: 1}
			settle(r, v1alpha1.PhasePR, nil, noon, backoff)
			finish(r, &store.End{Phase: v1alpha1.PhaseSucceeded, Message: succeeded(r)}, noon)
			return r
		}, View{}, v1alpha1.PhaseSucceeded, "pull request https://github.com/a/b/pull/1",
			map[string]string{"Ready": "True Succeeded", "SpecValid": "True Valid", "Cloned": "True Succeeded", "Planned": "True Succeeded",
				"Implemented": "True Succeeded", "Pushed": "True Succeeded", "PullRequestOpened": "True Succeeded"}},
		{"notes", func() *store.Record {
			r := started(v1alpha1.PhaseCloning)
			r.LeftOut, r.PromptProblem = []string{".env"}, "broken"
			r.StatusKeptOut = &store.Note{Reason: v1alpha1.ReasonTrackedByGit, Message: "x"}
			r.NotFetched = &store.Note{Reason: v1alpha1.ReasonLFS, Message: "x"}
			return r
		}, View{Refused: []string{"spec.request"}, Invalid: []string{"spec.phases"}}, v1alpha1.PhaseCloning, "Cloning (attempt 1)",
			map[string]string{"Ready": "Unknown Progressing", "Reconciling": "True Progressing", "SpecValid": "False InvalidSpec", "Cloned": "Unknown Progressing",
				"FilesLeftOut": "True LeftOut", "PromptTemplateBroken": "True TemplateInvalid", "StatusNotWritten": "True TrackedByGit", "ContentNotFetched": "True LFS",
				"SpecChangeRefused": "True FieldImmutableDuringRun"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			r := c.make()
			c.view.Now = noon
			project(r, c.view)
			g.Expect(r.Status.Phase).To(Equal(c.phase))
			g.Expect(r.Status.Message).To(Equal(c.message))
			g.Expect(summaryOf(r.Status)).To(Equal(c.want))
		})
	}
}

func TestPhaseThatIsNotCompleteSaysWhatItDoes(t *testing.T) {
	for want, change := range map[string]func(*store.Record){
		"under way": func(*store.Record) {},
		"suspended": func(r *store.Record) { r.Running, r.Spec.Suspend = "", true },
		"waiting": func(r *store.Record) {
			settle(r, v1alpha1.PhasePlanning, errors.New("overloaded"), noon, Backoff{Base: time.Minute, Max: time.Minute, Jitter: noJitter})
		},
	} {
		t.Run(want, func(t *testing.T) {
			g := NewWithT(t)
			r := started(v1alpha1.PhasePlanning)
			r.Done = []v1alpha1.Phase{v1alpha1.PhaseCloning}
			change(r)
			project(r, View{Now: noon})
			g.Expect(meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionPlanned).Message).To(Equal(want))
		})
	}
}

func TestProjectIsQuiet(t *testing.T) {
	g := NewWithT(t)
	r := started(v1alpha1.PhaseCloning)
	project(r, View{Now: noon})
	before := r.Status.DeepCopy()
	project(r, View{Now: noon.Add(time.Hour)})
	g.Expect(r.Status).To(Equal(*before), "a second look an hour later changes no byte")
	settle(r, v1alpha1.PhaseCloning, nil, noon.Add(time.Hour), Backoff{Jitter: noJitter})
	project(r, View{Now: noon.Add(time.Hour)})
	cloned := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionCloned)
	g.Expect(cloned.LastTransitionTime).To(Equal(metav1.NewTime(noon.Add(time.Hour))))
}

func TestObserve(t *testing.T) {
	g := NewWithT(t)
	r := &store.Record{ID: "wo-1", Name: "a"}
	wanted := v1alpha1.WorkOrderSpec{Request: "new", RetryLimit: new(int32)}
	observe(r, &wanted, true)
	g.Expect(r.Spec).To(Equal(wanted), "all may change before the run begins")

	begin(r, v1alpha1.PhaseCloning, noon)
	turns := int32(3)
	next := wanted.DeepCopy()
	next.Request, next.Suspend, next.Agent.MaxTurns = "newer", true, &turns
	next.Repository.Branch = "b"
	observe(r, next, true)
	g.Expect(r.Spec.Request).To(Equal("new"))
	g.Expect(r.Spec.Suspend).To(BeTrue())
	g.Expect(r.Status.ObservedGeneration).To(Equal(int64(2)))
	g.Expect(refused(r, next)).To(ConsistOf("spec.request", "spec.agent.maxTurns", "spec.repository.branch"))
	g.Expect(refused(r, &r.Spec)).To(BeEmpty())

	bad := r.Spec.DeepCopy()
	bad.Timeouts.Phase, bad.Suspend = "soon", false
	observe(r, bad, false)
	g.Expect(r.Spec.Timeouts.Phase).To(BeEmpty(), "an invalid spec changes nothing of a run under way")
	g.Expect(r.Spec.Suspend).To(BeFalse(), "but that it is stopped or goes on")
}

// TestRefusedAfterTheEnd: what was refused while the run went on is said for as long as nobody has answered it.
func TestRefusedAfterTheEnd(t *testing.T) {
	g := NewWithT(t)
	r := &store.Record{ID: "wo-1", Name: "a"}
	wanted := v1alpha1.WorkOrderSpec{Request: "old"}
	observe(r, &wanted, true)
	begin(r, v1alpha1.PhaseCloning, noon)
	turns := int32(3)
	next := wanted.DeepCopy()
	next.Request, next.Agent.MaxTurns = "new", &turns
	observe(r, next, true)
	finish(r, &store.End{Phase: v1alpha1.PhaseSucceeded}, noon)
	g.Expect(refused(r, next)).To(ConsistOf("spec.request", "spec.agent.maxTurns"))
	project(r, View{Now: noon, Refused: refused(r, next)})
	g.Expect(summaryOf(r.Status)).To(And(HaveKeyWithValue("Ready", "True Succeeded"), HaveKeyWithValue("SpecChangeRefused", "True FieldImmutableDuringRun")))
	g.Expect(meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionSpecChangeRefused).Message).To(Equal(
		"spec.request, spec.agent.maxTurns changed during the run, which came to its end with what it began with; edit the manifest again or run `awo retry a` to have it done"))

	further := next.DeepCopy()
	further.Request = "newer"
	g.Expect(refused(r, further)).To(BeEmpty(), "a further edit is the next run")
	g.Expect(refused(r, &wanted)).To(BeEmpty(), "taken back")
	sameWork := wanted.DeepCopy()
	sameWork.Agent.MaxTurns = &turns
	observe(r, sameWork, true)
	g.Expect(refused(r, sameWork)).To(BeEmpty(), "nothing is left to do")
	g.Expect(r.Spec.Agent.MaxTurns).To(HaveValue(Equal(turns)), "no run goes on that it could disturb")
}

func TestAdopt(t *testing.T) {
	g := NewWithT(t)
	r := &store.Record{ID: "wo-1", Name: "a"}
	wanted := v1alpha1.WorkOrderSpec{Request: "x"}
	observe(r, &wanted, true)
	begin(r, v1alpha1.PhaseCloning, noon)
	turns := int32(3)
	next := wanted.DeepCopy()
	next.Agent.MaxTurns = &turns
	observe(r, next, true)
	g.Expect(r.Spec.Agent.MaxTurns).To(BeNil())
	finish(r, &store.End{Phase: v1alpha1.PhaseFailed, During: v1alpha1.PhaseCloning}, noon)
	adopt(r, next, true)
	g.Expect(r.Spec.Agent.MaxTurns).To(HaveValue(Equal(turns)), "what was refused while it ran")
	g.Expect(r.Status.ObservedGeneration).To(Equal(int64(2)), "it was observed then")
	bad := next.DeepCopy()
	bad.Timeouts.Phase = "soon"
	adopt(r, bad, false)
	g.Expect(r.Spec.Timeouts.Phase).To(BeEmpty())
	g.Expect(r.SpecHash).To(Equal(bad.SpecHash()))
}
