package process_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
)

// leaveBehind has a command start a program that outlives it, and returns the program's number.
func leaveBehind(t *testing.T, s *process.Spawner, dir, program string) int {
	t.Helper()
	g := NewWithT(t)
	// The trace is that of the program, not of the shell that becomes it.
	command := shell(program + ` >/dev/null 2>&1 & while [ "$(cat /proc/$!/comm)" != sleep ]; do :; done; echo $!`)
	command.Dir = dir
	result, err := s.Run(t.Context(), command)
	g.Expect(err).NotTo(HaveOccurred())
	pid, err := strconv.Atoi(strings.TrimSpace(string(result.Stdout)))
	g.Expect(err).NotTo(HaveOccurred())
	return pid
}

func running(t *testing.T, pid int) bool {
	t.Helper()
	identity, err := process.Identify(pid)
	return err == nil && process.Alive(identity)
}

func TestEndFormerByMark(t *testing.T) {
	g := NewWithT(t)
	s, other := newSpawner(t), newSpawner(t)
	ours, err := s.Mark(t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	_, err = other.Mark(t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	pid, foreign := leaveBehind(t, s, "", "setsid sleep 300"), leaveBehind(t, other, "", "setsid sleep 300")
	ended, err := process.EndFormer(t.Context(), nil, nil, ours)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(ended).To(Equal(1))
	g.Expect(running(t, pid)).To(BeFalse())
	g.Expect(running(t, foreign)).To(BeTrue(), "that of another data directory")
	s.SweepStrays()

	_, err = s.Mark(filepath.Join(t.TempDir(), "missing"))
	g.Expect(err).To(MatchError(os.ErrNotExist))
}

func TestEndFormerByDirectory(t *testing.T) {
	g := NewWithT(t)
	s := newSpawner(t)
	root, err := filepath.EvalSymlinks(t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	dir := filepath.Join(root, "repositories", "wo-1", "deep")
	g.Expect(os.MkdirAll(dir, 0o755)).To(Succeed())
	// Nothing in its environment tells whose it is.
	pid := leaveBehind(t, s, dir, "env -i setsid sleep 300")
	sleep, err := exec.LookPath("sleep")
	g.Expect(err).NotTo(HaveOccurred())
	program := filepath.Join(dir, "sleep")
	g.Expect(exec.CommandContext(t.Context(), "cp", "-L", sleep, program).Run()).To(Succeed())
	elsewhere := leaveBehind(t, s, "/", "env -i setsid "+program+" 300")
	beside := leaveBehind(t, s, root, "env -i setsid sleep 300")
	person := exec.CommandContext(t.Context(), "sleep", "300")
	person.Dir = dir
	g.Expect(person.Start()).To(Succeed())

	_, err = process.EndFormer(t.Context(), nil, nil, process.Within(filepath.Join(root, "repositories")))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(running(t, pid)).To(BeFalse())
	g.Expect(running(t, elsewhere)).To(BeFalse(), "a program of the workspace")
	g.Expect(running(t, beside)).To(BeTrue(), "outside of the directory")
	if status, err := os.ReadFile("/proc/self/status"); err == nil && strings.Contains(string(status), "NoNewPrivs:\t0") {
		g.Expect(running(t, person.Process.Pid)).To(BeTrue(), "a person's")
	}
	_ = person.Process.Kill()
	_ = person.Wait()
	s.SweepStrays()
}
