//go:build docker

// Package e2edocker_test builds the image and runs the Compose files in a real Docker engine, as their users do:
// claude, gh and git in the container are the real ones, and what they speak to are scripted servers under the real
// names. `make e2e-docker` sees to an engine first.
package e2edocker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// The secrets of the tests. None of them may turn up where it does not belong.
const (
	githubToken = "ghp_dockerTokenThatMustNotLeak01234567"
	apiKey      = "sk-ant-docker-key-that-must-not-leak-01"
)

// checkout is a copy of this repository, in which all commands run: what they leave behind goes with it.
var checkout string

func TestMain(m *testing.M) {
	code, err := prepare(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2edocker:", err)
		code = 1
	}
	os.Exit(code)
}

// prepare makes the copy and the images, and runs the tests.
func prepare(m *testing.M) (int, error) {
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(200 * time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 18*time.Minute)
	defer cancel()
	if err := nothingInTheWay(ctx); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "awo-docker-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	checkout = filepath.Join(dir, "awo")
	for _, step := range []func(context.Context) error{copyCheckout, makeCertificates, buildImages} {
		if err := step(ctx); err != nil {
			return 1, err
		}
	}
	defer cleanUp(context.WithoutCancel(ctx))
	return m.Run(), nil
}

// nothingInTheWay refuses to run where it would stop or delete what belongs to somebody.
func nothingInTheWay(ctx context.Context) error {
	if out, err := shell(ctx, "..", "docker version && docker compose version"); err != nil {
		return fmt.Errorf("no Docker engine with Compose; run make e2e-docker: %w\n%s", err, out)
	}
	out, err := shell(ctx, "..", `docker ps -aq --filter name='^/archon-awo$'; docker volume ls -q --filter name='^archon_awo-data$'`)
	if err == nil && strings.TrimSpace(out) != "" {
		err = errors.New("this engine has a container archon-awo or its volumes already; the tests would delete them: " + out)
	}
	return err
}

// copyCheckout copies what git tracks or would track.
func copyCheckout(ctx context.Context) error {
	script := `mkdir -p "$1" && git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
		while IFS= read -r -d '' f; do if [ -e "$f" ]; then printf '%s\0' "$f"; fi; done |
		tar --create --null --no-recursion --files-from=- | tar --extract --directory="$1" && chmod 0755 "$1" "$(dirname "$1")"`
	return told(exec.CommandContext(ctx, "bash", "-c", `cd ../.. && `+script, "-", checkout))
}

// buildImages builds the image as Compose does, and that of the servers on top of it, which brings git.
func buildImages(ctx context.Context) error {
	began := time.Now()
	if out, err := shell(ctx, checkout, "docker compose -f docker-compose.yml -f docker-compose.ca.yml --profile awo build"); err != nil {
		return fmt.Errorf("building the image: %w\n%s", err, out)
	}
	fmt.Fprintf(os.Stderr, "e2edocker: the image took %s\n", time.Since(began).Round(time.Second))
	dir := filepath.Join(filepath.Dir(checkout), "peers")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-tags=docker", "-o", filepath.Join(dir, "peers"), "./peers")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if err := told(build); err != nil {
		return err
	}
	out, err := shell(ctx, dir, `printf 'FROM archon-awo\nCOPY peers /usr/local/bin/\nCMD ["peers"]\nHEALTHCHECK NONE\n' | docker build -t archon-awo-peers -f - .`)
	if err != nil {
		return fmt.Errorf("building the image of the servers: %w\n%s", err, out)
	}
	return nil
}

// cleanUp removes what tests may have left in the engine; images stay, they are the cache of the next run.
func cleanUp(ctx context.Context) {
	_, _ = shell(ctx, checkout, "docker compose --profile '*' down --volumes --remove-orphans --timeout 2; docker volume rm -f archon_awo-dev-cache")
}

// shell runs a command line in a directory as a person would and returns all that it prints.
func shell(ctx context.Context, dir, line string, env ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "bash", "-c", line)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, append(os.Environ(), env...), time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func told(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// contextOf is the context of a test that also holds while it is cleaned up.
func contextOf(t *testing.T) context.Context {
	t.Helper()
	return context.WithoutCancel(t.Context())
}
