package agent

import (
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Cause says why we ended an agent, if we did.
type Cause int

const (
	// CauseNone: it ended by itself.
	CauseNone Cause = iota
	// CauseFirstEvent: it said nothing at all for too long.
	CauseFirstEvent
	// CauseIdle: it fell silent for too long.
	CauseIdle
	// CauseWallClock: it took too long altogether.
	CauseWallClock
	// CauseLinger: it gave its result and did not end.
	CauseLinger
	// CauseRefused: it kept repeating a request that the model's server refuses its credentials for.
	CauseRefused
	// CauseInterrupted: the run was cancelled.
	CauseInterrupted
)

// limit tells a cause that strikes an agent which has given no result. One that comes later is an answer to our signal.
func (c Cause) limit() bool {
	return c == CauseFirstEvent || c == CauseIdle || c == CauseWallClock || c == CauseRefused
}

const (
	// defaultFirstEvent is how long claude may take to its first event; it needs a second.
	defaultFirstEvent = 2 * time.Minute
	// afterResult is how long an agent may go on after its result.
	afterResult = 5 * time.Second
	// maxDelay is the longest wait that an agent is believed.
	maxDelay = 24 * time.Hour
	// askInterval is how often is asked whether the limits were changed.
	askInterval = 2 * time.Second
)

// limits are what a watchdog watches. 0 means that there is no limit.
type limits struct {
	firstEvent, idle, wallClock, afterResult time.Duration
}

// progress is what was seen of an agent so far.
type progress struct {
	started, active time.Time
	// event says that a first event came.
	event bool
	// result is when the result came, zero until then.
	result time.Time
}

// due returns the limit that strikes next and when; no cause: none does.
func (l limits) due(p progress) (Cause, time.Time) {
	if !p.result.IsZero() {
		return CauseLinger, p.result.Add(l.afterResult)
	}
	var cause Cause
	var at time.Time
	consider := func(c Cause, from time.Time, limit time.Duration) {
		if limit > 0 && (cause == CauseNone || from.Add(limit).Before(at)) {
			cause, at = c, from.Add(limit)
		}
	}
	consider(CauseWallClock, p.started, l.wallClock)
	consider(CauseIdle, p.active, l.idle)
	if !p.event {
		consider(CauseFirstEvent, p.started, l.firstEvent)
	}
	return cause, at
}

// limit returns the limit that the cause stands for.
func (l limits) limit(c Cause) time.Duration {
	switch c {
	case CauseFirstEvent:
		return l.firstEvent
	case CauseIdle:
		return l.idle
	case CauseWallClock:
		return l.wallClock
	default:
		return 0
	}
}

// watchdog watches one agent. What is seen is told by its methods, from any goroutine.
type watchdog struct {
	clock clock.Clock
	// timeouts, if set, returns the limits for wall clock and silence as they are now.
	timeouts func() (wallClock, idle time.Duration, known bool)
	// urgent wakes the watch when something other than a longer time changed.
	urgent chan struct{}

	mu       sync.Mutex
	limits   limits
	progress progress
	refused  bool
}

func newWatchdog(c clock.Clock, l limits) *watchdog {
	now := c.Now()
	return &watchdog{clock: c, limits: l, urgent: make(chan struct{}, 1), progress: progress{started: now, active: now}}
}

// active is told of every byte that comes.
func (w *watchdog) active() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progress.active = w.clock.Now()
}

// event is told of every event.
func (w *watchdog) event(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progress.event = w.progress.event || e.Type != ""
	if e.Retry != nil {
		// It waits as long as it says, which may be longer than it may be silent otherwise.
		w.progress.active = w.clock.Now().Add(e.Retry.delay())
	}
	if e.Result != nil {
		w.progress.result = w.clock.Now()
	}
	w.refused = w.refused || hopeless(e.Retry)
	if e.Result != nil || w.refused {
		select {
		case w.urgent <- struct{}{}:
		default:
		}
	}
}

// delay is how long the agent says that it waits. It can say anything, and an absurd number must not turn negative.
func (r *Retry) delay() time.Duration {
	return time.Duration(min(max(r.DelayMS, 0), float64(maxDelay.Milliseconds()))) * time.Millisecond
}

// hopeless tells a request that is repeated although the credentials are refused. The second time counts: the
// first may be followed by a renewed token.
func hopeless(r *Retry) bool {
	return r != nil && r.Attempt >= 2 && (r.Status == 401 || r.Status == 403)
}

// renew asks for the limits: a person may change them while the agent runs.
func (w *watchdog) renew() {
	if w.timeouts == nil {
		return
	}
	if wallClock, idle, known := w.timeouts(); known {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.limits.wallClock, w.limits.idle = wallClock, idle
	}
}

// limit returns the limit that the cause stands for.
func (w *watchdog) limit(c Cause) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.limits.limit(c)
}

// next returns what to do at what time; a zero time means at once.
func (w *watchdog) next() (Cause, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refused && w.progress.result.IsZero() {
		return CauseRefused, time.Time{}
	}
	return w.limits.due(w.progress)
}

// watch returns why the agent has to be ended, or CauseNone as soon as done is closed.
func (w *watchdog) watch(ctx context.Context, done <-chan struct{}) Cause {
	for {
		w.renew()
		cause, at := w.next()
		now := w.clock.Now()
		if cause != CauseNone && !at.After(now) {
			return cause
		}
		strikes, stop := w.alarm(cause, at.Sub(now))
		select {
		case <-done:
			stop()
			if ctx.Err() != nil {
				// The end of the context ends the process, too.
				return CauseInterrupted
			}
			return CauseNone
		case <-ctx.Done():
			stop()
			return CauseInterrupted
		case <-strikes:
		case <-w.urgent:
			stop()
		}
	}
}

// alarm rings when a limit strikes, or before, when the limits have to be asked for; never without either.
func (w *watchdog) alarm(cause Cause, in time.Duration) (rings <-chan time.Time, stop func() bool) {
	switch {
	case cause == CauseNone && w.timeouts == nil:
		return nil, func() bool { return false }
	case w.timeouts != nil && (cause == CauseNone || in > askInterval):
		in = askInterval
	}
	timer := w.clock.NewTimer(in)
	return timer.C(), timer.Stop
}
