package process

import (
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/process/tree"
)

const (
	// sweepInterval is how long is waited for the killed between two passes.
	sweepInterval = 10 * time.Millisecond
	// sweepLimit bounds a sweep: what does not die of SIGKILL hangs in the kernel.
	sweepLimit = 5 * time.Second
)

// SweepStrays kills and reaps, with all that descends from them, the children that this process adopted: what
// daemonised out of a command's group, or what the tree of a killed supervisor consists of. It does not touch
// what Spawners started and its groups, what was there before the Spawner, and what is in the process group
// of this process, because other code here may wait for it.
func (s *Spawner) SweepStrays() {
	var strays []tree.Process
	look := func() []tree.Process {
		adopted, below := s.strays()
		strays = adopted
		return tree.Running(slices.Concat(adopted, below))
	}
	for end := time.Now().Add(sweepLimit); time.Now().Before(end); {
		// An error shows by the process staying.
		_ = tree.Kill(look, true)
		if len(strays) == 0 {
			return
		}
		reapAll(strays)
		if strays, _ = s.strays(); len(strays) == 0 {
			return
		}
		<-time.After(sweepInterval)
	}
}

// strays returns the adopted children, also those that have ended, and what descends from them.
func (s *Spawner) strays() (strays, below []tree.Process) {
	children.mu.Lock()
	defer children.mu.Unlock()
	all, err := tree.List()
	if err != nil {
		return nil, nil
	}
	strays = strayChildren(all, kin{self: os.Getpid(), group: unix.Getpgrp(), started: children.started, inherited: s.inherited})
	pids := make([]int, 0, len(strays))
	for _, p := range strays {
		pids = append(pids, p.PID)
	}
	return strays, tree.Descendants(all, pids...)
}

// kin is what a process knows about its children.
type kin struct {
	self, group int
	started     map[int]bool
	inherited   map[tree.Key]bool
}

// strayChildren picks the children that were adopted.
func strayChildren(all []tree.Process, k kin) []tree.Process {
	var strays []tree.Process
	for _, p := range all {
		ours := k.started[p.PID] || k.started[p.Group] || p.Group == k.group || k.inherited[p.Key()]
		if p.Parent == k.self && !ours {
			strays = append(strays, p)
		}
	}
	return strays
}

// reapAll takes notice of those that have ended.
func reapAll(children []tree.Process) {
	for _, p := range children {
		for {
			_, err := unix.Wait4(p.PID, nil, unix.WNOHANG, nil)
			if !errors.Is(err, unix.EINTR) {
				break
			}
		}
	}
}

// ownChildren lists the children of this process.
func ownChildren() ([]tree.Process, error) {
	all, err := tree.List()
	if err != nil {
		return nil, err
	}
	return strayChildren(all, kin{self: os.Getpid()}), nil
}
