//go:build crashpoints

package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

var (
	mu     sync.Mutex
	passed = map[string]int{}
	inject func(operation, file string) error
)

// Inject lets a function decide which operations on which files fail; nil lets all pass.
func Inject(f func(operation, file string) error) {
	mu.Lock()
	defer mu.Unlock()
	inject = f
}

// Error is what an operation on a file is to fail with, or nil.
func Error(operation, file string) error {
	mu.Lock()
	defer mu.Unlock()
	if inject == nil {
		return nil
	}
	return inject(operation, file)
}

// Here marks an instant.
func Here(name string) {
	mu.Lock()
	defer mu.Unlock()
	passed[name]++
	point := fmt.Sprintf("%s@%d", name, passed[name])
	trace(point)
	if at := os.Getenv("AWO_CRASH_AT"); at == point || at+"@1" == point {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// At marks an instant of what is done to a file: "write record.json: renamed".
func At(doing, file, instant string) { Here(doing + " " + filepath.Base(file) + ": " + instant) }

func trace(point string) {
	file := os.Getenv("AWO_CRASH_TRACE")
	if file == "" {
		return
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // a test names the file
	if err != nil {
		return
	}
	_, _ = f.WriteString(point + "\n")
	_ = f.Close()
}
