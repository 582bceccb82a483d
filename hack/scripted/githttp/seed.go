package githttp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Commit is what a repository of the server begins with, or what is added to a branch of it.
type Commit struct {
	// Branch is the branch it goes to; the first commit's branch becomes HEAD. Default: main.
	Branch string
	// Files are contents by path. A path that is named replaces what the branch had there.
	Files map[string]string
	// Message of the commit. Default: "change".
	Message string
}

// Create makes a bare repository with one commit and returns the commit. A Commit without files makes an empty
// repository whose HEAD names the branch, and returns "".
func (s *Server) Create(ctx context.Context, repository string, c Commit) (string, error) {
	if c.Branch == "" {
		c.Branch = "main"
	}
	if _, err := s.run(ctx, "", "init", "--quiet", "--bare", "--initial-branch="+c.Branch, "--", s.Dir(repository)); err != nil {
		return "", err
	}
	if len(c.Files) == 0 {
		return "", nil
	}
	return s.Add(ctx, repository, c)
}

// Add puts a commit on top of a branch, as a person would who pushes, and returns it.
func (s *Server) Add(ctx context.Context, repository string, c Commit) (string, error) {
	if c.Branch == "" {
		c.Branch = "main"
	}
	if _, err := s.run(ctx, script(c, s.exists(ctx, repository, c.Branch)),
		"--git-dir="+s.Dir(repository), "fast-import", "--quiet"); err != nil {
		return "", err
	}
	return s.Git(ctx, repository, "rev-parse", "refs/heads/"+c.Branch)
}

func (s *Server) exists(ctx context.Context, repository, branch string) bool {
	_, err := s.Git(ctx, repository, "rev-parse", "--verify", "--quiet", "refs/heads/"+branch)
	return err == nil
}

// script writes a commit in the language of git fast-import.
func script(c Commit, follows bool) string {
	var b strings.Builder
	message := c.Message
	if message == "" {
		message = "change"
	}
	fmt.Fprintf(&b, "commit refs/heads/%s\ncommitter Test <test@example.com> 1700000000 +0000\ndata %d\n%s\n",
		c.Branch, len(message), message)
	if follows {
		fmt.Fprintf(&b, "from refs/heads/%s^0\n", c.Branch)
	}
	for _, path := range slices.Sorted(maps.Keys(c.Files)) {
		fmt.Fprintf(&b, "M 100644 inline %s\ndata %d\n%s\n", quote(path), len(c.Files[path]), c.Files[path])
	}
	return b.String()
}

// quote writes a path as fast-import wants the odd ones.
func quote(path string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(path) + `"`
}

// run starts git without the configuration of the person who runs the tests.
func (s *Server) run(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.git, args...)
	cmd.Env = append(environment(), "PATH="+os.Getenv("PATH"))
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
		}
		return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
