package workorder_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/clock"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/workorder"
)

func TestReconciler(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Reconciler")
}

// phases stand in for the work: each is a function of the test, and counted.
type phases struct {
	mu   sync.Mutex
	do   map[v1alpha1.Phase]func(ctx context.Context) error
	runs map[v1alpha1.Phase]int
	// preserve, if set, is asked before a workspace goes.
	preserve func(ctx context.Context) error
	removed  int
}

var _ workorder.Phases = (*phases)(nil)

func (p *phases) on(phase v1alpha1.Phase, do func(ctx context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.do[phase] = do
}

func (p *phases) count(phase v1alpha1.Phase) func() int {
	return func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.runs[phase]
	}
}

func (p *phases) Run(ctx context.Context, _ *store.Record, phase v1alpha1.Phase) error {
	p.mu.Lock()
	p.runs[phase]++
	do := p.do[phase]
	p.mu.Unlock()
	if do == nil {
		return nil
	}
	return do(ctx)
}

func (p *phases) Preserve(ctx context.Context, _ *store.Record) error {
	if p.preserve == nil {
		return nil
	}
	return p.preserve(ctx)
}

func (p *phases) RemoveWorkspace(context.Context, *store.Record) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.removed++
	return nil
}

func (p *phases) gone() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.removed
}

func (p *phases) PromptProblem() error                  { return nil }
func (p *phases) RemoveHome(*store.Record) error        { return nil }
func (p *phases) RemoveTranscripts(*store.Record) error { return nil }

// fixture is a reconciler over a real store, with a queue that works each name off in its own goroutine's turn.
type fixture struct {
	dir    string
	store  *store.Store
	phases *phases
	rec    *workorder.Reconciler
	// short, if set, says what the disk lacks.
	short atomic.Pointer[string]
	stop  func()
}

func newFixture() *fixture {
	f := &fixture{dir: GinkgoT().TempDir(), phases: &phases{
		do: map[v1alpha1.Phase]func(context.Context) error{}, runs: map[v1alpha1.Phase]int{},
	}}
	f.start()
	DeferCleanup(func() { f.stop() })
	return f
}

// start begins a life of the controller; stop ends it.
func (f *fixture) start() {
	var err error
	f.store, err = store.Open(store.Options{
		DataDir: f.dir, Debounce: 5 * time.Millisecond, BadAfter: 100 * time.Millisecond,
		GoneAfter: 100 * time.Millisecond, Rescan: 50 * time.Millisecond,
	})
	Expect(err).NotTo(HaveOccurred())
	queue := make(chan string, 10000)
	f.rec = workorder.New(workorder.Options{
		Store: f.store, Phases: f.phases, Clock: clock.RealClock{}, MaxConcurrent: 2, KeepTranscripts: true, Room: f.room,
		Backoff: workorder.Backoff{Base: time.Millisecond, Max: time.Millisecond, Jitter: func() float64 { return 0 }},
		NewUID:  func() string { return "uid" },
		Redact:  func(text string) string { return strings.ReplaceAll(text, "s3cret", "[redacted]") },
		Enqueue: func(name string, after time.Duration) { time.AfterFunc(after, func() { queue <- name }) },
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(GinkgoT().Context()))
	var group sync.WaitGroup
	group.Go(func() {
		defer GinkgoRecover()
		Expect(f.store.Run(ctx, func(name string) { queue <- name })).To(Or(Succeed(), MatchError(context.Canceled)))
	})
	group.Go(func() { f.work(ctx, queue) })
	f.stop = func() {
		cancel()
		Expect(f.rec.Wait(5 * time.Second)).To(BeTrue())
		group.Wait()
	}
}

func (f *fixture) room(context.Context) string {
	if short := f.short.Load(); short != nil {
		return *short
	}
	return ""
}

func (f *fixture) work(ctx context.Context, queue chan string) {
	defer GinkgoRecover()
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-queue:
			res, err := f.rec.Reconcile(ctx, name)
			if err != nil && ctx.Err() == nil {
				GinkgoWriter.Println("reconcile", name, err)
				res.RequeueAfter = 10 * time.Millisecond
			}
			if res.RequeueAfter > 0 {
				time.AfterFunc(res.RequeueAfter, func() { queue <- name })
			}
		}
	}
}

const manifestText = "apiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\nmetadata:\n  name: a\nspec:\n" +
	"  repository: {url: https://github.com/a/b}\n  request: x\n"

func (f *fixture) file() string { return filepath.Join(f.dir, "workorders", "a.yaml") }

func (f *fixture) drop(text string) {
	GinkgoHelper()
	Expect(os.WriteFile(f.file(), []byte(text), 0o644)).To(Succeed())
}

// shown is the status as the manifest shows it.
func (f *fixture) shown() v1alpha1.WorkOrderStatus {
	if st := f.store.Lookup("a").StatusInFile; st != nil {
		return *st
	}
	return v1alpha1.WorkOrderStatus{}
}

func (f *fixture) phase() v1alpha1.Phase { return f.shown().Phase }

// untilStopped is a phase that ends when it is told to.
func untilStopped(ctx context.Context) error {
	<-ctx.Done()
	return interruptedBy(ctx)
}
