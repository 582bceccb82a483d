package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// supervisorMemory looks at the process that stands between the controller and each running agent.
func supervisorMemory(ctx context.Context, s settings) (rows []row, err error) {
	c, repo, err := prepare(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	for i := range s.concurrent {
		name := fmt.Sprintf("sleeper-%d", i)
		if _, _, err := c.drop(name, manifest(name, repo, sleepingAgent)); err != nil {
			return nil, err
		}
	}
	var supervisors []int
	err = poll(ctx, 50*time.Millisecond, time.Minute, func() (bool, error) {
		supervisors = supervisors[:0]
		for pid, program := range children(c.cmd.Process.Pid) {
			if strings.Contains(program, "supervisor") {
				supervisors = append(supervisors, pid)
			}
		}
		return len(supervisors) == s.concurrent && asleep(supervisors), nil
	})
	if err != nil {
		return nil, fmt.Errorf("%d of %d supervisors were seen with an agent: %w", len(supervisors), s.concurrent, err)
	}
	var most float64
	for _, pid := range supervisors {
		mib, err := residentMiB(pid)
		if err != nil {
			return nil, err
		}
		most = max(most, mib)
	}
	return []row{{"resident memory of a running order's supervisor", fmt.Sprintf("%.1f MiB", most), "under 15 MB"}}, nil
}

// asleep tells whether each of the supervisors has its agent.
func asleep(supervisors []int) bool {
	for _, pid := range supervisors {
		if len(children(pid)) == 0 {
			return false
		}
	}
	return true
}
