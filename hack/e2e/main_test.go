// Package e2e_test runs the awo binary as its users do: files are dropped, and what arrives at the git server, at
// GitHub and at the model is looked at. git, gh and claude are the real ones; the servers are scripted.
package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// awo is the binary under test, made by TestMain.
var awo string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == hideLandlock {
		fmt.Fprintln(os.Stderr, "e2e:", withoutLandlock(os.Args[2:]))
		os.Exit(1)
	}
	code, err := build(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

// build makes the binary, instrumented when coverage of its processes is wanted, and runs the tests.
func build(m *testing.M) (int, error) {
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	dir, err := os.MkdirTemp("", "awo-e2e-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// Others than root run it, too.
	if err := os.Chmod(dir, 0o755); err != nil {
		return 1, err
	}
	awo = filepath.Join(dir, "awo")
	args := []string{"build", "-buildvcs=false", "-o", awo}
	if os.Getenv("GOCOVERDIR") != "" {
		args = append(args, "-cover", "-covermode=atomic", "-coverpkg=github.com/agent-work-orders/awo/...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", append(args, "../../cmd/awo")...).CombinedOutput()
	if err != nil {
		return 1, fmt.Errorf("building awo: %w\n%s", err, out)
	}
	return m.Run(), nil
}
