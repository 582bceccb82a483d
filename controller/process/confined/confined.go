// Package confined is the last stage before a program that is not trusted: it takes from its own process what the
// program must not have, and becomes the program. A failure on the way is reported, and the program does not run.
//
// Like the supervisor it is the running binary, executed once more, and takes over in an init that runs before the
// large packages of the binary. The rules come as a Landlock ruleset that the controller made, by descriptor; so
// this stage knows no paths, and there is nothing in it that a path could lead astray.
package confined

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/agent-work-orders/awo/controller/process/descriptor"
)

// Name is the argv[0], or the first argument, that turns a run of the binary into this stage. As the first argument
// it may be followed by arguments that the program gets after its own: git adds the repository to the program that
// serves it.
const Name = "awo-confined"

// Descriptors of the stage. Those that the program is to inherit follow from extraFD on.
const (
	specFD    = 3
	reportFD  = 4
	rulesetFD = 5
	extraFD   = 6
)

// Numbers that package syscall does not name.
const (
	sysLandlockRestrictSelf = 446
	prSetDumpable           = 4
	prCapbsetDrop           = 24
	prSetNoNewPrivs         = 38
	prCapAmbient            = 47
	prCapAmbientClearAll    = 4
	capabilityVersion3      = 0x20080522
	lastCapability          = 63
)

// Steps that can fail, as they are named in messages.
const (
	StepSpec       = "reading what to confine"
	StepPrivileges = "giving up privileges"
	StepLimits     = "setting resource limits"
	StepLandlock   = "entering the Landlock sandbox"
	StepPorts      = "closing detours around the ports"
	StepCalls      = "closing calls that reach other processes"
	StepExecute    = "executing the program"
)

func init() {
	switch {
	case len(os.Args) > 0 && os.Args[0] == Name:
		syscall.Exit(run(nil))
	case len(os.Args) > 1 && os.Args[1] == Name:
		syscall.Exit(run(os.Args[2:]))
	}
}

// run becomes the program; it returns, with an exit code, only when it could not.
func run(arguments []string) int {
	// What is given up below is given up by this thread, and the program is executed by it.
	runtime.LockOSThread()
	spec, err := readSpec(descriptor.FD(specFD))
	if err != nil {
		return fail(reportFD, StepSpec, err)
	}
	report, ruleset, err := arrange(spec.ExtraFiles)
	if err != nil {
		return fail(reportFD, StepSpec, err)
	}
	if step, err := confine(spec, ruleset); err != nil {
		return fail(report, step, err)
	}
	if err := writeReport(report, Report{Confined: true}); err != nil {
		return 1
	}
	return fail(report, StepExecute, syscall.Exec(spec.Path, append(spec.Argv, arguments...), os.Environ())) //nolint:gosec // to run a program is its work
}

// fail reports. Who started this stage without a descriptor for the report reads it on the error output.
func fail(report descriptor.FD, step string, err error) int {
	errno := syscall.EIO
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		errno = number
	}
	if writeReport(report, Report{Step: step, Errno: errno}) != nil {
		_, _ = descriptor.FD(2).Write([]byte(Name + ": " + step + ": " + errno.Error() +
			" (this is for the controller to start, not for people)\n"))
	}
	return 1
}

// arrange gives the program its descriptors and marks all others, so that it does not get them. Those of this stage
// make way; their new numbers are returned.
func arrange(extraFiles int) (report, ruleset descriptor.FD, err error) {
	if report, err = makeWay(reportFD, extraFiles); err != nil {
		return report, ruleset, err
	}
	if ruleset, err = makeWay(rulesetFD, extraFiles); err != nil {
		return report, ruleset, err
	}
	for i := range extraFiles {
		if err := syscall.Dup3(extraFD+i, descriptor.FirstExtra+i, 0); err != nil {
			return report, ruleset, err
		}
	}
	descriptor.CloseOnExec(descriptor.FirstExtra + extraFiles)
	return report, ruleset, nil
}

// makeWay duplicates a descriptor to a number above all others.
func makeWay(fd, extraFiles int) (descriptor.FD, error) {
	moved, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, uintptr(extraFD+extraFiles))
	if errno != 0 {
		return 0, errno
	}
	return descriptor.FD(moved), nil
}

// confine takes everything from this thread. The name of the step is that of the one that failed.
func confine(s Spec, ruleset descriptor.FD) (step string, err error) {
	// Until it is confined nobody of the same user is to get into it.
	_ = prctl(prSetDumpable, 0)
	// A stricter umask stays.
	syscall.Umask(s.Umask | syscall.Umask(s.Umask))
	if err := dropPrivileges(); err != nil {
		return StepPrivileges, err
	}
	for _, limit := range s.Limits {
		if err := lower(limit); err != nil {
			return StepLimits, err
		}
	}
	if _, _, errno := syscall.RawSyscall(sysLandlockRestrictSelf, uintptr(ruleset), 0, 0); errno != 0 {
		return StepLandlock, errno
	}
	if err := keepToItself(); err != nil {
		return StepCalls, err
	}
	if s.Ports {
		if err := closeDetours(); err != nil {
			return StepPorts, err
		}
	}
	return "", nil
}

// dropPrivileges gives up every capability and the way to gain any. Who started this stage has done so already;
// this does not rely on it.
func dropPrivileges() error {
	if errno := prctl(prSetNoNewPrivs, 1); errno != 0 {
		return errno
	}
	for capability := uintptr(0); capability <= lastCapability; capability++ {
		// An ordinary user may not, and needs not: no_new_privs keeps it from gaining any.
		_ = prctl(prCapbsetDrop, capability)
	}
	// Old kernels know no ambient capabilities; they go with the permitted ones besides.
	_ = prctl(prCapAmbient, prCapAmbientClearAll)
	header := struct {
		version uint32
		pid     int32
	}{version: capabilityVersion3}
	var none [2]struct{ effective, permitted, inheritable uint32 }
	_, _, errno := syscall.RawSyscall(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0) //nolint:gosec // capset takes pointers
	if errno != 0 {
		return errno
	}
	return nil
}

// lower sets a limit that is never above the one that holds already.
func lower(l Limit) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(l.Resource, &now); err != nil {
		return err
	}
	next := syscall.Rlimit{Max: min(l.Hard, now.Max), Cur: min(l.Soft, now.Cur)}
	return syscall.Setrlimit(l.Resource, &next)
}

// prctl sets an attribute of the thread or the process.
func prctl(option, value uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, option, value, 0, 0, 0, 0)
	return errno
}
