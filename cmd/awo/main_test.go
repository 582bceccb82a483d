package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"awo":    func() { os.Exit(testAwo()) },
		"record": func() { os.Exit(testRecord(os.Args[1:])) },
	})
}

// testAwo is run, but for the time after which a broken manifest is called broken.
func testAwo() int {
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	return execute(&globalOptions{streams: streams, lookup: os.LookupEnv, clock: clock.RealClock{}, badAfter: time.Nanosecond}, os.Args[1:])
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("AWO_DATA_DIR", env.WorkDir+"/data")
			env.Setenv("ID", fmt.Sprintf("%d:%d", os.Geteuid(), os.Getegid()))
			return nil
		},
		RequireUniqueNames: true,
	})
}

// testRecord plays the controller: `record NAME KEY=VALUE...` makes the record of an order whose manifest is in
// the data directory, or changes it when there is one.
func testRecord(args []string) int {
	if err := record(args[0], args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "record:", err)
		return 1
	}
	return 0
}

func record(name string, settings []string) error {
	s, err := store.Open(store.Options{DataDir: os.Getenv("AWO_DATA_DIR")})
	if err != nil {
		return err
	}
	if err := s.Scan(context.Background()); err != nil {
		return err
	}
	seen := s.Lookup(name)
	rec, err := s.Current(name)
	if err != nil {
		return err
	}
	if rec == nil || rec.Deleted {
		rec = newTestRecord(name, seen, rec)
		for _, setting := range settings {
			if id, ok := strings.CutPrefix(setting, "id="); ok {
				rec.ID = id
			}
		}
		if err := s.Create(rec); err != nil {
			return err
		}
	}
	updated, err := s.Update(rec.ID, func(r *store.Record) error {
		if seen.Object != nil {
			r.SpecHash = seen.Object.Spec.SpecHash()
		}
		return set(r, seen, settings)
	})
	if err != nil {
		return err
	}
	_, err = s.Project(updated)
	return err
}

func newTestRecord(name string, seen store.Observation, former *store.Record) *store.Record {
	rec := &store.Record{
		ID: "wo-0a1b2c3d", Name: name, Namespace: "default", Run: 1, UID: "11111111-2222-3333-4444-555555555555",
		CreatedAt: metav1.NewTime(time.Now().Add(-5*24*time.Hour - time.Hour)), Path: seen.Path, Document: seen.Document,
		Spec: seen.Object.Spec,
	}
	if former != nil {
		rec.Run = former.Run + 1
	}
	rec.Status = v1alpha1.WorkOrderStatus{ObservedGeneration: 1, RunHash: rec.Spec.RunHash(), Phase: v1alpha1.PhasePending}
	return rec
}

// set changes the record by settings such as phase=Failed.
func set(r *store.Record, seen store.Observation, settings []string) error {
	r.Status.ID = r.ID
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		switch key {
		case "id":
		case "phase":
			setPhase(r, v1alpha1.Phase(value))
		case "reason":
			r.End.Reason = value
			meta.SetStatusCondition(&r.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: value, Message: r.Status.Message})
		case "ready":
			meta.SetStatusCondition(&r.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionStatus(value), Reason: "Succeeded", Message: "done"})
		case "refused":
			meta.SetStatusCondition(&r.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionSpecChangeRefused, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonFieldImmutable, Message: value})
		case "message":
			r.Status.Message = value
		case "branch":
			r.Status.Branch = value
		case "pr":
			r.Status.PullRequest = &v1alpha1.PullRequest{URL: value}
		case "cost":
			r.Status.Usage = &v1alpha1.Usage{CostUSD: value, Turns: 9}
		case "running":
			r.Running, r.Begun = v1alpha1.Phase(value), 1
		case "step":
			r.Status.Steps = append(r.Status.Steps, v1alpha1.Step{
				Phase: v1alpha1.Phase(value), Attempt: int32(len(r.Status.Steps) + 1), StartedAt: r.CreatedAt,
				FinishedAt: &metav1.Time{Time: r.CreatedAt.Add(time.Minute)}, Outcome: v1alpha1.StepSucceeded,
			})
		case "observe":
			r.Spec = seen.Object.Spec
		case "handled":
			r.Status.LastHandledRetry = seen.Object.Annotations[v1alpha1.AnnotationRetriedAt]
		case "generation":
			r.Status.ObservedGeneration, _ = strconv.ParseInt(value, 10, 64)
		case "deleted":
			r.Deleted = true
		default:
			return fmt.Errorf("no setting %q", key)
		}
	}
	return nil
}

func setPhase(r *store.Record, phase v1alpha1.Phase) {
	r.Status.Phase, r.End = phase, nil
	if phase.Terminal() {
		r.End = &store.End{Phase: phase, At: metav1.Now()}
	}
}
