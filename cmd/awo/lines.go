package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// eachLine calls handle for each line with its newline and returns how many bytes were taken. A last line
// without a newline is left for the next time, unless all is wanted; it then gets one.
func eachLine(r io.Reader, all bool, handle func([]byte) error) (int64, error) {
	lines := bufio.NewReaderSize(r, 64<<10)
	var taken int64
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return taken, fmt.Errorf("read a transcript: %w", err)
		}
		if len(line) == 0 || err != nil && !all {
			return taken, nil
		}
		taken += int64(len(line))
		if !bytes.HasSuffix(line, []byte("\n")) {
			line = append(line, '\n')
		}
		if err := handle(line); err != nil {
			return taken, err
		}
	}
}

// tail keeps the last lines of what is written to it.
type tail struct {
	keep  int
	lines [][]byte
	rest  []byte
}

// Write takes text that need not end with a line.
func (t *tail) Write(data []byte) (int, error) {
	t.rest = append(t.rest, data...)
	for {
		end := bytes.IndexByte(t.rest, '\n')
		if end < 0 {
			return len(data), nil
		}
		t.lines = append(t.lines, bytes.Clone(t.rest[:end+1]))
		t.rest = t.rest[end+1:]
		if extra := len(t.lines) - t.keep; extra > 0 {
			t.lines = t.lines[extra:]
		}
	}
}

// writeTo writes the lines that were kept.
func (t *tail) writeTo(w io.Writer) error {
	for _, line := range append(t.lines, t.rest) {
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}
