package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is USER_HZ, which Linux fixes at 100 on all machines that Go supports.
const ticksPerSecond = 100

// residentMiB reads how much memory of a process is in use, private and shared.
func residentMiB(pid int) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("cannot read the memory of process %d: %w", pid, err)
	}
	for line := range strings.Lines(string(data)) {
		if text, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, err := strconv.ParseFloat(strings.Fields(text)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("process %d shows no VmRSS", pid)
}

// stat returns the fields of /proc/PID/stat from the third on; the second, a name, may hold anything.
func stat(pid int) ([]string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, fmt.Errorf("cannot read the state of process %d: %w", pid, err)
	}
	return strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:])), nil
}

// cpuSeconds is the time that a process has used, its own and the system's for it.
func cpuSeconds(pid int) (float64, error) {
	fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("cannot read the times of process %d", pid)
	}
	return (user + system) / ticksPerSecond, nil
}

// idlePercent is how much of one CPU a process uses while nothing is asked of it.
func idlePercent(ctx context.Context, pid, seconds int) (float64, error) {
	before, err := cpuSeconds(pid)
	if err != nil {
		return 0, err
	}
	if err := wait(ctx, seconds); err != nil {
		return 0, err
	}
	after, err := cpuSeconds(pid)
	return 100 * (after - before) / float64(seconds), err
}

// wait lets time pass: what is measured is that nothing happens meanwhile.
func wait(ctx context.Context, seconds int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(seconds) * time.Second):
		return nil
	}
}

// children returns the processes whose parent is pid, with their first argument.
func children(pid int) map[int]string {
	found := map[int]string{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		child, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		fields, err := stat(child)
		if err != nil || fields[1] != strconv.Itoa(pid) {
			continue // it has ended, or is somebody else's
		}
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		first, _, _ := bytes.Cut(line, []byte{0})
		found[child] = string(first)
	}
	return found
}

// machine is a line that says what the figures were taken on.
func machine(ctx context.Context) string {
	git, _ := exec.CommandContext(ctx, "git", "--version").Output()
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%d CPUs, Linux %s, %s, %s/%s, %s.", runtime.NumCPU(), bytes.TrimSpace(kernel), runtime.Version(),
		runtime.GOOS, runtime.GOARCH, bytes.TrimSpace(git))
}
