package process_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	cases := []struct {
		name    string
		command func() process.Command
		stdout  string
		stderr  string
		cut     bool
	}{
		{name: "outputs", command: func() process.Command { return shell("echo out; echo err >&2") },
			stdout: "out\n", stderr: "err\n"},
		{name: "input", command: func() process.Command {
			c := shell("cat")
			c.Stdin = strings.NewReader("given")
			return c
		}, stdout: "given"},
		{name: "no input", command: func() process.Command { return shell("cat") }},
		{name: "directory", command: func() process.Command {
			c := shell("pwd")
			c.Dir = dir
			return c
		}, stdout: dir + "\n"},
		{name: "bounded output", command: func() process.Command {
			c := shell("head -c 5000000 /dev/zero | tr '\\0' x")
			c.MaxOutput = 4
			return c
		}, stdout: "xxxx", cut: true},
		{name: "output of just the bound", command: func() process.Command {
			c := shell("printf 1234")
			c.MaxOutput = 4
			return c
		}, stdout: "1234"},
		{name: "success though a daemon holds the output", command: func() process.Command {
			return shell("echo out; setsid sleep 7 &")
		}, stdout: "out\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			s := newSpawner(t)
			began := time.Now()
			result, err := s.Run(t.Context(), c.command())
			s.SweepStrays()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(time.Since(began)).To(BeNumerically("<", 6*time.Second))
			g.Expect(string(result.Stdout)).To(Equal(c.stdout))
			g.Expect(string(result.Stderr)).To(Equal(c.stderr))
			g.Expect(result.Truncated).To(Equal(c.cut))
		})
	}
}

func TestRunPassesNothingUnasked(t *testing.T) {
	g := NewWithT(t)
	t.Setenv("PROCESS_TEST_SECRET", "do not pass")
	s := newSpawner(t)
	result, err := s.Run(t.Context(), process.Command{Path: "/usr/bin/env"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.Stdout).To(BeEmpty())
	// Three standard descriptors and the one that ls itself opens.
	result, err = s.Run(t.Context(), shell("ls /proc/self/fd"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(strings.Fields(string(result.Stdout))).To(Equal([]string{"0", "1", "2", "3"}))
}

func TestRunExtraFiles(t *testing.T) {
	g := NewWithT(t)
	c := shell("cat <&4; cat <&3")
	for _, text := range []string{"three", "four"} {
		r, w, err := os.Pipe()
		g.Expect(err).NotTo(HaveOccurred())
		_, err = w.WriteString(text)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(w.Close()).To(Succeed())
		t.Cleanup(func() { _ = r.Close() })
		c.ExtraFiles = append(c.ExtraFiles, r)
	}
	result, err := newSpawner(t).Run(t.Context(), c)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(result.Stdout)).To(Equal("fourthree"))
}

func TestRunStdout(t *testing.T) {
	g := NewWithT(t)
	var stdout bytes.Buffer
	c := shell("echo elsewhere")
	c.Stdout = &stdout
	result, err := newSpawner(t).Run(t.Context(), c)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(stdout.String()).To(Equal("elsewhere\n"))
	g.Expect(result.Stdout).To(BeEmpty())

	c.Stdout = failing{}
	_, err = newSpawner(t).Run(t.Context(), c)
	g.Expect(err).To(MatchError(errFull))
}

var errFull = errors.New("disk full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestRunExitError(t *testing.T) {
	cases := []struct {
		name, script, message, stderr string
		code                          int
	}{
		{name: "code", script: "exit 7", code: 7, message: "sh: exit status 7"},
		{name: "reason", script: "echo one; echo 'fatal: no' >&2; exit 128", code: 128,
			message: "sh: exit status 128: fatal: no", stderr: "fatal: no"},
		{name: "signal", script: "kill -9 $$", code: 137, message: "sh: exit status 137"},
		{name: "progress and colours", script: `printf '1%%\r2%%\r\033[31mred\007' >&2; exit 1`, code: 1,
			message: "sh: exit status 1: 1%; 2%; [31mred", stderr: "1%\n2%\n[31mred"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			result, err := newSpawner(t).Run(t.Context(), shell(c.script))
			var exit *process.ExitError
			g.Expect(errors.As(err, &exit)).To(BeTrue())
			g.Expect(exit.ExitCode).To(Equal(c.code))
			g.Expect(result.ExitCode).To(Equal(c.code))
			g.Expect(exit.Stderr).To(Equal(c.stderr))
			g.Expect(exit.TimedOut).To(BeFalse())
			g.Expect(exit).To(MatchError(c.message))
		})
	}
}

func TestRunKeepsEndOfStderr(t *testing.T) {
	g := NewWithT(t)
	result, err := newSpawner(t).Run(t.Context(), shell("seq 100000 >&2; exit 1"))
	var exit *process.ExitError
	g.Expect(errors.As(err, &exit)).To(BeTrue())
	g.Expect(exit.Stderr).To(HaveSuffix("99999\n100000"))
	g.Expect(len(exit.Stderr)).To(BeNumerically("<=", 4<<10))
	g.Expect(result.Stderr).To(HaveLen(64 << 10))
}

func TestRunMissing(t *testing.T) {
	g := NewWithT(t)
	s := newSpawner(t)
	for _, path := range []string{"no-such-program", "/no/no-such-program", "./no-such-program"} {
		_, err := s.Run(t.Context(), process.Command{Path: path})
		g.Expect(err).To(MatchError(fs.ErrNotExist), path)
		g.Expect(err).To(MatchError(ContainSubstring("no-such-program")))
	}
	// A missing directory must not look like a missing program.
	_, err := s.Run(t.Context(), process.Command{Path: "true", Dir: "/no/such/directory"})
	g.Expect(err).To(MatchError(ContainSubstring("/no/such/directory")))
	g.Expect(err).NotTo(MatchError(fs.ErrNotExist))
	_, err = s.Run(t.Context(), process.Command{Path: "true", Dir: "/dev/null"})
	g.Expect(err).To(MatchError(ContainSubstring("not a directory")))
}

func TestRunLooksInGivenPath(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	g.Expect(os.WriteFile(filepath.Join(dir, "plain"), []byte("#!/bin/sh\n"), 0o600)).To(Succeed())
	g.Expect(os.Symlink("/bin/true", filepath.Join(dir, "tool"))).To(Succeed())
	_, err := process.LookPath("tool", []string{"PATH=/nowhere"})
	g.Expect(err).To(MatchError(fs.ErrNotExist))
	g.Expect(process.LookPath("tool", []string{"PATH=relative:" + dir})).To(Equal(filepath.Join(dir, "tool")))
	_, err = process.LookPath("plain", []string{"PATH=" + dir})
	g.Expect(err).To(MatchError(fs.ErrNotExist))
	g.Expect(process.LookPath("sh", nil)).To(HaveSuffix("/bin/sh"))
}

func TestRunEndsWholeGroup(t *testing.T) {
	cases := []struct {
		name, script string
		within       time.Duration
	}{
		{name: "obedient", script: "sleep 60 & sleep 60", within: 2 * time.Second},
		{name: "deaf", script: `trap "" TERM; (for i in $(seq 60); do sleep 1; done) & for i in $(seq 60); do sleep 1; done`, within: 6 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			id := workOrderID(t)
			command := shell(c.script)
			command.Env = append(command.Env, "AWO_WORK_ORDER_ID="+id)
			command.Timeout = 200 * time.Millisecond
			began := time.Now()
			_, err := newSpawner(t).Run(t.Context(), command)
			g.Expect(time.Since(began)).To(BeNumerically("<", c.within))
			var exit *process.ExitError
			g.Expect(errors.As(err, &exit)).To(BeTrue())
			g.Expect(exit.TimedOut).To(BeTrue())
			g.Expect(err).To(MatchError(context.DeadlineExceeded))
			g.Expect(err).To(MatchError("sh: timed out"))
			g.Eventually(marked).WithArguments(id).Should(BeZero())
		})
	}
}

