package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// order is a manifest as people write it.
func order(name, request string) string {
	return fmt.Sprintf(`# an order
apiVersion: awo.archon.dev/v1alpha1
kind: WorkOrder
metadata:
  name: %s   # its name
spec:
  repository:
    url: https://github.com/acme/app.git
  request: |
    %s
`, name, request)
}

// world is a data directory with a store that watches it.
type world struct {
	*WithT
	t       *testing.T
	dir     string
	store   *store.Store
	changes *changes
	stop    func()
}

// changes collects what changed was called with.
type changes struct {
	mu    sync.Mutex
	count map[string]int
}

func (c *changes) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count[name]++
}

func (c *changes) of(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count[name]
}

// options are quick, so that a test is.
func options(dir string) store.Options {
	return store.Options{
		DataDir: dir, Policy: v1alpha1.Policy{AllowFileRepositories: true},
		BadAfter: 1500 * time.Millisecond, GoneAfter: 600 * time.Millisecond, Rescan: time.Minute,
	}
}

// newWorld opens a store without watching.
func newWorld(t *testing.T, change ...func(*store.Options)) *world {
	t.Helper()
	t.Parallel()
	w := &world{WithT: NewWithT(t), t: t, dir: t.TempDir()}
	w.SetDefaultEventuallyTimeout(10 * time.Second)
	w.open(change...)
	return w
}

func (w *world) open(change ...func(*store.Options)) {
	w.t.Helper()
	o := options(w.dir)
	for _, c := range change {
		c(&o)
	}
	s, err := store.Open(o)
	w.Expect(err).NotTo(HaveOccurred())
	w.store = s
}

// watching starts to watch as the controller does, until the test ends or stop is called.
func (w *world) watching() *world {
	w.t.Helper()
	release, err := w.store.Lock()
	w.Expect(err).NotTo(HaveOccurred())
	w.changes = &changes{count: map[string]int{}}
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.store.Run(ctx, w.changes.add) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		w.Expect(<-ended).To(Succeed())
		release()
	})
	w.t.Cleanup(w.stop)
	w.Expect(w.store.WaitSynced(w.t.Context())).To(Succeed())
	return w
}

// restart is what a new life of the controller is.
func (w *world) restart(change ...func(*store.Options)) {
	w.t.Helper()
	w.stop()
	w.open(change...)
	w.watching()
}

func (w *world) path(rel string) string {
	return filepath.Join(w.dir, "workorders", rel)
}

// write writes a file as an editor does that truncates it first.
func (w *world) write(rel, text string) {
	w.t.Helper()
	w.Expect(os.MkdirAll(filepath.Dir(w.path(rel)), 0o755)).To(Succeed())
	w.Expect(os.WriteFile(w.path(rel), []byte(text), 0o644)).To(Succeed())
}

func (w *world) read(rel string) string {
	w.t.Helper()
	data, err := os.ReadFile(w.path(rel))
	w.Expect(err).NotTo(HaveOccurred())
	return string(data)
}

func (w *world) remove(rel string) {
	w.t.Helper()
	w.Expect(os.RemoveAll(w.path(rel))).To(Succeed())
}

// record begins a run of an order.
func (w *world) record(name, rel string) *store.Record {
	w.t.Helper()
	id, err := w.store.NewID()
	w.Expect(err).NotTo(HaveOccurred())
	r := &store.Record{ID: id, Name: name, Namespace: "default", Run: 1, Path: rel}
	r.Spec.Request = "recorded"
	r.Status = v1alpha1.WorkOrderStatus{ID: id, Phase: v1alpha1.PhasePending, ObservedGeneration: 1}
	w.Expect(w.store.Create(r)).To(Succeed())
	return r
}

// orders drops n manifests, records each, and returns their names.
func (w *world) orders(n int) (names []string) {
	w.t.Helper()
	for i := range n {
		name := fmt.Sprintf("order-%02d", i)
		w.write(name+".yaml", order(name, "work"))
		w.record(name, name+".yaml")
		names = append(names, name)
	}
	for _, name := range names {
		w.Eventually(w.store.Lookup).WithArguments(name).Should(And(HaveField("Presence", store.Present), HaveField("Stale", false)))
	}
	return names
}

func (w *world) presence(name string) func() store.Presence {
	return func() store.Presence { return w.store.Lookup(name).Presence }
}

func (w *world) becomes(name string, want store.Presence) {
	w.t.Helper()
	w.Eventually(w.presence(name), 5*time.Second, 2*time.Millisecond).Should(Equal(want), name)
}

// stays watches a presence for a while.
func (w *world) stays(name string, want store.Presence, d time.Duration) {
	w.t.Helper()
	w.Consistently(w.presence(name), d, 5*time.Millisecond).Should(Equal(want), name)
}

// request returns what an order asks for.
func (w *world) request(name string) func() string {
	return func() string {
		o := w.store.Lookup(name)
		if o.Object == nil {
			return ""
		}
		return strings.TrimSpace(o.Object.Spec.Request)
	}
}

// problems returns the problems as lines.
func (w *world) problems() []string {
	found := w.store.Problems()
	out := make([]string, 0, len(found))
	for _, p := range found {
		out = append(out, p.String())
	}
	return out
}

// settle waits until every event that was caused so far has surely been acted on: a file that is written after
// them is seen after them.
func (w *world) settle() {
	w.t.Helper()
	name := fmt.Sprintf("settle-%d", time.Now().UnixNano())
	w.write(name+".yaml", order(name, "nothing"))
	w.becomes(name, store.Present)
	w.remove(name + ".yaml")
	w.becomes(name, store.Unknown)
}

func (w *world) update(id string, change func(*store.Record)) {
	w.t.Helper()
	_, err := w.store.Update(id, func(r *store.Record) error {
		change(r)
		return nil
	})
	w.Expect(err).NotTo(HaveOccurred())
}

// condition gives a status some body.
func condition(message string) metav1.Condition {
	return metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonProgressing, Message: message,
		LastTransitionTime: metav1.NewTime(time.Unix(1700000000, 0).UTC()),
	}
}
