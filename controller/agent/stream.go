package agent

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// maxLine is how much of a line is kept for parsing, in bytes. The rest only goes to the transcript.
	maxLine = 1 << 20
	// chunk is how much is read at a time, in bytes.
	chunk = 64 << 10
)

// Read reads an agent's output to its end, line by line and in constant memory however long a line is. Every
// byte goes to transcript, lines up to 1 MiB in one Write each; then handle gets the line as an event.
// Reading goes on when the transcript fails, so that the agent is never held up; that error is returned at the end.
func Read(r io.Reader, transcript io.Writer, handle func(Event)) error {
	return readLines(r, transcript, func(line []byte, whole bool) {
		if whole {
			handle(parse(line))
		} else {
			handle(Event{Text: string(line)})
		}
	})
}

// readLines does the work of Read. It hands out lines without their end, valid until handle returns; one over the
// limit is cut and not whole.
func readLines(r io.Reader, transcript io.Writer, handle func(line []byte, whole bool)) error {
	l := lines{transcript: transcript, handle: handle}
	in := bufio.NewReaderSize(r, chunk)
	for {
		piece, err := in.ReadSlice('\n')
		l.add(piece)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		l.end()
		if errors.Is(err, io.EOF) {
			return l.err
		}
		if err != nil {
			return errors.Join(l.err, fmt.Errorf("reading the agent's output: %w", err))
		}
	}
}

// lines puts pieces together to lines.
type lines struct {
	transcript io.Writer
	handle     func(line []byte, whole bool)
	line       []byte
	// long says that the line is over the limit; what is kept of it has gone to the transcript.
	long bool
	err  error
}

func (l *lines) add(piece []byte) {
	switch {
	case l.long:
		l.write(piece)
	case len(l.line)+len(piece) > maxLine:
		l.long = true
		l.write(l.line)
		l.write(piece)
	default:
		l.line = append(l.line, piece...)
	}
}

// end is called at the end of a line and of the input.
func (l *lines) end() {
	if len(l.line) == 0 {
		return
	}
	if !l.long {
		l.write(l.line)
	}
	l.handle(bytes.TrimRight(l.line, "\r\n"), !l.long)
	l.line, l.long = l.line[:0], false
}

func (l *lines) write(p []byte) {
	if _, err := l.transcript.Write(p); err != nil && l.err == nil {
		l.err = fmt.Errorf("writing the transcript: %w", err)
	}
}
