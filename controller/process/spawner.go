package process

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process/tree"
)

// ErrClosed is returned for a start after Close. Nobody is to blame: the controller has ended.
var ErrClosed = failure.NewInterrupted(errors.New("no more processes are started: the spawner is closed"))

// family is the table of the children that Spawners started.
type family struct {
	// mu is held while a process is started, so that a child is never seen before it is known.
	mu      sync.Mutex
	started map[int]bool
}

// children is one for the process, as the kernel's table is: a Spawner must not take the child of another for
// adopted.
var children = family{started: map[int]bool{}}

// Spawner starts all child processes, on one OS thread that has given up every capability: a child inherits
// those of the thread that forks it, while the rest of the process keeps what it was given.
type Spawner struct {
	forks  chan func()
	closed chan struct{}
	close  sync.Once

	// inherited are children that this process had before: a script may start something and then become us.
	inherited map[tree.Key]bool
	// mark, if set, is added to the environment of every command.
	mark string
}

// NewSpawner prepares the thread. It makes this process the adoptive parent of what descendants leave behind and
// closes inherited descriptors to children.
func NewSpawner() (*Spawner, error) {
	if err := adoptOrphans(); err != nil {
		return nil, err
	}
	closeToChildren()
	s := &Spawner{
		forks: make(chan func()), closed: make(chan struct{}),
		inherited: map[tree.Key]bool{},
	}
	present, err := ownChildren()
	if err != nil {
		return nil, fmt.Errorf("list the processes in /proc: %w", err)
	}
	for _, p := range present {
		s.inherited[p.Key()] = true
	}
	ready := make(chan error)
	go s.serve(ready)
	if err := <-ready; err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends the thread, and with it the commands of Run that it started. Agents go on, under their supervisors.
func (s *Spawner) Close() { s.close.Do(func() { close(s.closed) }) }

// serve runs on the thread. The thread is never unlocked, so the runtime ends it with the goroutine and no
// other goroutine ever runs without capabilities.
func (s *Spawner) serve(ready chan<- error) {
	runtime.LockOSThread()
	err := dropPrivileges()
	ready <- err
	if err != nil {
		return
	}
	for {
		select {
		case fork := <-s.forks:
			fork()
		case <-s.closed:
			return
		}
	}
}

// start starts a command on the thread.
func (s *Spawner) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	fork := func() {
		children.mu.Lock()
		defer children.mu.Unlock()
		err := cmd.Start()
		if err == nil {
			children.started[cmd.Process.Pid] = true
		}
		result <- err
	}
	select {
	case s.forks <- fork:
		return <-result
	case <-s.closed:
		return ErrClosed
	}
}

// reaped forgets a child after it was waited for.
func (f *family) reaped(pid int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.started, pid)
}

// dropPrivileges takes everything from the calling thread that a child could inherit or gain by executing a
// program, also when the user is root.
func dropPrivileges() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid children new privileges: %w", err)
	}
	for capability := range uintptr(64) {
		// EPERM: an ordinary user may not, and has nothing to drop; no_new_privs keeps it so. EINVAL: past the
		// last capability of this kernel.
		err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
		if err != nil && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("drop capability %d from the bounding set: %w", capability, err)
		}
	}
	// Ambient capabilities go with the permitted ones; old kernels that know none say EINVAL.
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("give up capabilities: %w", err)
	}
	return nil
}

// closeToChildren marks what was open when this process began, so that no child gets it unasked. Descriptors
// that Go opens are marked from the start. Kernels before 5.11 cannot; there what the parent left open goes on.
func closeToChildren() {
	const firstAfterStandard = 3
	_ = unix.CloseRange(firstAfterStandard, ^uint(0)>>33, unix.CLOSE_RANGE_CLOEXEC)
}
