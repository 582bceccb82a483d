package controller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	ctrl "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

var errBoom = errors.New("boom")

// queueless is a queue that never starts.
type queueless struct{ ctrl.TypedController[string] }

func (queueless) Watch(source.TypedSource[string]) error { return errBoom }

func TestAQueueThatDoesNotStartHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		l := &loop{controller: queueless{}, ready: make(chan struct{}), ended: make(chan struct{})}
		told := make(chan struct{})
		go func() { defer close(told); l.enqueue("a") }()
		synctest.Wait()
		g.Expect(told).NotTo(BeClosed(), "the queue may still come")
		g.Expect(l.run(t.Context())).To(MatchError(errBoom))
		synctest.Wait()
		g.Expect(told).To(BeClosed())
	})
}

func TestTheLoopThatEndsTheOthersIsTold(t *testing.T) {
	expired := make(chan time.Time)
	close(expired)
	for name, c := range map[string]struct {
		failed error
		stuck  bool
		limit  <-chan time.Time
		want   OmegaMatcher
	}{
		"all end":                      {errBoom, false, nil, MatchError(errBoom)},
		"one does not end":             {errBoom, true, expired, MatchError(errBoom)},
		"stopped":                      {nil, false, nil, Succeed()},
		"stopped and one does not end": {nil, true, expired, Succeed()},
	} {
		t.Run(name, func(t *testing.T) {
			parent, stop := context.WithCancelCause(t.Context())
			group, ctx := errgroup.WithContext(parent)
			stuck := make(chan struct{})
			defer close(stuck)
			group.Go(func() error {
				<-ctx.Done()
				if c.stuck {
					<-stuck
				}
				return ctx.Err()
			})
			if c.failed != nil {
				group.Go(func() error { return c.failed })
			} else {
				stop(errors.New("a signal"))
			}
			<-ctx.Done()
			NewWithT(t).Expect(stopLoops(parent, ctx, group, c.limit)).To(c.want)
			stop(nil)
		})
	}
}
