package controller

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/uuid"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/phase"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/volume"
	"github.com/agent-work-orders/awo/controller/workorder"
)

// How often an order whose look failed is looked at again: at first, and at most.
const (
	retryFirst = 50 * time.Millisecond
	retryMost  = time.Minute
)

// workers is how many orders are looked at at once. A look is short; phases have slots of their own.
const workers = 4

// loop is the queue of controller-runtime with our reconciler behind it.
type loop struct {
	controller ctrl.TypedController[string]
	reconciler *workorder.Reconciler

	// ready is closed when there is a queue, ended when there will be none any more.
	ready, ended chan struct{}
	once         sync.Once
	queue        priorityqueue.PriorityQueue[string]
	// settled tells of orders whose look can wait, such as ten thousand finished ones at the start.
	settled func(name string) bool
}

// belowOthers is the priority of a look that can wait.
const belowOthers = -100

// newLoop makes the queue. What is enqueued before run waits for it. run must be called.
func newLoop(log logr.Logger, cfg Config, s *store.Store, phases *phase.Runner, room *volume.Room) (*loop, error) {
	l := &loop{ready: make(chan struct{}), ended: make(chan struct{}), settled: s.Settled}
	l.reconciler = workorder.New(workorder.Options{
		Store: s, Phases: phases, Clock: clock.RealClock{}, MaxConcurrent: cfg.MaxConcurrent,
		Backoff:         workorder.Backoff{Base: cfg.BackoffBase, Max: cfg.BackoffMax, Jitter: rand.Float64},
		KeepTranscripts: cfg.KeepTranscripts, NewUID: uuid.NewString, Redact: cfg.Redactor.String, Enqueue: l.enqueueAfter, Room: room.Short,
		Forbids: forbids(cfg.policy()),
	})
	c, err := ctrl.NewTypedUnmanaged("workorder", ctrl.TypedOptions[string]{
		// Two controllers in one process, as tests have them, would else be refused.
		SkipNameValidation:      new(true),
		MaxConcurrentReconciles: workers,
		UsePriorityQueue:        new(true),
		Reconciler:              reconcile.TypedFunc[string](l.reconciler.Reconcile),
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[string](retryFirst, retryMost),
		LogConstructor:          func(*string) logr.Logger { return log },
	})
	if err != nil {
		return nil, fmt.Errorf("making the work queue: %w", err)
	}
	l.controller = c
	return l, nil
}

// run works the queue until ctx ends. It is called once.
func (l *loop) run(ctx context.Context) error {
	defer close(l.ended)
	err := l.controller.Watch(source.TypedFunc[string](l.take))
	if err != nil {
		return fmt.Errorf("starting the work queue: %w", err)
	}
	return l.controller.Start(ctx)
}

// take gets hold of the queue when the controller starts.
func (l *loop) take(_ context.Context, queue workqueue.TypedRateLimitingInterface[string]) error {
	prioritised, ok := queue.(priorityqueue.PriorityQueue[string])
	if !ok {
		return fmt.Errorf("the work queue knows no priorities: %T", queue)
	}
	l.once.Do(func() {
		l.queue = prioritised
		close(l.ready)
	})
	return nil
}

// enqueue asks for a look at an order.
func (l *loop) enqueue(name string) { l.enqueueAfter(name, 0) }

func (l *loop) enqueueAfter(name string, after time.Duration) {
	select {
	case <-l.ready:
	case <-l.ended:
		// Nobody looks at orders any more, and whoever tells of one must come to an end, too.
		return
	}
	opts := priorityqueue.AddOpts{After: after}
	if l.settled(name) {
		opts.Priority = new(belowOthers)
	}
	l.queue.AddWithOpts(opts, name)
}

// forbids lists what a policy does not allow of a spec, for people.
func forbids(p v1alpha1.Policy) func(*v1alpha1.WorkOrderSpec) []string {
	return func(spec *v1alpha1.WorkOrderSpec) []string {
		problems := p.Forbids(spec)
		out := make([]string, 0, len(problems))
		for _, problem := range problems {
			out = append(out, problem.Error())
		}
		return out
	}
}
