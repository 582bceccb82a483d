package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/examples"
)

// demoGit makes the demo's repository. It is the user's part of the demo, so it is plain git.
type demoGit struct {
	spawner *process.Spawner
	environ []string
}

// seed makes a bare repository with one commit, which holds the demo's agent.
func (g demoGit) seed(ctx context.Context, bare, work string) error {
	if err := writeSeed(work); err != nil {
		return fmt.Errorf("make the demo's repository: %w", err)
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--bare", "--initial-branch=main", bare},
		{"init", "--quiet", "--initial-branch=main", work},
		{"-C", work, "add", "--all"},
		{"-C", work, "-c", "user.name=Demo", "-c", "user.email=demo@example.com", "commit", "--quiet", "--message=Greet the world"},
		{"-C", work, "push", "--quiet", bare, "main"},
	} {
		if _, err := g.run(ctx, "", args...); err != nil {
			return fmt.Errorf("make the demo's repository: %w", err)
		}
	}
	return nil
}

func writeSeed(dir string) error {
	return errors.Join(
		os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "greet.sh"), []byte("#!/bin/sh\necho \"Hello, world!\"\n"), 0o755),
		os.WriteFile(filepath.Join(dir, "demo-agent.sh"), examples.DemoAgent, 0o755),
	)
}

// run runs git without the user's configuration and returns what it prints.
func (g demoGit) run(ctx context.Context, dir string, args ...string) (string, error) {
	env := append(process.Environment(g.environ, "PATH", "LANG", "LC_*"),
		"HOME="+os.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0")
	res, err := g.spawner.Run(ctx, process.Command{Path: "git", Args: args, Dir: dir, Env: env, Timeout: time.Minute})
	return string(res.Stdout), err
}
