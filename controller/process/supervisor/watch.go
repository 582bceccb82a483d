package supervisor

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/agent-work-orders/awo/controller/process/tree"
)

// Times of the end, chosen so that a deaf tree is gone well under 5 s after the controller's death, and under
// 10 s after an orderly stop with the usual grace of 5 s.
const (
	// treeGrace is how long descendants may take after SIGTERM.
	treeGrace = time.Second
	// orphanGrace is how long the agent may take when the controller has died.
	orphanGrace = time.Second
	// killInterval is how long is waited for the dead between two passes of killing.
	killInterval = 20 * time.Millisecond
)

// event is something that happens once.
type event struct {
	once sync.Once
	C    chan struct{}
}

func newEvent() *event { return &event{C: make(chan struct{})} }

func (e *event) happen() { e.once.Do(func() { close(e.C) }) }

func (e *event) happened() bool {
	select {
	case <-e.C:
		return true
	default:
		return false
	}
}

// within waits for the event, at most for d and no longer once cut happens.
func (e *event) within(d time.Duration, cut *event) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-e.C:
	case <-timer.C:
	case <-cut.C:
	}
}

// watch is the life of one agent and its tree.
type watch struct {
	agent tree.Process
	grace time.Duration
	// stop: the orderly end was asked for. orphaned: the controller died. crowded: the tree has too many processes.
	// ended: the agent has ended, status is valid. gone: no descendant is left. never does not happen.
	stop, orphaned, crowded, ended, gone, never *event
	status                                      syscall.WaitStatus
}

func newWatch(agent tree.Process, grace time.Duration) *watch {
	return &watch{agent: agent, grace: grace, stop: newEvent(), orphaned: newEvent(), crowded: newEvent(), ended: newEvent(),
		gone: newEvent(), never: newEvent()}
}

// listen turns what comes over the lifeline into events.
func (w *watch) listen(lifeline io.Reader) {
	var command [1]byte
	for {
		if _, err := lifeline.Read(command[:]); err != nil {
			w.orphaned.happen()
			return
		}
		if command[0] == StopOrderly {
			w.stop.happen()
		}
	}
}

// heed takes SIGTERM, also from the agent itself, as the wish for an orderly end.
func (w *watch) heed(terminated <-chan os.Signal) {
	<-terminated
	w.stop.happen()
}

// reap takes notice of every child that ends: of the agent, and of orphans, which the kernel hands to the
// subreaper. Having no child means having no descendant.
func (w *watch) reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			w.gone.happen()
			return
		case pid == w.agent.PID:
			w.status = status
			w.ended.happen()
		}
	}
}

// untilGone waits for the agent's end, brings it about where asked, then ends the rest of the tree.
func (w *watch) untilGone() Report {
	select {
	case <-w.ended.C:
	case <-w.stop.C:
		w.terminate()
		w.ended.within(w.grace, w.orphaned)
	case <-w.orphaned.C:
	case <-w.crowded.C:
	}
	if w.orphaned.happened() && !w.ended.happened() {
		w.terminate()
		w.ended.within(orphanGrace, w.never)
	}
	w.endTree()
	return report(w.status)
}

// terminate asks the agent to end; it is to end its own children then. One that is stopped could not hear it.
func (w *watch) terminate() {
	_ = tree.Signal(w.agent, syscall.SIGTERM)
	_ = tree.Signal(w.agent, syscall.SIGCONT)
}

// endTree returns when no descendant is left.
func (w *watch) endTree() {
	if !w.orphaned.happened() && !w.crowded.happened() && !w.gone.happened() {
		left := descendants()
		_ = tree.SignalAll(left, syscall.SIGTERM)
		_ = tree.SignalAll(left, syscall.SIGCONT)
		w.gone.within(treeGrace, w.orphaned)
	}
	for !w.gone.happened() {
		// Who cannot be killed is tried again: there is nothing else to do, and to leave would be to lose it.
		_ = tree.Kill(descendants, true)
		w.gone.within(killInterval, w.never)
	}
}

// descendants lists what runs below the supervisor. All of it lives in sessions that began below it, so
// their process groups hold nobody else.
func descendants() []tree.Process {
	all, err := tree.List()
	if err != nil {
		return nil
	}
	return tree.Running(tree.Descendants(all, os.Getpid()))
}

// report turns the agent's status into the last report.
func report(status syscall.WaitStatus) Report {
	if status.Signaled() {
		return Report{Ended: true, Signal: status.Signal()}
	}
	return Report{Ended: true, Code: status.ExitStatus()}
}
