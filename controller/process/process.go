// Package process runs all child processes: short commands (git, gh) with bounded output, and agents, each
// under a supervisor that ends the agent's whole tree. Children have no capabilities, cannot gain any, get
// exactly the environment they are given, and leave nothing behind.
package process

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/process/tree"
)

// Harden makes this process closed to others of its user and the adoptive parent of what its descendants
// leave behind. It is to be called before anything else: until then, another process may read the environment
// and the memory.
func Harden() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("make the process non-dumpable: %w", err)
	}
	return adoptOrphans()
}

// adoptOrphans makes this process a subreaper: a descendant whose parent ends becomes its child.
func adoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("adopt orphaned processes: %w", err)
	}
	return nil
}

// Identity names a process for good: a PID is used again after its process has ended, and after a reboot.
type Identity struct {
	PID int `json:"pid"`
	// StartTime is field 22 of /proc/PID/stat, in clock ticks since boot.
	StartTime uint64 `json:"startTime"`
	// BootID is /proc/sys/kernel/random/boot_id; empty where there is none.
	BootID string `json:"bootID"`
}

// Identify returns the identity of the process that has the PID now. The error wraps fs.ErrNotExist when there
// is none.
func Identify(pid int) (Identity, error) {
	p, err := tree.Read(pid)
	if err != nil {
		return Identity{}, fmt.Errorf("identify process %d: %w", pid, err)
	}
	return Identity{PID: p.PID, StartTime: p.StartTime, BootID: bootID()}, nil
}

// bootID tells this run of the kernel from others. A sandboxed kernel may have none; then PID and start time
// have to do.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
