package git

import (
	"cmp"
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

// change is a path that differs between two trees.
type change struct {
	path string
	// oldMode and newMode are as git writes them, such as 100644; 000000 where there is nothing.
	oldMode, newMode string
	// old and new are the objects, all zeros where there is none.
	old, new string
}

// gitlink is the mode of a submodule.
const gitlink = "160000"

// directory is the mode of one, which a difference names only where it is asked to.
const directory = "040000"

// link tells whether the path is, or was, a submodule.
func (c change) link() bool { return c.oldMode == gitlink || c.newMode == gitlink }

// gone tells whether the path is not there any more.
func (c change) gone() bool { return none(c.newMode) }

// none tells whether git means nothing by a mode or an object name: all zeros.
func none(name string) bool { return strings.Trim(name, "0") == "" }

// parseChanges takes what git diff-tree --raw -z printed off the front of a list.
func parseChanges(list []string) (changes []change, rest []string, err error) {
	const fields = 5
	for len(list) > 0 {
		entry, is := strings.CutPrefix(list[0], ":")
		if !is {
			break
		}
		f := strings.Fields(entry)
		if len(f) != fields || len(list) == 1 {
			return nil, nil, fmt.Errorf("git printed %q where a difference and its path were expected", list[0])
		}
		changes = append(changes, change{path: list[1], oldMode: f[0], newMode: f[1], old: f[2], new: f[3]})
		list = list[2:]
	}
	return changes, list, nil
}

// measure fills in the size of the difference between the base commit and what was staged, else the head, and all paths
// that the difference or one of the agent's commits has. A commit of ours on top changes no other path: it differs from
// the base there, or takes back what the agent had changed.
func (c *Client) measure(ctx context.Context, p place, own []string, s staged, out *Collected) error {
	end := cmp.Or(s.tree, out.Head)
	if end == p.BaseCommit {
		return nil
	}
	k := p.onMirror(slices.Concat(treeDiff, []string{"--raw", "--no-abbrev", "--numstat", p.BaseCommit, end, "--"})...)
	k.most = maxListing
	list, err := c.list(ctx, k)
	if err != nil {
		return tooMany(err)
	}
	seen := paths{all: map[string]bool{}, links: map[string]bool{}}
	changes, list, err := parseChanges(list)
	if err != nil {
		return err
	}
	seen.add(changes)
	for _, entry := range list {
		if err := out.count(entry); err != nil {
			return err
		}
	}
	if err := (&tally{limits: c.config.Limits, files: int(out.Files)}).judge(); err != nil {
		return err
	}
	out.Commits = clamp(len(own))
	if len(own) > 0 {
		if err := c.everyPath(ctx, p, own, seen); err != nil {
			return err
		}
	}
	out.Paths, out.Links = slices.Sorted(maps.Keys(seen.all)), slices.Sorted(maps.Keys(seen.links))
	if !s.attributes {
		return nil
	}
	return c.supported(ctx, p, changes)
}

// paths are all that changed, and those of them that are submodules.
type paths struct{ all, links map[string]bool }

func (s paths) add(changes []change) {
	for _, each := range changes {
		s.all[each.path] = true
		if each.link() {
			s.links[each.path] = true
		}
	}
}

// count adds one entry of git diff-tree --numstat -z: additions, deletions and path, with dashes for binary files.
func (c *Collected) count(entry string) error {
	parts := strings.SplitN(entry, "\t", 3)
	if len(parts) != 3 {
		return fmt.Errorf("git printed %q where additions, deletions and a path were expected", entry)
	}
	c.Files = clamp(int(c.Files) + 1)
	c.Additions = clamp(int(c.Additions) + number(parts[0]))
	c.Deletions = clamp(int(c.Deletions) + number(parts[1]))
	return nil
}

// everyPath adds what each commit changed against each of its parents, so that nothing that one commit brings in and
// the next takes away stays unseen.
func (c *Client) everyPath(ctx context.Context, p place, commits []string, seen paths) error {
	k := p.onMirror(slices.Concat(treeDiff, []string{"--stdin", "-m", "--root", "--no-commit-id", "--raw", "--no-abbrev"})...)
	k.stdin, k.most = strings.NewReader(strings.Join(commits, "\n")+"\n"), maxListing
	list, err := c.list(ctx, k)
	if err != nil {
		return tooMany(err)
	}
	changes, rest, err := parseChanges(list)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("git printed %q where a difference was expected", rest[0])
	}
	seen.add(changes)
	return err
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
