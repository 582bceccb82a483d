// Package sandbox decides what a program that is not trusted may reach, and puts it into a Landlock ruleset. The
// ruleset is a descriptor; the stage that becomes the program (package confined) enters it.
//
// What is granted is a list of paths. Everything else on the machine is closed, first of all the data directory with
// the other orders' work. What Landlock cannot keep an agent from is told in Status, so that nobody takes it for done.
package sandbox

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Mode is what is to happen where agents cannot be confined.
type Mode string

// The modes of --agent-sandbox.
const (
	// Auto confines where the kernel can, and says so where it cannot.
	Auto Mode = "auto"
	// Require refuses to start where agents would not be confined.
	Require Mode = "require"
	// Off never confines.
	Off Mode = "off"
)

// Options are what a Policy is made of.
type Options struct {
	Mode Mode
	// DataDir is closed to agents but for what a Run names.
	DataDir string
	// Environ is the environment that agents' variables are chosen from; PATH, HOME and the places of certificates
	// in it name what they may read.
	Environ []string
	// Read and Write are further absolute paths, for all agents.
	Read, Write []string
	// Public are files of our own in DataDir that all agents may read, such as a bundle of certificates.
	Public []string
	// Ports, if not empty, are the only TCP ports that an agent may connect to.
	Ports []int
	// Secrets are files that stay closed also where they lie in a directory that may be read.
	Secrets []string
	// MaxProcesses is how many processes and threads all confined programs of a user may add to those of the machine.
	// The kernel does not hold root to it; there the supervisor counts the processes of each program. Default: 4096.
	MaxProcesses int
	// Root says that agents run as root, to whom the modes of files close nothing.
	Root bool
	// Now tells the time. Default: time.Now.
	Now func() time.Time
	// ABI returns the version of Landlock that the kernel has, 0 for none. Default: LandlockABI.
	ABI func() int
	// Sockets lists sockets that an agent could escape by. Default: Sockets with Environ.
	Sockets func() []string
}

// Policy confines agents, all in the same way but for their own directories. A nil Policy confines nobody.
type Policy struct {
	options Options
	abi     int
	// confines says that programs get a ruleset, whatever else is open.
	confines bool
	// reach remembers which sockets were found, and what that means.
	reach reach
	// closed are paths that are in no grant.
	closed []string
	// links remembers other names of what is closed.
	links links
	// settings remembers what was granted of /etc.
	settings remembered
}

// Run is what one program may reach beyond what all may.
type Run struct {
	// Program is what is executed, an absolute path or one below a directory of Write.
	Program string
	// Read and Write are directories of our own making. They have to exist, and a link in their place is an error.
	Read, Write []string
}

// New makes a policy. The error says why agents cannot be confined as they have to be, and what to do.
func New(o Options) (*Policy, error) {
	if o.ABI == nil {
		o.ABI = LandlockABI
	}
	if o.Sockets == nil {
		o.Sockets = func() []string { return Sockets(o.Environ) }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxProcesses == 0 {
		o.MaxProcesses = maxProcesses
	}
	p := &Policy{options: o}
	if o.Mode != Off {
		p.abi = o.ABI()
	}
	status, err := p.Look()
	if err != nil {
		return nil, err
	}
	p.confines = status.Active
	p.closed = closedPaths(o)
	if err := errors.Join(checkPaths(o, p.closed), p.checkNames(), checkPorts(o.Ports)); err != nil {
		return nil, err
	}
	return p, nil
}

// Rules are what a program gets; nil when it is not confined.
func (p *Policy) Rules(r Run) *Rules {
	if !p.Active() {
		return nil
	}
	rules := &Rules{abi: p.abi, ports: p.options.Ports, processes: p.options.MaxProcesses, root: p.options.Root}
	rules.grants = append(rules.grants, p.common()...)
	rules.grants = append(rules.grants, p.program(r.Program)...)
	for _, dir := range r.Read {
		rules.grants = append(rules.grants, grant{path: dir, access: read, own: true})
	}
	for _, dir := range r.Write {
		rules.grants = append(rules.grants, grant{path: dir, access: write, own: true})
	}
	return rules
}

// ReadOnly are the rules of a program of ours that reads what an agent wrote: no write, no network.
func (p *Policy) ReadOnly(r Run) *Rules {
	rules := p.Rules(Run{Program: r.Program, Read: r.Read})
	if rules == nil {
		return nil
	}
	rules.offline = true
	rules.grants = slices.DeleteFunc(rules.grants, func(g grant) bool { return g.access&write == write })
	return rules
}

// closedPaths are the data directory, and the files of secrets with the directories that hold them.
func closedPaths(o Options) []string {
	closed := []string{realPath(o.DataDir)}
	for _, file := range o.Secrets {
		for _, path := range []string{filepath.Clean(file), realPath(file)} {
			closed = append(closed, path)
			// A secret of Kubernetes is replaced by another directory beside it.
			dir := filepath.Dir(path)
			holdsMore := slices.ContainsFunc(system(), func(s string) bool { return below(s, dir) }) || o.holdsHome(dir)
			if !holdsMore {
				closed = append(closed, dir)
			}
		}
	}
	return closed
}

// checkPaths refuses paths that would undo the sandbox or do nothing.
func checkPaths(o Options, closed []string) error {
	for _, path := range o.Read {
		if err := checkPath("--agent-read", path, closed); err != nil {
			return err
		}
	}
	for _, path := range o.Write {
		if err := checkPath("--agent-write", path, closed); err != nil {
			return err
		}
		for _, c := range closed {
			if below(c, realPath(path)) {
				return fmt.Errorf("--agent-write: %s holds %s, which is closed to agents; name directories beside it", path, c)
			}
		}
	}
	return nil
}

// checkNames refuses directories to write in which a secret file has another name: there is no taking it out of them.
func (p *Policy) checkNames() error {
	for _, path := range p.options.Write {
		if names := p.names(realPath(path)); len(names) > 0 {
			return fmt.Errorf("--agent-write: %s holds %s, which is a hard link to a file that is closed to agents; remove it", path, names[0])
		}
	}
	return nil
}

func checkPath(flag, path string, closed []string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%s: %q is not an absolute path; begin it with a slash", flag, path)
	}
	for _, c := range closed {
		if below(realPath(path), c) {
			return fmt.Errorf("%s: %s lies in %s, which is closed to agents; take it out of the list", flag, path, c)
		}
	}
	return nil
}

// below tells whether a path is dir or lies in it. Both are absolute and clean.
func below(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// realPath resolves symlinks as far as the path exists.
func realPath(path string) string {
	path = filepath.Clean(path)
	for rest := ""; ; {
		if resolved, err := filepath.EvalSymlinks(path); err == nil {
			return filepath.Join(resolved, rest)
		}
		parent := filepath.Dir(path)
		if parent == path {
			return filepath.Join(path, rest)
		}
		rest, path = filepath.Join(filepath.Base(path), rest), parent
	}
}
