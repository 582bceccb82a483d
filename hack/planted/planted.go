// Package planted makes for tests what an agent may leave behind.
package planted

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Deep makes directories of one name in dir, one in the other, and in the innermost, which is closed, a file and a closed
// directory that is not empty. With enough levels no path is long enough for it.
func Deep(tb testing.TB, dir, name string, levels int) {
	tb.Helper()
	at := must(unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0))(tb)
	for level := range levels {
		try(tb, unix.Mkdirat(at, name, 0o700))
		next := must(unix.Openat(at, name, unix.O_PATH|unix.O_DIRECTORY, 0))(tb)
		if level == levels-1 {
			try(tb, unix.Mknodat(next, "file", unix.S_IFREG|0o600, 0), unix.Mkdirat(next, "full", 0o700), unix.Mkdirat(next, "full/more", 0o700),
				unix.Fchmodat(next, "full", 0, 0), unix.Fchmodat(at, name, 0, 0))
		}
		try(tb, unix.Close(at))
		at = next
	}
	try(tb, unix.Close(at))
}

// Files writes files below dir, and the directories that they lie in.
func Files(tb testing.TB, dir string, files map[string]string) {
	tb.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		try(tb, os.MkdirAll(filepath.Dir(file), 0o750), os.WriteFile(file, []byte(text), 0o600))
	}
}

func must(fd int, err error) func(testing.TB) int {
	return func(tb testing.TB) int {
		tb.Helper()
		try(tb, err)
		return fd
	}
}

func try(tb testing.TB, errs ...error) {
	tb.Helper()
	for _, err := range errs {
		if err != nil {
			tb.Fatal(err)
		}
	}
}
