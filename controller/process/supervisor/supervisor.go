// Package supervisor is the small process between the controller and an agent: it starts the agent, ends it
// when asked or when the controller has died, and does not leave before every process that came of it is gone.
//
// It is the running binary, executed once more under another argv[0]. The package's init takes over. Go initialises
// packages in the order of their paths once all they import is ready, so init runs early, before the large
// packages of the binary, as long as this package imports only what Go itself begins with. That keeps the
// process small; a test counts.
package supervisor

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/agent-work-orders/awo/controller/process/descriptor"
	"github.com/agent-work-orders/awo/controller/process/tree"
)

// Numbers that package syscall does not name.
const (
	prSetDumpable       = 4
	prSetChildSubreaper = 36
)

func init() {
	if len(os.Args) == 0 || os.Args[0] != Name {
		return
	}
	// Unlike os.Exit this runs nothing that was registered for the end of the program.
	syscall.Exit(run(descriptors{standard: [3]int{0, 1, 2}, lifeline: lifelineFD, report: reportFD, extra: extraFD}))
}

// descriptors are what the controller hands down.
type descriptors struct {
	// standard is the agent's input, output and error output.
	standard [3]int
	// lifeline brings the Spec and commands, report takes Reports.
	lifeline, report int
	// extra is the first descriptor that the agent is to inherit as its third.
	extra int
}

// send writes a report. A controller that is gone cannot be told; the end of the tree is due all the same.
func (d descriptors) send(r Report) { _ = writeReport(descriptor.FD(d.report), r) }

// run is the supervisor's life; the result is its exit code.
func run(d descriptors) int {
	terminated := prepare()
	spec, err := readSpec(descriptor.FD(d.lifeline))
	if err != nil {
		// The controller died or changed its mind.
		return 1
	}
	agent, err := start(spec, d)
	if err != nil {
		d.send(Report{Errno: errnoOf(err)})
		return 1
	}
	d.letGo(spec.ExtraFiles)
	d.send(Report{Started: true})
	w := newWatch(agent, spec.Grace)
	go w.listen(descriptor.FD(d.lifeline))
	go w.heed(terminated)
	go w.reap()
	go w.count(spec.MaxProcesses)
	d.send(w.untilGone())
	return 0
}

// errnoOf is the kernel's reason, or EIO where there is none.
func errnoOf(err error) syscall.Errno {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return syscall.EIO
}

// prepare makes the process what it has to be before the agent exists. The channel tells of SIGTERM.
func prepare() <-chan os.Signal {
	prctl(prSetDumpable, 0)
	prctl(prSetChildSubreaper, 1)
	// Nothing that was open when the controller was started goes on to the agent.
	descriptor.CloseOnExec(lifelineFD)
	// Caught and dropped, not ignored: an ignored signal stays ignored in the agent.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT,
		syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGPIPE)
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	return terminated
}

// start runs the agent in a session of its own. It does so on an OS thread that is given up afterwards, so
// that a confinement put on that thread holds for the agent and not for the supervisor.
func start(s Spec, d descriptors) (tree.Process, error) {
	var agent tree.Process
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		pid, err := syscall.ForkExec(s.Path, s.Argv, attributes(s, d))
		if err == nil {
			// It cannot be gone: nobody has reaped it.
			agent, err = tree.Read(pid)
		}
		failed <- err
	}()
	err := <-failed
	return agent, err
}

func attributes(s Spec, d descriptors) *syscall.ProcAttr {
	files := make([]uintptr, 0, len(d.standard)+s.ExtraFiles)
	for _, n := range d.standard {
		files = append(files, uintptr(n))
	}
	for i := range s.ExtraFiles {
		files = append(files, uintptr(d.extra+i))
	}
	return &syscall.ProcAttr{Dir: s.Dir, Env: s.Env, Files: files, Sys: &syscall.SysProcAttr{Setsid: true}}
}

// letGo gives up what only the agent is to hold: who writes to its standard input or reads an inherited pipe
// learns of its end. Error output stays for the supervisor's own last words.
func (d descriptors) letGo(extraFiles int) {
	for i := range extraFiles {
		_ = syscall.Close(d.extra + i)
	}
	null, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	_ = syscall.Dup3(null, d.standard[0], syscall.O_CLOEXEC)
	_ = syscall.Dup3(null, d.standard[1], syscall.O_CLOEXEC)
	_ = syscall.Close(null)
}

// prctl sets an attribute of the process. It fails on no kernel that Go runs on.
func prctl(option, value uintptr) {
	_, _, _ = syscall.RawSyscall6(syscall.SYS_PRCTL, option, value, 0, 0, 0, 0)
}
