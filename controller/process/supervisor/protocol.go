package supervisor

import (
	"errors"
	"io"
	"strconv"
	"syscall"
	"time"

	"github.com/agent-work-orders/awo/controller/process/descriptor"
)

// Name is the argv[0] that turns a run of the binary into a supervisor.
const Name = "awo-supervisor"

// Path is what is executed: the running binary, also after its file was replaced or deleted.
const Path = "/proc/self/exe"

// StopOrderly is the byte on the lifeline that asks for the orderly end.
const StopOrderly = 't'

// Descriptors of the supervisor. Those that the agent is to inherit follow from extraFD on.
const (
	lifelineFD = 3
	reportFD   = 4
	extraFD    = 5
)

// maxSpec bounds what is read as a Spec, in bytes. The kernel takes less as arguments and environment.
const maxSpec = 32 << 20

var (
	errTooLong   = errors.New("arguments and environment are too long")
	errMalformed = errors.New("the message is malformed")
)

// Spec is what the controller sends first over the lifeline: the agent to start. It goes by a pipe because
// arguments and environment of a process can be read by others.
type Spec struct {
	// Path is the program, relative to Dir if not absolute; Argv its arguments from argv[0] on.
	Path string
	Argv []string
	// Dir is the working directory, Env the whole environment.
	Dir string
	Env []string
	// Grace is how long the agent may take to end after SIGTERM.
	Grace time.Duration
	// MaxProcesses is how many processes the agent's tree may have before it is ended; 0: as many as the kernel lets it.
	MaxProcesses int
	// ExtraFiles is how many descriptors, from the supervisor's fifth on, the agent gets from its third on.
	ExtraFiles int
}

// Report is what the supervisor sends back: one when the agent was started or could not be, one when it
// has ended and nothing of its tree is left.
type Report struct {
	// Started says that the agent runs.
	Started bool
	// Errno says why it could not be started, if nothing else is set.
	Errno syscall.Errno
	// Ended says that agent and tree are gone; Code is the agent's exit code, Signal what ended it, or 0.
	Ended  bool
	Code   int
	Signal syscall.Signal
}

// WriteSpec sends a Spec: its length in decimal, a line feed, and its fields, each ended by a zero byte, which none
// of them may contain. A format this plain needs no package that would be initialised in every supervisor.
func WriteSpec(w io.Writer, s Spec) error {
	fields := []string{
		s.Path, s.Dir, strconv.FormatInt(int64(s.Grace), 10), strconv.Itoa(s.MaxProcesses), strconv.Itoa(s.ExtraFiles), strconv.Itoa(len(s.Argv)),
	}
	var body []byte
	for _, list := range [][]string{fields, s.Argv, s.Env} {
		for _, field := range list {
			body = append(append(body, field...), 0)
		}
	}
	if len(body) > maxSpec {
		return errTooLong
	}
	_, err := w.Write(append(append(strconv.AppendInt(nil, int64(len(body)), 10), '\n'), body...))
	return err
}

// readSpec reads what WriteSpec sent, and not a byte more.
func readSpec(r io.Reader) (Spec, error) {
	length, err := readLine(r)
	if err != nil {
		return Spec{}, err
	}
	size, err := strconv.Atoi(length)
	if err != nil || size < 0 || size > maxSpec {
		return Spec{}, errMalformed
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return Spec{}, err
	}
	return parseSpec(descriptor.Split(body, 0))
}

// parseSpec takes the fields apart.
func parseSpec(fields []string) (Spec, error) {
	const fixed = 6
	if len(fields) < fixed {
		return Spec{}, errMalformed
	}
	grace, err1 := strconv.ParseInt(fields[2], 10, 64)
	processes, err2 := strconv.Atoi(fields[3])
	extra, err3 := strconv.Atoi(fields[4])
	argc, err4 := strconv.Atoi(fields[5])
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return Spec{}, errMalformed
	}
	rest := fields[fixed:]
	if argc < 0 || argc > len(rest) || extra < 0 {
		return Spec{}, errMalformed
	}
	return Spec{Path: fields[0], Dir: fields[1], Grace: time.Duration(grace), MaxProcesses: processes, ExtraFiles: extra,
		Argv: rest[:argc], Env: rest[argc:]}, nil
}

// Words that begin a report.
const (
	wordStarted = "started"
	wordFailed  = "failed"
	wordEnded   = "ended"
)

// writeReport sends a Report as a line.
func writeReport(w io.Writer, r Report) error {
	line := wordFailed + " " + strconv.Itoa(int(r.Errno)) + " 0\n"
	switch {
	case r.Started:
		line = wordStarted + " 0 0\n"
	case r.Ended:
		line = wordEnded + " " + strconv.Itoa(r.Code) + " " + strconv.Itoa(int(r.Signal)) + "\n"
	}
	_, err := w.Write([]byte(line))
	return err
}

// ReadReport reads the next Report; io.EOF when there is none.
func ReadReport(r io.Reader) (Report, error) {
	line, err := readLine(r)
	if err != nil {
		return Report{}, err
	}
	words := descriptor.Split([]byte(line+" "), ' ')
	if len(words) != 3 {
		return Report{}, errMalformed
	}
	first, err1 := strconv.Atoi(words[1])
	second, err2 := strconv.Atoi(words[2])
	if err := errors.Join(err1, err2); err != nil {
		return Report{}, errMalformed
	}
	switch words[0] {
	case wordStarted:
		return Report{Started: true}, nil
	case wordFailed:
		return Report{Errno: syscall.Errno(first)}, nil
	case wordEnded:
		return Report{Ended: true, Code: first, Signal: syscall.Signal(second)}, nil
	}
	return Report{}, errMalformed
}

// readLine reads to the next line feed, byte by byte, because what follows is for others. Lines are short.
func readLine(r io.Reader) (string, error) {
	const maxLine = 64
	var line []byte
	for b := make([]byte, 1); len(line) < maxLine; {
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
	return "", errMalformed
}
