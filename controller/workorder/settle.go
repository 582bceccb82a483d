package workorder

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/store"
)

// Bounds of a status, so that it stays readable in a file.
const (
	maxSteps   = 50
	maxMessage = 1 << 10
)

// Backoff is the delay between attempts: Base, doubled each time, at most Max, and up to a quarter more by
// jitter so that orders which failed together do not come back together.
type Backoff struct {
	Base, Max time.Duration
	// Jitter returns a number in [0, 1).
	Jitter func() float64
}

// Delay returns the delay before the attempt that follows the nth failure, n from 1.
func (b Backoff) Delay(n int32) time.Duration {
	d := b.Base
	for i := int32(1); i < n && d < b.Max; i++ {
		d *= 2
	}
	d = min(d, b.Max)
	return d + time.Duration(b.Jitter()*float64(d)/4)
}

// begin notes that an attempt of a phase starts now.
func begin(r *store.Record, p v1alpha1.Phase, now time.Time) {
	r.Running, r.Status.NextAttemptAt = p, nil
	r.Begun++
	r.Status.Steps = append(r.Status.Steps, v1alpha1.Step{
		Phase: p, Attempt: r.Attempts[p] + 1, StartedAt: metav1.NewTime(now.Truncate(time.Second)),
	})
	if extra := len(r.Status.Steps) - maxSteps; extra > 0 {
		r.Status.Steps = slices.Clone(r.Status.Steps[extra:])
	}
}

// settle notes how an attempt of a phase ended, and decides what that means: the phase is complete, is tried
// again now or later, or the run has ended.
func settle(r *store.Record, p v1alpha1.Phase, err error, now time.Time, b Backoff) {
	if err == nil {
		r.Done = append(r.Done, p)
		closeStep(r, v1alpha1.StepSucceeded, "", "", now)
		return
	}
	f := failureOf(err, p, now)
	message := cutMessage(f.Error())
	switch f.Policy {
	case failure.Interrupted:
		closeStep(r, outcomeOfStop(err), v1alpha1.ReasonInterrupted, message, now)
	case failure.Wait:
		closeStep(r, v1alpha1.StepFailed, f.Reason, message, now)
		r.Status.NextAttemptAt = notBefore(f.Until)
	case failure.Terminal:
		closeStep(r, v1alpha1.StepFailed, f.Reason, message, now)
		finish(r, &store.End{Phase: v1alpha1.PhaseFailed, During: p, Reason: f.Reason, Message: message}, now)
	case failure.Retry:
		closeStep(r, v1alpha1.StepFailed, f.Reason, message, now)
		retryLater(r, p, f.Reason, message, now, b)
	}
}

// diskDelay is when a phase is tried again that the disk was too full for.
const diskDelay = time.Minute

// failureOf is the policy of an error. A full disk is nobody's failed attempt: it is waited for until somebody has made
// room.
func failureOf(err error, p v1alpha1.Phase, now time.Time) *failure.Error {
	f := failure.Of(err, fallbackReason(p))
	full := f.Reason == v1alpha1.ReasonDiskFull || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
	if full && f.Policy == failure.Retry {
		f.Policy, f.Reason, f.Until = failure.Wait, v1alpha1.ReasonDiskFull, now.Add(diskDelay)
	}
	return f
}

func retryLater(r *store.Record, p v1alpha1.Phase, reason, message string, now time.Time, b Backoff) {
	if r.Attempts == nil {
		r.Attempts = map[v1alpha1.Phase]int32{}
	}
	r.Attempts[p]++
	if failed := r.Attempts[p]; failed <= r.Spec.Retries() {
		r.Status.NextAttemptAt = notBefore(now.Add(b.Delay(failed)))
		return
	}
	finish(r, &store.End{
		Phase: v1alpha1.PhaseFailed, During: p, Reason: reason,
		Message: fmt.Sprintf("%s (gave up after attempt %d; run `awo retry %s` to try again)", message, r.Attempts[p], r.Name),
	}, now)
}

// outcomeOfStop tells an end that somebody asked for from one that is gone on with.
func outcomeOfStop(err error) v1alpha1.StepOutcome {
	var s *stopped
	if errors.As(err, &s) && s.why != ForSuspend && s.why != ForQuarantine {
		return v1alpha1.StepCancelled
	}
	return v1alpha1.StepInterrupted
}

// interrupted notes that the controller died during a phase. That is no attempt.
func interrupted(r *store.Record, now time.Time) {
	closeStep(r, v1alpha1.StepInterrupted, v1alpha1.ReasonInterrupted, "the controller ended during this step", now)
}

func closeStep(r *store.Record, o v1alpha1.StepOutcome, reason, message string, now time.Time) {
	p := r.Running
	r.Running, r.Supervisor = "", nil
	n := len(r.Status.Steps)
	if n == 0 || r.Status.Steps[n-1].FinishedAt != nil {
		return
	}
	step := &r.Status.Steps[n-1]
	step.FinishedAt, step.Outcome = timeOf(now), o
	step.Reason, step.Message, step.SessionID = reason, message, r.Sessions[p].ID
}

// finish ends the run.
func finish(r *store.Record, end *store.End, now time.Time) {
	e := *end
	e.At, e.Message = *timeOf(now), cutMessage(e.Message)
	r.End, r.Running, r.Supervisor, r.Status.NextAttemptAt = &e, "", nil, nil
}

// retry takes the end of a run back: the phase that failed starts again, with attempts, session and work tree afresh.
func retry(r *store.Record, handled string) {
	during := r.End.During
	delete(r.Attempts, during)
	delete(r.Sessions, during)
	r.End, r.CleanedUp, r.Reported, r.Status.NextAttemptAt = nil, false, "", nil
	r.StartAfresh = true
	r.Status.LastHandledRetry = handled
}

// fallbackReason is the reason of a failure that nobody gave one.
func fallbackReason(p v1alpha1.Phase) string {
	switch p {
	case v1alpha1.PhaseCloning:
		return v1alpha1.ReasonCloneFailed
	case v1alpha1.PhasePR:
		return v1alpha1.ReasonPullRequestFailed
	default:
		return v1alpha1.ReasonAgentFailed
	}
}

func timeOf(t time.Time) *metav1.Time {
	m := metav1.NewTime(t.Truncate(time.Second))
	return &m
}

// notBefore is a time for a status, which knows whole seconds: never earlier than the one that was meant.
func notBefore(t time.Time) *metav1.Time {
	return timeOf(t.Add(time.Second - time.Nanosecond))
}

// cutMessage bounds a message and makes it one line, for people and for tables. What agents called their files may be in
// it: no terminal is to obey that, and no YAML to be spoilt by it.
func cutMessage(s string) string {
	s = v1alpha1.Visible(strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " "))
	if len(s) <= maxMessage {
		return s
	}
	const mark = " [...]"
	return strings.ToValidUTF8(s[:maxMessage-len(mark)], "") + mark
}
