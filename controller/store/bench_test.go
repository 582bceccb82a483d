package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// many is how many finished orders a data directory may well hold.
const many = 10_000

// finished is a record as it is after a whole run.
func finished(b *testing.B, id, name string) *store.Record {
	b.Helper()
	r := &store.Record{ID: id, Name: name, Namespace: "default", Run: 1, Path: name + ".yaml", CleanedUp: true}
	r.Spec.Request = "work"
	r.End = &store.End{Phase: v1alpha1.PhaseSucceeded}
	r.Status = v1alpha1.WorkOrderStatus{
		ID: id, Phase: v1alpha1.PhaseSucceeded, ObservedGeneration: 1, Branch: "awo/" + name, Message: "pull request opened",
	}
	for i := range 8 {
		c := condition("the message of a condition, with a few words")
		c.Type = fmt.Sprintf("Condition%d", i)
		r.Status.Conditions = append(r.Status.Conditions, c)
	}
	for i := range 4 {
		r.Status.Steps = append(r.Status.Steps, v1alpha1.Step{
			Phase: v1alpha1.PhaseImplementing, Attempt: int32(i), SessionID: "3f9a2c1b-0000-0000-0000-000000000000", Outcome: v1alpha1.StepSucceeded,
		})
	}
	return r
}

// populate fills a data directory with finished orders, their status in the manifests.
func populate(b *testing.B, n int) string {
	b.Helper()
	dir := b.TempDir()
	s := open(b, dir)
	for i := range n {
		name, id := fmt.Sprintf("order-%05d", i), fmt.Sprintf("wo-%08x", i)
		r := finished(b, id, name)
		check(b, s.Create(r))
		data, err := manifest.SpliceStatus([]byte(order(name, "work")), 0, &r.Status)
		check(b, err)
		check(b, os.WriteFile(filepath.Join(dir, "workorders", name+".yaml"), data, 0o644))
	}
	return dir
}

func open(b *testing.B, dir string) *store.Store {
	b.Helper()
	s, err := store.Open(store.Options{DataDir: dir})
	check(b, err)
	return s
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// run watches until the returned function is called.
func run(b *testing.B, s *store.Store, changed func(string)) (stop func()) {
	b.Helper()
	release, err := s.Lock()
	check(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, changed) }()
	check(b, s.WaitSynced(ctx))
	return func() {
		cancel()
		check(b, <-ended)
		release()
	}
}

// BenchmarkStart measures a start on ten thousand finished orders until all are listed, with what the last clean stop
// left, and without it.
func BenchmarkStart(b *testing.B) {
	dir := populate(b, many)
	cache := filepath.Join(dir, "outputs", ".index.jsonl")
	start := func(b *testing.B) func() {
		b.Helper()
		return run(b, open(b, dir), func(string) {})
	}
	b.Run("afterCrash", func(b *testing.B) {
		for b.Loop() {
			stop := start(b)
			b.StopTimer()
			stop()
			check(b, os.Remove(cache))
			b.StartTimer()
		}
	})
	start(b)()
	b.Run("afterCleanStop", func(b *testing.B) {
		for b.Loop() {
			stop := start(b)
			b.StopTimer()
			stop()
			b.StartTimer()
		}
	})
	b.Run("heap", func(b *testing.B) {
		for b.Loop() {
			s := open(b, dir)
			stop := run(b, s, func(string) {})
			for _, name := range s.Names() {
				if s.Lookup(name).Object == nil {
					b.Fatal("no object of ", name)
				}
			}
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB-heap")
			b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-sys")
			stop()
		}
	})
}

// BenchmarkDrop measures from a dropped manifest to the call that reports it, beside none and ten thousand others.
func BenchmarkDrop(b *testing.B) {
	for _, n := range []int{0, many} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := populate(b, n)
			seen := make(chan string, 2*n+16)
			stop := run(b, open(b, dir), func(name string) { seen <- name })
			defer stop()
			for range n {
				<-seen
			}
			var took []time.Duration
			path := filepath.Join(dir, "workorders", "dropped.yaml")
			for i := 0; b.Loop(); i++ {
				began := time.Now()
				check(b, os.WriteFile(path, []byte(order("dropped", fmt.Sprint("work ", i))), 0o644))
				for name := range seen {
					if name == "dropped" {
						break
					}
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
		})
	}
}

// BenchmarkOne measures what the reconciler does to one order, over and over.
func BenchmarkOne(b *testing.B) {
	dir := populate(b, many)
	s := open(b, dir)
	stop := run(b, s, func(string) {})
	defer stop()
	b.Run("Lookup", func(b *testing.B) {
		for b.Loop() {
			s.Lookup("order-00007")
		}
	})
	b.Run("Current", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Current("order-00007")
			check(b, err)
		}
	})
	b.Run("ProjectSame", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Project("order-00007")
			check(b, err)
		}
	})
	b.Run("UpdateAndProject", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_, err := s.Update("wo-00000007", func(r *store.Record) error {
				r.Status.Message = fmt.Sprint(i)
				return nil
			})
			check(b, err)
			_, err = s.Project("order-00007")
			check(b, err)
		}
	})
	b.Run("Records", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Records()
			check(b, err)
		}
	})
	b.Run("Rescan", func(b *testing.B) {
		for b.Loop() {
			check(b, s.Scan(b.Context()))
		}
	})
}
