// Command gotest runs `go test` with the arguments it is given, shows what go test shows, and then says loudly
// which tests were left out and why: a skipped test looks like a passed one otherwise.
//
// With AWO_E2E_REQUIRED=1 a test that was left out is a failure.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, os.Args[1:], os.Getenv("AWO_E2E_REQUIRED") == "1", os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
	}
	os.Exit(code)
}

// run returns the exit code: go test's own, or 1 when something was left out that is required.
func run(ctx context.Context, args []string, required bool, out io.Writer) (int, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 1, fmt.Errorf("cannot read what go test prints: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("cannot start go test: %w", err)
	}
	results := newResults(out)
	readErr := results.read(bufio.NewReader(stdout))
	code, err := exitCode(cmd.Wait())
	if err != nil {
		return 1, err
	}
	if readErr != nil {
		return 1, readErr
	}
	results.summary(required)
	if code == 0 && required && len(results.leftOut) > 0 {
		code = 1
	}
	return code, nil
}

// exitCode tells a test that failed from a go test that could not be run.
func exitCode(err error) (int, error) {
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return 0, nil
	case failed && exit.ExitCode() > 0:
		return exit.ExitCode(), nil
	default:
		return 1, fmt.Errorf("go test did not end by itself: %w", err)
	}
}

// reason makes one line of what a test printed before it was skipped.
func reason(output []string) string {
	var kept []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---") {
			continue
		}
		kept = append(kept, line)
	}
	if len(kept) == 0 {
		return "no reason given"
	}
	return strings.Join(kept, " ")
}
