package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/agent-work-orders/awo/controller/process/tree"
)

const (
	// formerGrace is how long processes of a former life may take after SIGTERM, formerLimit how long they are
	// killed before it is given up.
	formerGrace = time.Second
	formerLimit = 3 * time.Second
	// lookInterval is how often is looked whether they are gone.
	lookInterval = 20 * time.Millisecond
)

// EndFormer ends what a former life of the controller left behind: the supervisors that still are who they were,
// all that descends from them, and every process that carries one of the runs' ids in its environment or is traced,
// with what descends from it. SIGTERM first, SIGKILL after a second. This process and its ancestors are never among
// them. It returns how many processes were found and are gone. The error tells who could not be ended; it does
// not keep the rest alive.
func EndFormer(ctx context.Context, supervisors []Identity, workOrderIDs []string, traces ...Trace) (int, error) {
	h := &hunt{supervisors: supervisors, traces: traces, marks: map[string]bool{}, found: map[tree.Key]tree.Process{}}
	for _, id := range workOrderIDs {
		h.marks[id] = id != ""
	}
	targets := h.look()
	if len(targets) == 0 {
		return 0, nil
	}
	// Who does not get the signal is killed, and who cannot be killed is reported.
	_ = tree.SignalAll(targets, syscall.SIGTERM)
	_ = tree.SignalAll(targets, syscall.SIGCONT)
	h.awaitEnd(ctx, formerGrace)
	err := h.kill(ctx)
	return len(h.found) - len(h.alive()), err
}

// hunt is one call of EndFormer.
type hunt struct {
	supervisors []Identity
	traces      []Trace
	// marks are the ids to look for in environments.
	marks map[string]bool
	// found is everybody who was ever seen to belong to the former life, also if the tie is cut later.
	found map[tree.Key]tree.Process
}

// look finds who is still there and belongs to the former life.
func (h *hunt) look() []tree.Process {
	all, err := tree.List()
	if err != nil {
		return h.alive()
	}
	spared := tree.Ancestors(all, os.Getpid())
	var tops []int
	for _, p := range all {
		if !spared[p.PID] && h.belongs(p) {
			tops = append(tops, p.PID)
			h.found[p.Key()] = p
		}
	}
	for _, p := range tree.Running(tree.Descendants(all, tops...)) {
		if !spared[p.PID] {
			h.found[p.Key()] = p
		}
	}
	return h.alive()
}

// belongs says whether a process is to be ended on its own account.
func (h *hunt) belongs(p tree.Process) bool {
	if p.Ended() {
		return false
	}
	if _, known := h.found[p.Key()]; known {
		return true
	}
	for _, s := range h.supervisors {
		if s.PID == p.PID && s.StartTime == p.StartTime && s.BootID == bootID() {
			return true
		}
	}
	return h.marked(p.PID) || slices.ContainsFunc(h.traces, func(t Trace) bool { return t(p.PID) })
}

// marked says whether the process's environment carries one of the ids. That of a stranger cannot be read.
func (h *hunt) marked(pid int) bool {
	if len(h.marks) == 0 {
		return false
	}
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		id, ok := bytes.CutPrefix(entry, []byte(WorkOrderIDVariable+"="))
		if ok && h.marks[string(id)] {
			return true
		}
	}
	return false
}

// alive returns those found that have not ended.
func (h *hunt) alive() []tree.Process {
	var alive []tree.Process
	for key := range h.found {
		if p, err := tree.Read(key.PID); err == nil && p.Key() == key && !p.Ended() {
			alive = append(alive, p)
		}
	}
	return alive
}

// kill kills until nobody is left, the time is up or the context ends.
func (h *hunt) kill(ctx context.Context) error {
	var refused error
	for end := time.Now().Add(formerLimit); ; {
		// Groups are left alone: those of a former life may hold others.
		if err := tree.Kill(h.look, false); err != nil {
			refused = err
		}
		h.awaitEnd(ctx, lookInterval)
		left := h.look()
		switch {
		case len(left) == 0:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("end %d processes of a former life, among them process %d: %w", len(left), left[0].PID, ctx.Err())
		case time.Now().After(end):
			return fmt.Errorf("end process %d of a former life, which does not end by SIGKILL; end it by hand: %w",
				left[0].PID, orUnkillable(refused))
		}
	}
}

// awaitEnd waits until everybody found has ended, at most for d.
func (h *hunt) awaitEnd(ctx context.Context, d time.Duration) {
	timeout := time.NewTimer(d)
	defer timeout.Stop()
	tick := time.NewTicker(min(d, lookInterval))
	defer tick.Stop()
	for len(h.alive()) > 0 {
		select {
		case <-tick.C:
		case <-timeout.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func orUnkillable(refused error) error {
	if refused != nil {
		return refused
	}
	return errors.New("it waits inside the kernel")
}
