package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/process/confined"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
	"github.com/agent-work-orders/awo/controller/process/supervisor"
)

// confineError says that a program was not run, because its process could not be confined before. It wraps nothing, so
// that fs.ErrNotExist from a start always means the program.
type confineError struct {
	// Name is the program's file name, Step what failed.
	Name, Step string
	Err        error
}

// Error names the program, the step and what to do.
func (e *confineError) Error() string {
	return fmt.Sprintf("%s was not run, because it could not be confined (%s): %v; see what `awo doctor` says of the sandbox, "+
		"or set --agent-sandbox=off to run agents unconfined", e.Name, e.Step, e.Err)
}

// ErrNeverConfined says that a process ended, or was never started, before it had come to be confined.
var ErrNeverConfined = errors.New("its process ended before it was confined")

// Confinement is the way to the confined stage of one process: what it is told, and what it reports.
type Confinement struct {
	name          string
	path          string
	spec, ruleset *os.File
	report        pipe
}

// Confine prepares a process that is confined by rules before it becomes the program. The process is this binary with
// confined.Name as its argv[0] or first argument, and Files as its first descriptors after the standard ones; it has
// extraFiles further ones, which the program gets. Close releases what was prepared.
func Confine(rules *sandbox.Rules, path string, argv []string, extraFiles int) (*Confinement, error) {
	c := &Confinement{name: Command{Path: path}.name(), path: path}
	if err := c.open(rules, confined.Spec{
		Path: path, Argv: argv, Umask: sandbox.Umask, Limits: rules.Limits(), Ports: rules.OnlyPorts(), ExtraFiles: extraFiles,
	}); err != nil {
		c.Close()
		return nil, &confineError{Name: c.name, Step: "preparing", Err: err}
	}
	return c, nil
}

func (c *Confinement) open(rules *sandbox.Rules, spec confined.Spec) error {
	fd, err := unix.MemfdCreate(confined.Name, unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("make a file in memory: %w", err)
	}
	c.spec = os.NewFile(uintptr(fd), confined.Name)
	if _, err := c.spec.Write(spec.Encode()); err != nil {
		return err
	}
	if c.ruleset, err = rules.Ruleset(); err != nil {
		return err
	}
	c.report.r, c.report.w, err = os.Pipe()
	return err
}

// Files are what the stage inherits, in order.
func (c *Confinement) Files() []*os.File { return []*os.File{c.spec, c.report.w, c.ruleset} }

// Outcome waits until the stage has become the program, and returns why it did not. It is to be called once, after the
// process was started; the files are closed then. A program that does not exist or cannot be executed gives an
// *fs.PathError as without a sandbox, everything else a *confineError or ErrNeverConfined.
func (c *Confinement) Outcome() error {
	c.closeTheirs()
	_ = c.report.r.SetReadDeadline(time.Now().Add(startLimit))
	text, err := io.ReadAll(io.LimitReader(c.report.r, maxErrorStderr))
	if err != nil {
		return &confineError{Name: c.name, Step: "hearing of it", Err: err}
	}
	reports, err := confined.ParseReports(text)
	if err != nil {
		return &confineError{Name: c.name, Step: "hearing of it", Err: err}
	}
	return c.judge(reports)
}

// judge tells a process that runs confined from one that does not. There may be several, one after the other.
func (c *Confinement) judge(reports []confined.Report) error {
	for _, r := range reports {
		switch {
		case r.Confined:
		case r.Step == confined.StepExecute:
			return &os.PathError{Op: "execute in the sandbox", Path: c.path, Err: r.Errno}
		default:
			return &confineError{Name: c.name, Step: r.Step, Err: r.Errno}
		}
	}
	if len(reports) == 0 {
		return fmt.Errorf("start %s: %w", c.name, ErrNeverConfined)
	}
	return nil
}

// Close releases what was prepared.
func (c *Confinement) Close() {
	c.closeTheirs()
	_ = c.report.r.Close()
}

// closeTheirs closes what the stage has got. Closing nil or twice is an error without consequence.
func (c *Confinement) closeTheirs() {
	for _, f := range c.Files() {
		_ = f.Close()
	}
}

// confine makes of an agent's specification that of its confined stage, which becomes the agent.
func (a *Agent) confine(spec supervisor.Spec) (supervisor.Spec, *Confinement, error) {
	if a.Sandbox == nil {
		return spec, nil, nil
	}
	c, err := Confine(a.Sandbox, spec.Path, spec.Argv, len(a.ExtraFiles))
	if err != nil {
		return spec, nil, err
	}
	a.ExtraFiles = append(c.Files(), a.ExtraFiles...)
	spec.Path, spec.Argv, spec.ExtraFiles = supervisor.Path, []string{confined.Name}, len(a.ExtraFiles)
	return spec, c, nil
}
