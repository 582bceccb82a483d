package git

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// treeDiff are the options with which trees are compared: in full depth, without guessing renames, and without any
// program that could be configured for it.
var treeDiff = []string{"diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--no-textconv"}

// measure fills in the size of the difference between the base commit and a commit or tree, and all paths that the
// difference or one of the agent's commits has. A commit of ours on top changes no other path: it differs from the base
// there, or takes back what the agent had changed.
func (c *Client) measure(ctx context.Context, p place, own []string, end string, out *Collected) error {
	if end == p.BaseCommit {
		return nil
	}
	list, err := c.list(ctx, p.onMirror(slices.Concat(treeDiff, []string{"--numstat", p.BaseCommit, end, "--"})...))
	if err != nil {
		return err
	}
	paths := map[string]bool{}
	for _, entry := range list {
		if err := out.count(entry, paths); err != nil {
			return err
		}
	}
	out.Commits = clamp(len(own))
	if len(own) > 0 {
		if err := c.everyPath(ctx, p, own, paths); err != nil {
			return err
		}
	}
	out.Paths = slices.Sorted(maps.Keys(paths))
	return nil
}

// count adds one entry of git diff-tree --numstat -z: additions, deletions and path, with dashes for binary files.
func (c *Collected) count(entry string, paths map[string]bool) error {
	parts := strings.SplitN(entry, "\t", 3)
	if len(parts) != 3 {
		return fmt.Errorf("git printed %q where additions, deletions and a path were expected", entry)
	}
	c.Files = clamp(int(c.Files) + 1)
	c.Additions = clamp(int(c.Additions) + number(parts[0]))
	c.Deletions = clamp(int(c.Deletions) + number(parts[1]))
	paths[parts[2]] = true
	return nil
}

// everyPath adds what each commit changed against each of its parents, so that nothing that one commit brings in and
// the next takes away stays unseen.
func (c *Client) everyPath(ctx context.Context, p place, commits []string, paths map[string]bool) error {
	k := p.onMirror(slices.Concat(treeDiff, []string{"--stdin", "-m", "--root", "--no-commit-id", "--name-only"})...)
	k.stdin = strings.NewReader(strings.Join(commits, "\n") + "\n")
	list, err := c.list(ctx, k)
	if err != nil {
		return err
	}
	for _, name := range list {
		paths[name] = true
	}
	return nil
}

// number reads a count of lines; a dash is none.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func clamp(n int) int32 { return int32(max(0, min(n, math.MaxInt32))) }
