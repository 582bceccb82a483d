package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// many is how many finished orders a data directory may well hold.
const many = 10_000

// finished is a record as it is after a whole run.
func finished(id, name string) *store.Record {
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
	var group errgroup.Group
	group.SetLimit(32)
	for i := range n {
		group.Go(func() error {
			name, id := fmt.Sprintf("order-%05d", i), fmt.Sprintf("wo-%08x", i)
			r := finished(id, name)
			data, err := manifest.SpliceStatus([]byte(order(name, "work")), 0, &r.Status)
			return errors.Join(err, s.Create(r), os.WriteFile(filepath.Join(dir, "workorders", name+".yaml"), data, 0o644))
		})
	}
	check(b, group.Wait())
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

// BenchmarkTenThousand measures beside ten thousand finished orders.
func BenchmarkTenThousand(b *testing.B) {
	dir := populate(b, many)
	b.Run("StartAfterCrash", func(b *testing.B) { benchmarkStart(b, dir, true) })
	b.Run("StartAfterCleanStop", func(b *testing.B) { benchmarkStart(b, dir, false) })
	b.Run("Memory", func(b *testing.B) { benchmarkMemory(b, dir) })
	b.Run("Drop", func(b *testing.B) { benchmarkDrop(b, dir, many) })
	s := open(b, dir)
	defer run(b, s, func(string) {})()
	benchmarkOne(b, s)
}

// BenchmarkEmpty measures beside no other order.
func BenchmarkEmpty(b *testing.B) {
	b.Run("Drop", func(b *testing.B) { benchmarkDrop(b, populate(b, 0), 0) })
}

// benchmarkStart measures a start until all is listed, with what the last clean stop left, or without it.
func benchmarkStart(b *testing.B, dir string, crashed bool) {
	b.Helper()
	cache := filepath.Join(dir, "outputs", ".index.jsonl")
	run(b, open(b, dir), func(string) {})()
	for b.Loop() {
		b.StopTimer()
		if crashed {
			check(b, os.Remove(cache))
		}
		b.StartTimer()
		stop := run(b, open(b, dir), func(string) {})
		b.StopTimer()
		stop()
		b.StartTimer()
	}
}

// benchmarkMemory reports the memory after every order was looked up once.
func benchmarkMemory(b *testing.B, dir string) {
	b.Helper()
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
}

// benchmarkDrop measures from a dropped manifest to the call that reports it.
func benchmarkDrop(b *testing.B, dir string, others int) {
	b.Helper()
	seen := make(chan string, 2*others+16)
	defer run(b, open(b, dir), func(name string) { seen <- name })()
	for range others {
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
	check(b, os.Remove(path))
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
}

// benchmarkOne measures what is done to one order again and again, and what is done to all.
func benchmarkOne(b *testing.B, s *store.Store) {
	b.Helper()
	current, err := s.Current("order-00007")
	check(b, err)
	i := 0
	for name, do := range map[string]func() error{
		"Lookup":      func() error { s.Lookup("order-00007"); return nil },
		"Current":     func() error { _, err := s.Current("order-00007"); return err },
		"ProjectSame": func() error { _, err := s.Project(current); return err },
		"UpdateAndProject": func() error {
			i++
			r, err := s.Update("wo-00000007", func(r *store.Record) error { r.Status.Message = fmt.Sprint(i); return nil })
			if err != nil {
				return err
			}
			_, err = s.Project(r)
			return err
		},
		"Records": func() error { _, err := s.Records(); return err },
		"Rescan":  func() error { return s.Scan(b.Context()) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				check(b, do())
			}
		})
	}
}
