package controller

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// self is this very program, which is one for this machine.
const self = "/proc/self/exe"

// forThisMachine fails for a program that was built for another kind of machine, as one in an image for another
// architecture. What is no program in ELF, such as a script, is left to whoever runs it.
func forThisMachine(program string) error {
	theirs, err := machineOf(program)
	if err != nil || theirs == nil {
		return err
	}
	ours, err := machineOf(self)
	if err != nil || bytes.Equal(ours, theirs) {
		return err
	}
	return fmt.Errorf("%s: %w: it is for another machine than this one (%s)", program, unix.ENOEXEC, runtime.GOARCH)
}

// machineOf reads class, byte order and machine from the header of an ELF file (elf(5)); nil for another file.
func machineOf(program string) ([]byte, error) {
	file, err := os.Open(program)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	header := make([]byte, 20)
	if _, err := io.ReadFull(file, header); err != nil || !bytes.HasPrefix(header, []byte("\x7fELF")) {
		return nil, nil // a file that is shorter is no ELF file
	}
	return append(header[4:6:6], header[18:20]...), nil
}
