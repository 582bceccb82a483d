// Package descriptor reads and writes file descriptors with plain system calls. The stages between the controller
// and an agent are built on it: it imports only what Go itself begins with, so they begin before larger packages of
// the binary are initialised.
package descriptor

import (
	"errors"
	"io"
	"syscall"
)

// Numbers that package syscall does not name.
const (
	sysCloseRange     = 436
	closeRangeCloexec = 4
)

// FirstExtra is the first descriptor after the standard ones.
const FirstExtra = 3

// FD is a descriptor that is used without the runtime's poller.
type FD int

// Read reads once; the end of the stream is an error, as io.Reader asks.
func (f FD) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(f), p)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write writes all of p.
func (f FD) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		n, err := syscall.Write(int(f), p[written:])
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

// CloseOnExec marks all descriptors from first on, so that no program that is executed gets them.
func CloseOnExec(first int) {
	const last = ^uint32(0)
	if _, _, errno := syscall.Syscall(sysCloseRange, uintptr(first), uintptr(last), closeRangeCloexec); errno == 0 {
		return
	}
	// A kernel older than 5.11.
	for n := first; n < 1024; n++ {
		syscall.CloseOnExec(n)
	}
}

// Split parts what a separator ends; what follows the last one is dropped.
func Split(body []byte, separator byte) []string {
	var fields []string
	begin := 0
	for i, b := range body {
		if b == separator {
			fields = append(fields, string(body[begin:i]))
			begin = i + 1
		}
	}
	return fields
}