func TestRunLeavesNobodyOfItsGroup(t *testing.T) {
	g := NewWithT(t)
	id := workOrderID(t)
	command := shell("sleep 60 >/dev/null 2>&1 & exit 0")
	command.Env = append(command.Env, "AWO_WORK_ORDER_ID="+id)
	_, err := newSpawner(t).Run(t.Context(), command)
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(marked).WithArguments(id).Should(BeZero())
}

func TestRunCancelled(t *testing.T) {
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	command := shell("trap 'exit 0' TERM; echo ready; for i in $(seq 999); do sleep 0.05; done")
	command.Stdout = w
	go func() {
		_, _ = r.Read(make([]byte, 16))
		cancel()
	}()
	_, err := newSpawner(t).Run(ctx, command)
	g.Expect(err).To(MatchError(context.Canceled), "a success that was forced is none")
	var exit *process.ExitError
	g.Expect(errors.As(err, &exit)).To(BeTrue())
	g.Expect(exit.TimedOut).To(BeFalse())

	_, err = newSpawner(t).Run(ctx, command)
	g.Expect(err).To(MatchError(context.Canceled))
}

func TestRunManyAtOnce(t *testing.T) {
	g := NewWithT(t)
	s := newSpawner(t)
	var wait sync.WaitGroup
	errs := make([]error, 40)
	for i := range errs {
		wait.Go(func() {
			_, errs[i] = s.Run(t.Context(), shell("sleep 0.01; (sleep 0.01 &); exit 0"))
			s.SweepStrays()
		})
	}
	wait.Wait()
	g.Expect(errors.Join(errs...)).NotTo(HaveOccurred())
}

func BenchmarkRunTrue(b *testing.B) {
	s := newSpawner(b)
	for b.Loop() {
		if _, err := s.Run(b.Context(), process.Command{Path: "/bin/true"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSuperviseTrue(b *testing.B) {
	s := newSpawner(b)
	for b.Loop() {
		child, err := s.Supervise(b.Context(), process.Agent{WorkOrderID: "wo-bench", Command: process.Command{Path: "/bin/true"}})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := child.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlainTrue is what the standard library alone takes.
func BenchmarkPlainTrue(b *testing.B) {
	for b.Loop() {
		if err := exec.CommandContext(b.Context(), "/bin/true").Run(); err != nil {
			b.Fatal(err)
		}
	}
}
