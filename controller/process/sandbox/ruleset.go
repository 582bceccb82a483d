package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	landlock "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/process/confined"
)

// access is what may be done with a path and all below it.
type access uint64

// What is granted. Device files may be written to, but nothing may be made beside them.
const (
	read  = access(landlock.AccessFSReadDir | landlock.AccessFSExecute | landlock.AccessFSReadFile)
	write = read | landlock.AccessFSWriteFile | landlock.AccessFSTruncate | landlock.AccessFSRemoveDir | landlock.AccessFSRemoveFile |
		landlock.AccessFSMakeDir | landlock.AccessFSMakeReg | landlock.AccessFSMakeSock | landlock.AccessFSMakeFifo |
		landlock.AccessFSMakeSym | landlock.AccessFSRefer
	device = access(landlock.AccessFSReadFile | landlock.AccessFSWriteFile | landlock.AccessFSTruncate | landlock.AccessFSIoctlDev)
	// onFiles is the part of all that a rule for a file may have.
	onFiles = device | landlock.AccessFSExecute
)

// handled is all that a version of Landlock can deny; what is handled and not granted is denied.
func handled(abi int) access {
	switch {
	case abi < abiRename:
		return landlock.AccessFSRefer - 1
	case abi < abiTruncate:
		return landlock.AccessFSTruncate - 1
	case abi < 5:
		return landlock.AccessFSIoctlDev - 1
	case abi < abiSockets:
		return landlock.AccessFSResolveUnix - 1
	}
	return landlock.AccessFSResolveUnix<<1 - 1
}

// grant lets a path be used.
type grant struct {
	path   string
	access access
	// own says that the path is of our making: it has to be there, and be no link.
	own bool
}

// Rules are what one program may reach.
type Rules struct {
	abi    int
	grants []grant
	ports  []int
	// offline forbids all TCP.
	offline bool
	// processes is how many the program may add; root says that the kernel does not hold it to that.
	processes int
	root      bool
}

// LandlockABI returns the version of Landlock that the kernel has, 0 for none.
func LandlockABI() int {
	abi, err := landlock.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return abi
}

// Ruleset makes the ruleset that package confined enters. A path that is granted to all and does not exist, or cannot
// be reached by this user, is left out.
func (r *Rules) Ruleset() (*os.File, error) {
	attr := landlock.RulesetAttr{HandledAccessFS: uint64(handled(r.abi))}
	if r.abi >= abiScopes {
		attr.Scoped = landlock.ScopeAbstractUnixSocket | landlock.ScopeSignal
	}
	if r.closePorts() {
		attr.HandledAccessNet = landlock.AccessNetConnectTCP
	}
	fd, err := landlock.LandlockCreateRuleset(&attr, 0)
	if err != nil {
		return nil, fmt.Errorf("make a Landlock ruleset: %w", err)
	}
	file := os.NewFile(uintptr(fd), "ruleset")
	if err := r.fill(fd, attr.HandledAccessNet != 0); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// OnlyPorts tells whether the program may connect to some TCP ports alone, in whatever way.
func (r *Rules) OnlyPorts() bool { return len(r.ports) > 0 && !r.offline }

// closePorts tells whether the ruleset closes TCP ports. Programs of ours that need no network are offline where the
// kernel can see to it.
func (r *Rules) closePorts() bool {
	return r.abi >= abiPorts && (r.offline || len(r.ports) > 0)
}

func (r *Rules) fill(ruleset int, ports bool) error {
	for _, g := range r.grants {
		if err := g.addTo(ruleset, handled(r.abi)); err != nil {
			return fmt.Errorf("grant %s in a Landlock ruleset: %w", g.path, err)
		}
	}
	if !ports || r.offline {
		return nil
	}
	for _, port := range r.ports {
		attr := landlock.NetPortAttr{AllowedAccess: landlock.AccessNetConnectTCP, Port: uint64(port)} //nolint:gosec // 1 to 65535
		if err := landlock.LandlockAddNetPortRule(ruleset, &attr, 0); err != nil {
			return fmt.Errorf("grant TCP port %d in a Landlock ruleset: %w", port, err)
		}
	}
	return nil
}

// addTo adds the grant to a ruleset.
func (g grant) addTo(ruleset int, handled access) error {
	flags := unix.O_PATH | unix.O_CLOEXEC
	if g.own {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := unix.Open(g.path, flags, 0)
	switch {
	case err != nil && !g.own && unreachable(err):
		return nil
	case err != nil:
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	rights := g.access & handled
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		// It may be a link only where it was opened as such.
		if g.own {
			return &fs.PathError{Op: "open", Path: g.path, Err: unix.ENOTDIR}
		}
		rights &= onFiles
	}
	if rights == 0 {
		return nil
	}
	return landlock.LandlockAddPathBeneathRule(ruleset, &landlock.PathBeneathAttr{AllowedAccess: uint64(rights), ParentFd: fd}, 0)
}

// unreachable tells that a path is not there for us.
func unreachable(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP)
}

// Limits of a confined program.
const (
	// Umask keeps others from writing what it makes.
	Umask = 0o022
	// softFiles is what a program gets that asks for no more, hardFiles what it may ask for.
	softFiles, hardFiles = 4096, 65536
	// maxFileSize is in bytes.
	maxFileSize = 4 << 30
	// maxProcesses is the default of Options.MaxProcesses.
	maxProcesses = 4096
)

// Limits returns the resource limits of the program. Each run's number of processes is reckoned from those that
// there are, because the kernel counts all of a user.
func (r *Rules) Limits() []confined.Limit {
	processes := uint64(r.processes + tasks()) //nolint:gosec // counts
	return []confined.Limit{
		{Resource: unix.RLIMIT_NOFILE, Soft: softFiles, Hard: hardFiles},
		{Resource: unix.RLIMIT_NPROC, Soft: processes, Hard: processes},
		{Resource: unix.RLIMIT_FSIZE, Soft: maxFileSize, Hard: maxFileSize},
		{Resource: unix.RLIMIT_CORE},
	}
}

// MaxProcesses is how many processes the supervisor lets the program's tree have, where the kernel sets root no limit; 0
// leaves it to the kernel.
func (r *Rules) MaxProcesses() int {
	if r == nil || !r.root {
		return 0
	}
	return r.processes
}

// tasks counts the processes and threads of the machine.
func tasks() int {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	var one, five, fifteen float64
	var running, all int
	if _, err := fmt.Sscanf(string(text), "%g %g %g %d/%d", &one, &five, &fifteen, &running, &all); err != nil {
		return 0
	}
	return all
}
