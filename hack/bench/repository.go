package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// largeRepository compares the second order on a large repository with the first, which fills the mirror.
func largeRepository(ctx context.Context, s settings) (rows []row, err error) {
	repo, err := repository(ctx, s.dir, "large.git", s.files)
	if err != nil {
		return nil, err
	}
	c, err := startController(ctx, s, filepath.Join(s.dir, "data"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	var took [2]time.Duration
	for i := range took {
		name := fmt.Sprintf("large-%d", i+1)
		path, dropped, err := c.drop(name, manifest(name, repo, noopAgent))
		if err != nil {
			return nil, err
		}
		ended, err := waitPhase(ctx, path, succeeded)
		if err != nil {
			return nil, err
		}
		took[i] = ended.Sub(dropped)
	}
	return []row{
		{fmt.Sprintf("first order on a repository of %d files", s.files), fmt.Sprintf("%.2f s", took[0].Seconds()), ""},
		{"second order on it", fmt.Sprintf("%.2f s", took[1].Seconds()), ""},
	}, nil
}
