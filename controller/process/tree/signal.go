package tree

import (
	"errors"
	"syscall"
)

// System calls that package syscall does not name. New calls have one number on all architectures.
const (
	sysPidfdSendSignal = 424
	sysPidfdOpen       = 434
)

// freezeRounds bounds how often freeze looks for newcomers, so that a flood of processes that all leave
// their group cannot hold it for ever; what is left is found by the caller's next pass.
const freezeRounds = 50

// Signal sends a signal to exactly this process: the number is checked against the start time while a
// descriptor holds the process, so that one which took over the number is never hit. ESRCH when it is gone.
func Signal(p Process, sig syscall.Signal) error {
	fd, _, errno := syscall.Syscall(sysPidfdOpen, uintptr(p.PID), 0, 0)
	if errno == syscall.ESRCH {
		return errno
	}
	held := errno == 0
	if held {
		defer func() { _ = syscall.Close(int(fd)) }()
	}
	now, err := Read(p.PID)
	if err != nil || now.StartTime != p.StartTime {
		return syscall.ESRCH
	}
	if !held {
		// An old kernel or a filter without the call, or no descriptor to spare.
		return syscall.Kill(p.PID, sig)
	}
	if _, _, errno = syscall.Syscall6(sysPidfdSendSignal, fd, uintptr(sig), 0, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// SignalAll sends a signal to each process. Who has gone meanwhile is no error; the first other one is
// returned after all were tried.
func SignalAll(processes []Process, sig syscall.Signal) error {
	var first error
	for _, p := range processes {
		err := Signal(p, sig)
		if first == nil && err != nil && !errors.Is(err, syscall.ESRCH) {
			first = err
		}
	}
	return first
}

// signalGroups sends a signal to the process group of each. The kernel does that in one step against
// fork, so it reaches a group that multiplies faster than a list can be made. Only for processes whose groups
// hold nobody else.
func signalGroups(processes []Process, sig syscall.Signal) {
	done := map[int]bool{}
	for _, p := range processes {
		if p.Group > 1 && !done[p.Group] {
			done[p.Group] = true
			// An error means that the group has gone; each member is signalled on its own besides.
			_ = syscall.Kill(-p.Group, sig)
		}
	}
}

// freeze stops what find returns, looks again and goes on until nobody new shows up, so that nobody is left
// who could replace those that are killed next. groups stops whole process groups as well.
func freeze(find func() []Process, groups bool) []Process {
	frozen := map[Key]bool{}
	var found []Process
	for range freezeRounds {
		found = find()
		fresh := newcomers(found, frozen)
		if len(fresh) == 0 {
			break
		}
		if groups {
			signalGroups(fresh, syscall.SIGSTOP)
		}
		// Whoever cannot be stopped cannot be killed either; the caller sees it by its staying.
		_ = SignalAll(fresh, syscall.SIGSTOP)
	}
	return found
}

// newcomers returns those not known yet and makes them known.
func newcomers(found []Process, known map[Key]bool) []Process {
	var fresh []Process
	for _, p := range found {
		if !known[p.Key()] {
			known[p.Key()] = true
			fresh = append(fresh, p)
		}
	}
	return fresh
}

// Kill freezes what find returns and then kills it. It does not wait for the end; call it again until find
// returns nobody.
func Kill(find func() []Process, groups bool) error {
	found := freeze(find, groups)
	if groups {
		signalGroups(found, syscall.SIGKILL)
	}
	return SignalAll(found, syscall.SIGKILL)
}
