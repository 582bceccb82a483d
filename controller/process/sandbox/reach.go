package sandbox

import (
	"sync"
	"time"
)

// lookAgain is how long is relied on what was found to be in reach: sockets come and go while the controller runs, and
// anybody may ask for its health.
const lookAgain = 5 * time.Second

// reach is what the last look at the sockets in reach has found.
type reach struct {
	mu     sync.Mutex
	until  time.Time
	status Status
	err    error
}

// Look tells whether agents are confined now, and what is left open. The error says why none may be started for the
// time being; it is ErrSocketInReach.
func (p *Policy) Look() (Status, error) {
	if p == nil {
		return Status{Mode: Off}, nil
	}
	r, now := &p.reach, p.options.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !now.Before(r.until) {
		r.status, r.err = decide(p.options.Mode, p.abi, p.sockets(), p.options.Ports)
		r.until = now.Add(lookAgain)
	}
	return r.status, r.err
}

// sockets lists those by which an agent could leave the sandbox. From a version on Landlock closes them all.
func (p *Policy) sockets() []string {
	if p.abi < 1 || p.abi >= abiSockets {
		return nil
	}
	return p.options.Sockets()
}

// Status is what Look tells.
func (p *Policy) Status() Status {
	status, _ := p.Look()
	return status
}

// Active tells whether programs are confined.
func (p *Policy) Active() bool { return p != nil && p.confines }
