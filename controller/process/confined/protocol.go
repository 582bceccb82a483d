package confined

import (
	"errors"
	"io"
	"strconv"
	"syscall"

	"github.com/agent-work-orders/awo/controller/process/descriptor"
)

// Spec is what the stage is told. It comes by a descriptor because arguments and environment of a process can be
// read by others.
type Spec struct {
	// Path is the program, Argv its arguments from argv[0] on. Environment and working directory are those of the
	// stage.
	Path string
	Argv []string
	// Umask is added to the one that holds.
	Umask int
	// Limits are set where they are lower than what holds.
	Limits []Limit
	// Ports says that the ruleset closes TCP ports.
	Ports bool
	// ExtraFiles is how many descriptors, from the stage's extraFD on, the program gets from its third on.
	ExtraFiles int
}

// Limit is a resource limit, as setrlimit has it.
type Limit struct {
	Resource   int
	Soft, Hard uint64
}

// Report is what the stage sends back: that the process is confined and becomes the program now, or, also after
// that, the step that failed.
type Report struct {
	Confined bool
	// Step is what failed, Errno why.
	Step  string
	Errno syscall.Errno
}

var (
	errMalformed = errors.New("the message is malformed")
	errTooLong   = errors.New("the message is too long")
)

// maxSpec bounds what is read as a Spec, in bytes. The kernel takes less as arguments.
const maxSpec = 32 << 20

// Encode returns the Spec as fields that are each ended by a zero byte, which none of them may contain.
func (s Spec) Encode() []byte {
	fields := make([]string, 0, fixedFields+limitFields*len(s.Limits)+len(s.Argv))
	fields = append(fields, s.Path, strconv.Itoa(s.Umask), strconv.FormatBool(s.Ports), strconv.Itoa(s.ExtraFiles), strconv.Itoa(len(s.Limits)))
	for _, l := range s.Limits {
		fields = append(fields, strconv.Itoa(l.Resource), strconv.FormatUint(l.Soft, 10), strconv.FormatUint(l.Hard, 10))
	}
	var body []byte
	for _, field := range append(fields, s.Argv...) {
		body = append(append(body, field...), 0)
	}
	return body
}

// readSpec reads a Spec from a file, from its beginning: git may start the stage more than once with one descriptor.
func readSpec(file descriptor.FD) (Spec, error) {
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(file), &stat); err != nil {
		return Spec{}, err
	}
	if stat.Size > maxSpec {
		return Spec{}, errTooLong
	}
	body := make([]byte, stat.Size)
	for done := 0; done < len(body); {
		n, err := syscall.Pread(int(file), body[done:], int64(done))
		if err != nil {
			return Spec{}, err
		}
		if n == 0 {
			return Spec{}, io.ErrUnexpectedEOF
		}
		done += n
	}
	return parseSpec(descriptor.Split(body, 0))
}

// fixedFields come first, then limitFields for each limit, then argv.
const (
	fixedFields = 5
	limitFields = 3
)

func parseSpec(fields []string) (Spec, error) {
	if len(fields) < fixedFields {
		return Spec{}, errMalformed
	}
	umask, err1 := strconv.Atoi(fields[1])
	ports, err2 := strconv.ParseBool(fields[2])
	extra, err3 := strconv.Atoi(fields[3])
	limits, err4 := strconv.Atoi(fields[4])
	if errors.Join(err1, err2, err3, err4) != nil || extra < 0 || limits < 0 || limits > len(fields) {
		return Spec{}, errMalformed
	}
	s := Spec{Path: fields[0], Umask: umask, Ports: ports, ExtraFiles: extra}
	rest := fields[fixedFields:]
	for range limits {
		if len(rest) < limitFields {
			return Spec{}, errMalformed
		}
		limit, err := parseLimit(rest)
		if err != nil {
			return Spec{}, err
		}
		s.Limits, rest = append(s.Limits, limit), rest[limitFields:]
	}
	if len(rest) == 0 {
		return Spec{}, errMalformed
	}
	s.Argv = rest
	return s, nil
}

func parseLimit(fields []string) (Limit, error) {
	resource, err1 := strconv.Atoi(fields[0])
	soft, err2 := strconv.ParseUint(fields[1], 10, 64)
	hard, err3 := strconv.ParseUint(fields[2], 10, 64)
	if errors.Join(err1, err2, err3) != nil {
		return Limit{}, errMalformed
	}
	return Limit{Resource: resource, Soft: soft, Hard: hard}, nil
}

const (
	wordConfined = "confined"
	wordFailed   = "failed"
)

// writeReport sends a Report as a line.
func writeReport(w io.Writer, r Report) error {
	line := wordConfined + "\n"
	if !r.Confined {
		line = wordFailed + " " + strconv.Itoa(int(r.Errno)) + " " + r.Step + "\n"
	}
	_, err := w.Write([]byte(line))
	return err
}

// ParseReports returns the reports of a stage that has ended or become the program.
func ParseReports(text []byte) ([]Report, error) {
	var reports []Report
	for _, line := range descriptor.Split(text, '\n') {
		if line == wordConfined {
			reports = append(reports, Report{Confined: true})
			continue
		}
		// The step is the rest of the line, blanks and all.
		words := descriptor.Split([]byte(line), ' ')
		if len(words) < 2 || words[0] != wordFailed {
			return nil, errMalformed
		}
		errno, err := strconv.Atoi(words[1])
		if err != nil {
			return nil, errMalformed
		}
		step := line[len(words[0])+1+len(words[1])+1:]
		reports = append(reports, Report{Step: step, Errno: syscall.Errno(errno)})
	}
	return reports, nil
}
