package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// throughput compares orders from manifest to pull request with a shell script that does the same git work.
func throughput(ctx context.Context, s settings) ([]row, error) {
	ours, err := ordersPerSecond(ctx, s.in("awo"))
	if err != nil {
		return nil, err
	}
	script, err := scriptPerSecond(ctx, s.in("script"))
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("%d orders from manifest to pull request, %d at once", s.orders, s.concurrent)
	return []row{
		{what, fmt.Sprintf("%.1f orders/s", ours), "faster than the script"},
		{"the same git work by a shell script, " + strconv.Itoa(s.concurrent) + " at once", fmt.Sprintf("%.1f/s", script), ""},
	}, nil
}

func ordersPerSecond(ctx context.Context, s settings) (_ float64, err error) {
	c, repo, err := prepare(ctx, s)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	begin := time.Now()
	for i := range s.orders {
		name := fmt.Sprintf("order-%d", i)
		if _, _, err := c.drop(name, manifest(name, repo, noopAgent)); err != nil {
			return 0, err
		}
	}
	err = c.waitSucceeded(ctx, s.orders)
	return float64(s.orders) / time.Since(begin).Seconds(), err
}

func scriptPerSecond(ctx context.Context, s settings) (float64, error) {
	repo, err := repository(ctx, s.dir, "small.git", 20)
	if err != nil {
		return 0, err
	}
	script := filepath.Join(s.checkout, "hack", "bench", "baseline.sh")
	cmd := exec.CommandContext(ctx, script, repo, s.dir, strconv.Itoa(s.orders), strconv.Itoa(s.concurrent), noopAgent)
	cmd.Env = environment(s.dir)
	cmd.Stderr = os.Stderr
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w", script, err)
	}
	return float64(s.orders) / time.Since(begin).Seconds(), nil
}
