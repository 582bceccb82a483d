package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// git runs git with an environment that the machine's configuration does not reach.
func git(ctx context.Context, home, stdin string, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = append(environment(home), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return nil
}

// repository makes a bare repository with that many files and returns its path.
func repository(ctx context.Context, dir, name string, files int) (string, error) {
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("cannot make a place for %s: %w", name, err)
	}
	if err := git(ctx, dir, "", "init", "--quiet", "--bare", "--initial-branch=main", path); err != nil {
		return "", err
	}
	return path, git(ctx, dir, history(files), "-C", path, "fast-import", "--quiet")
}

// history is one commit with that many small files, a hundred to a folder, as git fast-import reads it.
func history(files int) string {
	var b strings.Builder
	b.WriteString("commit refs/heads/main\ncommitter bench <bench@localhost> 1700000000 +0000\ndata 5\nfirst\n")
	for i := range files {
		content := fmt.Sprintf("This is file %d.\nIt has two lines.\n", i)
		fmt.Fprintf(&b, "M 100644 inline folder-%d/file-%d.txt\ndata %d\n%s\n", i/100, i, len(content), content)
	}
	b.WriteString("done\n")
	return b.String()
}
