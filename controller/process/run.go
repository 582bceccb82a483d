package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"
)

const (
	// defaultMaxOutput is how much standard output is kept when the command does not say.
	defaultMaxOutput = 1 << 20
	// maxStderr is how much of the end of standard error is kept, maxErrorStderr how much of it an error carries.
	maxStderr      = 64 << 10
	maxErrorStderr = 4 << 10
	// runGrace is how long a command may take after SIGTERM, and how long is waited for pipes that someone
	// holds open after the command has ended.
	runGrace = 2 * time.Second
	// signalBase is added to the number of a signal to make an exit code, as shells do.
	signalBase = 128
)

// Result is what a command left.
type Result struct {
	// Stdout is the start of standard output, MaxOutput bytes at most; Stderr the end of standard error, 64 KiB at
	// most.
	Stdout, Stderr []byte
	// ExitCode is the command's, or 128 and the number of the signal that ended it.
	ExitCode int
	// Truncated says that there was more standard output.
	Truncated bool
}

// ExitError is the end of a command with another code than 0, of its own or because it was ended.
type ExitError struct {
	// Name is the program's file name.
	Name string
	// ExitCode is as in Result.
	ExitCode int
	// Stderr is the end of standard error, 4 KiB at most, without control characters.
	Stderr string
	// TimedOut says that it was ended because its time was up.
	TimedOut bool

	cause error
}

// Error says what ended and how, with the last lines of standard error.
func (e *ExitError) Error() string {
	how := fmt.Sprintf("exit status %d", e.ExitCode)
	switch {
	case e.TimedOut:
		how = "timed out"
	case e.cause != nil:
		how = "ended: " + e.cause.Error()
	}
	if last := lastLines(e.Stderr); last != "" {
		how += ": " + last
	}
	return e.Name + ": " + how
}

// Unwrap returns the context's error if that ended the command.
func (e *ExitError) Unwrap() error { return e.cause }

// Run runs a command to its end, in a process group of its own. When the context ends or the timeout is
// reached the group gets SIGTERM and 2 s later SIGKILL; whoever is left in the group when the command has ended
// is killed, too. An end with another code than 0 is an *ExitError, that wraps the context's error if it was the
// cause. A program that does not exist gives an error that wraps fs.ErrNotExist. The Result is valid also with an
// error.
func (s *Spawner) Run(ctx context.Context, c Command) (Result, error) {
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, "")
	cmd.Err = nil
	if err := c.build(cmd); err != nil {
		return Result{}, err
	}
	if s.mark != "" {
		cmd.Env = append(cmd.Env, s.mark)
	}
	stdout, stderr := newHead(c.MaxOutput), NewTail(maxStderr)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	// The thread that forks lives as long as this process, so this ends the program when a crash ends us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = runGrace
	cmd.Cancel = func() error { return signalGroup(cmd, syscall.SIGTERM) }
	if err := s.start(cmd); err != nil {
		return Result{}, fmt.Errorf("start %s: %w", c.name(), err)
	}
	err := wait(cmd)
	result := Result{Stdout: stdout.kept, Stderr: stderr.Bytes(), Truncated: stdout.cut,
		ExitCode: exitCode(cmd.ProcessState)}
	return result, c.failure(ctx, result, err)
}

// wait waits for the command, and kills its group before the group's number can go to anybody else.
func wait(cmd *exec.Cmd) error {
	pid := cmd.Process.Pid
	awaitEnd(pid)
	_ = signalGroup(cmd, syscall.SIGKILL)
	err := cmd.Wait()
	children.reaped(pid)
	go reapGroup(pid)
	return err
}

// awaitEnd returns when the process has ended and leaves it to be reaped.
func awaitEnd(pid int) {
	var info unix.Siginfo
	for errors.Is(unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
		continue
	}
}

// reapGroup takes notice of the members of a killed group that this process has adopted.
func reapGroup(group int) {
	for {
		err := unix.Waitid(unix.P_PGID, group, nil, unix.WEXITED, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// signalGroup signals the group that the command leads.
func signalGroup(cmd *exec.Cmd, sig syscall.Signal) error {
	if err := syscall.Kill(-cmd.Process.Pid, sig); errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	} else if err != nil {
		return fmt.Errorf("signal the process group %d: %w", cmd.Process.Pid, err)
	}
	return nil
}

// failure decides what the end of a command means.
func (c Command) failure(ctx context.Context, r Result, waited error) error {
	switch {
	case r.ExitCode != 0, waited != nil && errors.Is(waited, ctx.Err()):
		// The second: it was told to end and called that a success, which its output need not be.
		return &ExitError{
			Name: c.name(), ExitCode: r.ExitCode, Stderr: printable(r.Stderr, maxErrorStderr),
			TimedOut: errors.Is(ctx.Err(), context.DeadlineExceeded), cause: ctx.Err(),
		}
	case waited == nil, errors.Is(waited, exec.ErrWaitDelay):
		// The latter: a descendant elsewhere held the output open.
		return nil
	}
	return fmt.Errorf("pass on input or output of %s: %w", c.name(), waited)
}

// exitCode is the code as a shell would show it.
func exitCode(state *os.ProcessState) int {
	if state == nil {
		return -1
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return signalBase + int(status.Signal())
	}
	return state.ExitCode()
}

// printable is the end of an output as text for people: no control characters, progress bars as lines.
func printable(output []byte, limit int) string {
	if len(output) > limit {
		output = output[len(output)-limit:]
	}
	text := strings.ReplaceAll(strings.ToValidUTF8(string(output), ""), "\r", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text))
}

// lastLines joins the last three lines that are not empty.
func lastLines(text string) string {
	const shown = 3
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
	return strings.Join(lines[max(0, len(lines)-shown):], "; ")
}
