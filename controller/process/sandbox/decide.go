package sandbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// Versions of Landlock that close something that older ones leave open.
const (
	abiRename   = 2
	abiTruncate = 3
	abiPorts    = 4
	abiScopes   = 6
	abiSockets  = 9
)

// Status tells how agents are confined.
type Status struct {
	Mode Mode
	// Active says that agents are confined as the mode asks for. Where it does not, they run unconfined, or, with
	// Require, not at all.
	Active bool
	// Reason is that of the condition AgentConfined.
	Reason string
	// Message says in words what holds and what is left open.
	Message string
}

// ErrNoLandlock says that the kernel has no Landlock, or does not let it be used.
var ErrNoLandlock = errors.New("the kernel offers no Landlock (it came with Linux 5.13; look for landlock in /sys/kernel/security/lsm, " +
	"and for a seccomp profile that forbids it)")

// unconfined says what agents can do then. Gh alone has the token in its environment, and it is not a program of ours that
// could hide it.
const unconfined = "they can read and write what the controller's user can, and in /proc the environment of its other programs: " +
	"the GitHub token in that of gh while it opens a pull request"

// ErrSocketInReach says that an agent could leave the sandbox by a socket, where that is not to be.
var ErrSocketInReach = errors.New("agents could leave the sandbox by sockets that Landlock does not close")

// checkPorts refuses what is no port.
func checkPorts(ports []int) error {
	for _, port := range ports {
		if port < 1 || port > 65535 {
			return fmt.Errorf("--agent-ports: %d is not a port; name numbers from 1 to 65535", port)
		}
	}
	return nil
}

// decide works out what the mode means on a kernel with that Landlock, where those sockets are in reach. With
// ErrSocketInReach comes what to tell meanwhile.
func decide(mode Mode, abi int, sockets []string, ports []int) (Status, error) {
	switch {
	case mode == Off && len(ports) > 0:
		return Status{}, errors.New("--agent-ports is set, but --agent-sandbox=off confines nothing; unset one of them")
	case mode == Off:
		return Status{Mode: mode, Reason: v1alpha1.ReasonSandboxOff,
			Message: "agents are not confined, because --agent-sandbox=off says so; " + unconfined}, nil
	case abi < 1 && mode == Require:
		return Status{}, fmt.Errorf("--agent-sandbox=require: %w; run awo on another kernel, or set --agent-sandbox=auto to run agents unconfined",
			ErrNoLandlock)
	case len(ports) > 0 && abi < abiPorts:
		return Status{}, fmt.Errorf("--agent-ports needs version %d of Landlock (Linux 6.7), the kernel has %d; unset it", abiPorts, abi)
	case abi < 1:
		return Status{Mode: mode, Reason: v1alpha1.ReasonLandlockMissing,
			Message: "agents are not confined: " + ErrNoLandlock.Error() + "; " + unconfined}, nil
	case mode == Require && len(sockets) > 0:
		err := fmt.Errorf("--agent-sandbox=require: %w: %s; end what listens there, "+
			"run awo as a user who cannot connect there, or set --agent-sandbox=auto", ErrSocketInReach, strings.Join(sockets, ", "))
		return Status{Mode: mode, Reason: v1alpha1.ReasonSocketInReach, Message: "no agent is started: " + err.Error()}, err
	}
	return Status{Mode: mode, Active: true, Reason: v1alpha1.ReasonLandlock, Message: describe(abi, sockets)}, nil
}

// describe says what holds with this version of Landlock.
func describe(abi int, sockets []string) string {
	var open []string
	if abi < abiTruncate {
		open = append(open, "files outside can be truncated")
	}
	if abi < abiScopes {
		open = append(open, "processes outside can be signalled")
	}
	if len(sockets) > 0 {
		open = append(open, "agents can connect to "+strings.Join(sockets, ", "))
	}
	text := fmt.Sprintf("agents are confined by Landlock, version %d", abi)
	if len(open) == 0 {
		return text
	}
	return text + "; left open: " + strings.Join(open, "; ")
}
