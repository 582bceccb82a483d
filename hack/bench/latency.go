package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// latencyEmpty takes the time from drop to first phase where no other manifest lies.
func latencyEmpty(ctx context.Context, s settings) (rows []row, err error) {
	c, repo, err := prepare(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	r, err := latency(ctx, s, c, repo, "none")
	return []row{r}, err
}

// latency drops orders one after the other and waits for each to end.
func latency(ctx context.Context, s settings, c *controller, repo, others string) (row, error) {
	var times []time.Duration
	for i := range s.drops {
		name := fmt.Sprintf("drop-%d", i)
		path, dropped, err := c.drop(name, manifest(name, repo, noopAgent))
		if err != nil {
			return row{}, err
		}
		seen, err := waitPhase(ctx, path, begun)
		if err != nil {
			return row{}, err
		}
		times = append(times, seen.Sub(dropped))
		if _, err := waitPhase(ctx, path, succeeded); err != nil {
			return row{}, err
		}
	}
	figure := "p50 " + milliseconds(percentile(times, 0.50)) + ", p99 " + milliseconds(percentile(times, 0.99))
	return row{fmt.Sprintf("drop to first phase in the file, %s others, %d drops", others, s.drops), figure, "p99 under 100 ms"}, nil
}
