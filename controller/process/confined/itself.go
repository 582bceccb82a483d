package confined

import (
	"errors"
	"runtime"
	"syscall"
)

// Landlock keeps a program from signals to others, but not from taking away their limits, their turns on the processor
// and of the disk, and not from the keyrings that all processes of a user share. A filter of system calls does: what
// could kill the controller, or leave word for the agent of another order, is for the program itself alone.

// numbers are those of the system calls in one architecture.
type numbers struct {
	arch                                                                 uint32
	prlimit, setPriority, setIOPriority, setParam, setScheduler, setAttr uint32
	addKey, requestKey, keyctl                                           uint32
}

// own are the architectures whose programs run on a machine: the kernel's, and the one of 32 bits that it may know, too.
var own = map[string][]numbers{
	"amd64": {
		{0xc000003e, 302, 141, 251, 142, 144, 314, 248, 249, 250},
		{0x40000003, 340, 97, 289, 154, 156, 351, 286, 287, 288},
	},
	"arm64": {
		{0xc00000b7, 261, 140, 30, 118, 119, 274, 217, 218, 219},
		{0x40000028, 369, 97, 314, 154, 156, 380, 309, 310, 311},
	},
}

// What the calls mean by "this process".
const (
	priorityOfProcess   = 0
	ioPriorityOfProcess = 1
	itself              = 0
)

// keepToItself closes the calls that reach other processes. A kernel without filters has none to close.
func keepToItself() error {
	tables, known := own[runtime.GOARCH]
	if !known {
		return nil
	}
	err := install(onlyItself(tables))
	if errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}

// wanted is the value that an argument has to have.
type wanted struct{ argument, value uint32 }

// onlyItself is the filter. What it does not know passes; the calls of x32, which would be the same ones under other
// numbers, are answered as unknown.
func onlyItself(tables []numbers) []syscall.SockFilter {
	filter := []syscall.SockFilter{load(offsetArch)}
	for _, n := range tables {
		calls := []syscall.SockFilter{load(offsetNumber), jump(syscall.BPF_JGE, firstOfOtherNumbers, 0, 1), answer(syscall.ENOSYS)}
		for _, key := range []uint32{n.addKey, n.requestKey, n.keyctl} {
			calls = append(calls, jump(syscall.BPF_JEQ, key, 0, 1), answer(syscall.ENOSYS))
		}
		for _, number := range []uint32{n.prlimit, n.setParam, n.setScheduler, n.setAttr} {
			calls = append(calls, onlyWith(number, wanted{0, itself})...)
		}
		calls = append(calls, onlyWith(n.setPriority, wanted{0, priorityOfProcess}, wanted{1, itself})...)
		calls = append(calls, onlyWith(n.setIOPriority, wanted{0, ioPriorityOfProcess}, wanted{1, itself})...)
		calls = append(calls, allow)
		filter = append(filter, jump(syscall.BPF_JEQ, n.arch, 0, uint8(len(calls)))) //nolint:gosec // some dozens
		filter = append(filter, calls...)
	}
	return append(filter, allow)
}

// onlyWith allows a call with these arguments alone.
func onlyWith(number uint32, arguments ...wanted) []syscall.SockFilter {
	check := make([]syscall.SockFilter, 0, 2*len(arguments)+2)
	for i, a := range arguments {
		denial := uint8(2*(len(arguments)-1-i) + 1) //nolint:gosec // two arguments at most
		check = append(check, load(offsetArgument+8*a.argument), jump(syscall.BPF_JEQ, a.value, 0, denial))
	}
	check = append(check, allow, answer(syscall.EPERM))
	return append([]syscall.SockFilter{jump(syscall.BPF_JEQ, number, 0, uint8(len(check)))}, check...) //nolint:gosec // six
}
