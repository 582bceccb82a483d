package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/volume"
)

// Limits bound what the work of a run may bring into the mirror and to the remote. 0 is no limit.
type Limits struct {
	// FileBytes is how large a file may be, in any of the commits.
	FileBytes int64
	// DiffBytes is how much all changed files may hold together.
	DiffBytes int64
	// Files is how many files may differ.
	Files int
}

const (
	// maxListing bounds a list of paths that an agent could make long, in bytes.
	maxListing = 128 << 20
	// unreached is how much larger than the work its repository may be: an agent may have added and taken back.
	unreached = 4
)

// errListing says that a list of paths is longer than maxListing.
var errListing = errors.New("the list of changed files is longer than is kept in memory")

// capped keeps what is written up to a limit, and takes the rest for written.
type capped struct {
	bytes.Buffer
	limit int
	over  bool
}

// Write never fails.
func (c *capped) Write(p []byte) (int, error) {
	if c.limit > 0 && c.Len()+len(p) > c.limit {
		c.over = true
		return len(p), nil
	}
	return c.Buffer.Write(p)
}

// tally adds up what the work brings in.
type tally struct {
	limits Limits
	files  int
	bytes  int64
	// large names the largest file that is larger than one may be.
	large      string
	largeBytes int64
}

// add counts a file with its size.
func (t *tally) add(name string, size int64) {
	t.files++
	t.bytes += size
	if t.limits.FileBytes > 0 && size > t.limits.FileBytes && size > t.largeBytes {
		t.large, t.largeBytes = name, size
	}
}

// judge says which limit is exceeded.
func (t *tally) judge() error {
	switch {
	case t.large != "":
		return tooLarge("--max-file-size", "%q holds %s, and a file may hold %s", t.large, bytesOf(t.largeBytes), bytesOf(t.limits.FileBytes))
	case t.limits.Files > 0 && t.files > t.limits.Files:
		return tooLarge("--max-changed-files", "%d files differ, and %d may", t.files, t.limits.Files)
	case t.limits.DiffBytes > 0 && t.bytes > t.limits.DiffBytes:
		return tooLarge("--max-diff-size", "the changed files hold %s, and %s may be", bytesOf(t.bytes), bytesOf(t.limits.DiffBytes))
	}
	return nil
}

// tooLarge ends the order: what an agent makes of a request does not get smaller by itself.
func tooLarge(flag, format string, args ...any) error {
	return failure.NewTerminal(v1alpha1.ReasonTooLarge, fmt.Errorf(
		"the work is too large: %s; nothing was committed or pushed. Say in the request that such files are not wanted or have git ignore them, "+
			"or start the controller with a larger %s; then run `awo retry`", fmt.Sprintf(format, args...), flag))
}

// bytesOf is an amount of bytes for people.
func bytesOf(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	return volume.Bytes(uint64(n))
}

// checkRepository bounds what a fetch from the workspace could bring, before it: the agent's objects as they lie there.
// An agent may have repacked what it borrows, so the mirror's own objects are granted, too.
func (c *Client) checkRepository(p place) error {
	if c.config.Limits.DiffBytes <= 0 {
		return nil
	}
	there, err := volume.SizeOf(filepath.Join(p.gitDir(), "objects"))
	if err != nil || there <= unreached*c.config.Limits.DiffBytes {
		return err
	}
	granted, err := volume.SizeOf(filepath.Join(p.mirror.dir, "objects"))
	if err != nil || there <= granted+unreached*c.config.Limits.DiffBytes {
		return err
	}
	return tooLarge("--max-diff-size", "the agent's repository holds %s of new objects", bytesOf(there-granted))
}

// checkCommits bounds what the agent's commits bring in, whatever a later one of them takes away again. It reads sizes
// alone, so that nothing large is unpacked for it.
func (c *Client) checkCommits(ctx context.Context, p place, head string) error {
	k := p.onMirror("rev-list", "--objects", "--filter=object:type=blob", "--filter-provided-objects", head, "^"+p.BaseCommit)
	k.most = maxListing
	objects, err := c.text(ctx, k)
	if err != nil || objects == "" {
		return tooMany(err)
	}
	k = p.onMirror("cat-file", "--buffer", "--batch-check=%(objectsize) %(rest)")
	k.stdin, k.most = strings.NewReader(objects), maxListing
	sizes, err := c.text(ctx, k)
	if err != nil {
		return tooMany(err)
	}
	sum := tally{limits: c.config.Limits}
	for line := range strings.Lines(sizes) {
		size, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil {
			return fmt.Errorf("git printed %q where the size of an object was expected", line)
		}
		sum.add(name, n)
	}
	return sum.judge()
}

// tooMany turns a list that is too long into the end of the order.
func tooMany(err error) error {
	if errors.Is(err, errListing) {
		return tooLarge("--max-changed-files", "%s", errListing)
	}
	return err
}
