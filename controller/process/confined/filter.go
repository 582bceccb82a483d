package confined

import (
	"runtime"
	"syscall"
	"unsafe"
)

// Landlock's ports hold for connections that are made by connect with plain TCP. Multipath TCP and TCP Fast Open get
// past them, so where ports are closed a filter of system calls closes these ways, too.

// Numbers that package syscall does not name.
const (
	prSetSeccomp        = 22
	seccompModeFilter   = 2
	seccompErrno        = 0x00050000
	seccompAllow        = 0x7fff0000
	sysIoUringSetup     = 425
	protocolMultipath   = 262
	messageFastOpen     = 0x20000000
	firstOfOtherNumbers = 0x40000000 // the x32 calls of amd64
)

// Places in what a filter looks at.
const (
	offsetNumber   = 0
	offsetArch     = 4
	offsetArgument = 16
)

// machine is what system calls depend on: the kernel's number of the architecture, and of sendmmsg.
type machine struct{ arch, sendmmsg uint32 }

var machines = map[string]machine{
	"amd64": {arch: 0xc000003e, sendmmsg: 307},
	"arm64": {arch: 0xc00000b7, sendmmsg: 269},
}

// closeDetours makes connections possible by connect alone.
func closeDetours() error {
	m, known := machines[runtime.GOARCH]
	if !known {
		return syscall.ENOTSUP
	}
	return install(detours(m))
}

func install(filter []syscall.SockFilter) error {
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]} //nolint:gosec // a short program
	//nolint:gosec // seccomp takes a pointer
	if errno := prctlPointer(prSetSeccomp, seccompModeFilter, unsafe.Pointer(&program)); errno != 0 {
		return errno
	}
	return nil
}

// detours is the filter. Calls of another architecture are answered as unknown, and so is io_uring, which makes sockets
// without the calls below.
func detours(m machine) []syscall.SockFilter {
	filter := []syscall.SockFilter{
		load(offsetArch), jump(syscall.BPF_JEQ, m.arch, 1, 0), answer(syscall.ENOSYS),
		load(offsetNumber), jump(syscall.BPF_JGE, firstOfOtherNumbers, 0, 1), answer(syscall.ENOSYS),
		jump(syscall.BPF_JEQ, sysIoUringSetup, 0, 1), answer(syscall.ENOSYS),
	}
	for _, r := range []struct {
		number, argument uint32
		test             uint16
		value            uint32
		errno            syscall.Errno
	}{
		{syscall.SYS_SOCKET, 2, syscall.BPF_JEQ, protocolMultipath, syscall.EPROTONOSUPPORT},
		{syscall.SYS_SENDTO, 3, syscall.BPF_JSET, messageFastOpen, syscall.EOPNOTSUPP},
		{syscall.SYS_SENDMSG, 2, syscall.BPF_JSET, messageFastOpen, syscall.EOPNOTSUPP},
		{m.sendmmsg, 3, syscall.BPF_JSET, messageFastOpen, syscall.EOPNOTSUPP},
	} {
		filter = append(filter, jump(syscall.BPF_JEQ, r.number, 0, 4),
			load(offsetArgument+8*r.argument), jump(r.test, r.value, 0, 1), answer(r.errno), allow)
	}
	return append(filter, allow)
}

var allow = syscall.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: seccompAllow}

func load(offset uint32) syscall.SockFilter {
	return syscall.SockFilter{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: offset}
}

// jump skips yes or no instructions.
func jump(test uint16, value uint32, yes, no uint8) syscall.SockFilter {
	return syscall.SockFilter{Code: syscall.BPF_JMP | test | syscall.BPF_K, Jt: yes, Jf: no, K: value}
}

func answer(errno syscall.Errno) syscall.SockFilter {
	return syscall.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: seccompErrno | uint32(errno)} //nolint:gosec // an errno has 12 bits
}

func prctlPointer(option, value uintptr, argument unsafe.Pointer) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, option, value, uintptr(argument), 0, 0, 0)
	return errno
}
