package store

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// firstReleaseFile is a record as 0.1.0 wrote it, with every field that it had. It is never written again: volumes
// hold records like it.
const firstReleaseFile = "testdata/record-0.1.0.json"

// firstRelease is what the file says.
func firstRelease() *Record {
	at := func(minute int) metav1.Time { return metav1.Date(2026, time.March, 4, 5, minute, 7, 0, time.UTC) }
	return &Record{
		ID: "wo-0123abcd", Name: "add-readme", Namespace: "default", UID: "5b1f7a52-6d0e-4f3c-9a8b-0c1d2e3f4a5b", CreatedAt: at(0),
		Run: 3, Path: "team/add-readme.yaml", Document: 1, SpecHash: "v1:sha256:aa11",
		Spec: v1alpha1.WorkOrderSpec{
			Repository: v1alpha1.Repository{URL: "https://github.com/acme/app.git", BaseBranch: "main", Branch: "readme", Clone: v1alpha1.CloneFull},
			Request:    "Add a \"short\" README.\n<b>With ünïcode & two lines</b>\n",
			Phases:     []v1alpha1.Phase{v1alpha1.PhasePlanning, v1alpha1.PhaseImplementing, v1alpha1.PhasePR},
			Agent: v1alpha1.Agent{
				Type: v1alpha1.AgentCommand, Model: "sonnet", MaxTurns: new(int32(50)),
				MaxBudgetUSD: new(intstr.FromString("2.50")), Command: []string{"./agent.sh", "-v"},
			},
			PullRequest: v1alpha1.PullRequestSpec{Draft: true, Title: "A README", Labels: []string{"docs"}, Reviewers: []string{"acme/writers"}},
			Timeouts:    v1alpha1.Timeouts{Phase: "1h30m", Idle: "10m"},
			RetryLimit:  new(int32(4)), Suspend: true, Cancel: true,
		},
		Done:       []v1alpha1.Phase{v1alpha1.PhaseCloning, v1alpha1.PhasePlanning},
		Attempts:   map[v1alpha1.Phase]int32{v1alpha1.PhaseImplementing: 2},
		Sessions:   map[v1alpha1.Phase]Session{v1alpha1.PhasePlanning: {ID: "3f2504e0-4f89-41d3-9a0c-0305e82c3301", Started: true, CostUSD: 0.25}},
		Running:    v1alpha1.PhaseImplementing,
		Supervisor: &Process{PID: 4321, StartTime: 987654321, BootID: "c0ffee00-1111-2222-3333-444455556666"},
		Pushing:    "1111111111111111111111111111111111111111", Pushed: "2222222222222222222222222222222222222222",
		LeaseSHA: "3333333333333333333333333333333333333333", OpeningPullRequest: true, PullRequestNote: "reviewer acme/writers is not known",
		LeftOut: []string{"core.1", "a\tb"}, Summary: "Added a README.", Reported: v1alpha1.PhaseImplementing, StartAfresh: true, Begun: 7,
		Protected: []string{".github/workflows/ci.yml"}, PromptProblem: "commands/planning.md: line 3",
		Confinement:   &Confinement{Confined: true, Note: Note{Reason: "Confined", Message: "Landlock 5"}},
		StatusKeptOut: &Note{Reason: "Tracked", Message: "the file is tracked by git"},
		End:           &End{Phase: v1alpha1.PhaseFailed, During: v1alpha1.PhaseImplementing, Reason: v1alpha1.ReasonAgentFailed, Message: "exit 1", At: at(9)},
		CleanedUp:     true, Deleted: true,
		Status: v1alpha1.WorkOrderStatus{
			ObservedGeneration: 5, ID: "wo-0123abcd", RunHash: "v1:sha256:bb22", Phase: v1alpha1.PhaseFailed,
			Conditions: []metav1.Condition{{
				Type: "Ready", Status: metav1.ConditionFalse, ObservedGeneration: 5, LastTransitionTime: at(9), Reason: "AgentFailed", Message: "exit 1",
			}},
			Branch: "readme", BaseBranch: "main", BaseCommit: "4444444444444444444444444444444444444444", HeadCommit: "5555555555555555555555555555555555555555",
			Changes:     &v1alpha1.Changes{Commits: 1, Files: 2, Additions: 30, Deletions: 4},
			PullRequest: &v1alpha1.PullRequest{URL: "https://github.com/acme/app/pull/7", Number: 7},
			Usage:       &v1alpha1.Usage{CostUSD: "0.4312", InputTokens: 1, OutputTokens: 2, CacheReadTokens: 3, CacheWriteTokens: 4, Turns: 5},
			Steps: []v1alpha1.Step{{
				Phase: v1alpha1.PhaseImplementing, Attempt: 2, StartedAt: at(3), FinishedAt: new(at(9)), SessionID: "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
				Outcome: v1alpha1.StepFailed, Reason: "AgentFailed", Message: "exit 1",
			}},
			NextAttemptAt: new(at(20)), LastHandledRetry: "2026-03-04T05:00:00Z", Message: "Failed: exit 1",
		},
	}
}

// The test fails when a field is renamed, gets another type or another meaning of its text. Then the new awo has to
// read the old form as well; the file is right.
func TestRecordOfTheFirstReleaseStaysReadable(t *testing.T) {
	g := NewWithT(t)
	data, err := os.ReadFile(firstReleaseFile)
	g.Expect(err).NotTo(HaveOccurred())
	r, err := decodeRecord("wo-0123abcd", data)
	g.Expect(err).NotTo(HaveOccurred())
	if want := firstRelease(); !equality.Semantic.DeepEqual(r, want) {
		t.Errorf("%+v\n--- is not\n%+v", r, want)
	}
	g.Expect(decodeEntry("wo-0123abcd", data)).To(Equal(entryOf(r)))

	payload, err := openEnvelope(data)
	g.Expect(err).NotTo(HaveOccurred())
	strict := json.NewDecoder(bytes.NewReader(payload))
	strict.DisallowUnknownFields()
	g.Expect(strict.Decode(&Record{})).To(Succeed(), "no field of the file is unknown today")
}

// A store begins with it as with one of its own, goes on with it, and loses none of it.
func TestStoreOpensTheFirstRelease(t *testing.T) {
	g := NewWithT(t)
	data, err := os.ReadFile(firstReleaseFile)
	g.Expect(err).NotTo(HaveOccurred())
	dir := t.TempDir()
	run := dir + "/outputs/wo-0123abcd"
	g.Expect(os.MkdirAll(run, 0o700)).To(Succeed())
	g.Expect(os.WriteFile(run+"/record.json", data, 0o600)).To(Succeed())
	g.Expect(os.WriteFile(run+"/.name", []byte("add-readme\n"), 0o600)).To(Succeed())
	s, err := Open(Options{DataDir: dir})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.Problems()).To(BeEmpty())
	r, err := s.Update("wo-0123abcd", func(r *Record) error { r.Summary = "Gone on with."; return nil })
	g.Expect(err).NotTo(HaveOccurred())
	want := firstRelease()
	want.Summary = "Gone on with."
	g.Expect(equality.Semantic.DeepEqual(r, want)).To(BeTrue())
}
