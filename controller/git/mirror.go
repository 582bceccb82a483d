package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Namespaces of refs in a mirror. What the remote has is followed in originRefs and tagRefs; pinRefs belongs to the
// runs that borrow from the mirror, and no fetch ever touches it.
const (
	originRefs = "refs/remotes/origin"
	tagRefs    = "refs/tags"
	pinRefs    = "refs/awo"
)

// The pins of a run: where it began, what the agent committed while it is being checked, and where the work ends.
const (
	pinBase  = "base"
	pinAgent = "agent"
	pinHead  = "head"
)

// registry knows the mirrors that this process has used.
type registry struct {
	mu    sync.Mutex
	known map[string]*mirror
}

// mirror is a bare repository that all runs on one URL share.
type mirror struct {
	dir string
	// fetching is held (by its one token) by who changes the refs that follow the remote.
	fetching chan struct{}
	// interrupted says that a fetch was cut off and may have left locks; guarded by fetching.
	interrupted bool
	// rest is how many rounds of Maintain pass over the mirror; guarded by fetching.
	rest int

	mu    sync.Mutex
	ready bool
}

// mirror returns the mirror for a repository whose objects are named like base. A repository that changed from SHA-1
// to SHA-256 gets a second one.
func (c *Client) mirror(l location, base string) *mirror {
	dir := c.mirrorDir(l)
	if len(base) == 64 {
		dir = strings.TrimSuffix(dir, ".git") + sha256Suffix
	}
	return c.mirrorAt(dir)
}

// sha256Suffix ends the name of a mirror whose objects have long names.
const sha256Suffix = "~sha256.git"

// mirrorAt returns the mirror in a directory.
func (c *Client) mirrorAt(dir string) *mirror {
	c.mirrors.mu.Lock()
	defer c.mirrors.mu.Unlock()
	if c.mirrors.known == nil {
		c.mirrors.known = map[string]*mirror{}
	}
	m := c.mirrors.known[dir]
	if m == nil {
		m = &mirror{dir: dir, fetching: make(chan struct{}, 1)}
		c.mirrors.known[dir] = m
	}
	return m
}

// lock waits for the right to fetch.
func (m *mirror) lock(ctx context.Context) error {
	select {
	case m.fetching <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (m *mirror) unlock() { <-m.fetching }

// prepare makes the mirror, or heals what a crash may have left of it; once in the life of this process, which is the
// only one that works on it.
func (m *mirror) prepare(base string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := os.Lstat(m.dir); m.ready && err == nil {
		return nil
	}
	if err := m.heal(base); err != nil {
		return fmt.Errorf("preparing the mirror %s: %w", m.dir, err)
	}
	m.ready = true
	return nil
}

// heal writes the plain files of the mirror anew and clears away what an interrupted git leaves. It never touches
// objects that are complete, since workspaces may borrow them.
func (m *mirror) heal(base string) error {
	files := map[string]string{"HEAD": "ref: refs/heads/awo-none\n", "config": mirrorConfig(base), "info/exclude": ""}
	if err := writeGitDir(m.dir, files); err != nil {
		return err
	}
	return errors.Join(removeStale(m.dir), removeTemporaryObjects(m.dir))
}

// removeStale removes locks, our own temporary files, and refs without a value, which a power failure leaves and which
// would stop every later git. A ref that follows the remote comes back with the next fetch.
func removeStale(dir string) error {
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "objects":
			return fs.SkipDir
		case d.IsDir():
			return nil
		case strings.HasSuffix(file, ".lock"), strings.HasPrefix(d.Name(), ".awo-"):
			return os.Remove(file) //nolint:gosec // no agent can write to a mirror
		case strings.HasPrefix(file, filepath.Join(dir, "refs")+string(filepath.Separator)):
			return removeIfEmpty(file)
		}
		return nil
	})
	return ignoreMissing(err)
}

func removeIfEmpty(file string) error {
	text, err := readSmall(file)
	if err != nil || isObjectName(strings.TrimSpace(text)) {
		return err
	}
	return os.Remove(file)
}

// removeTemporaryObjects removes half-written packs and objects.
func removeTemporaryObjects(dir string) error {
	var errs []error
	for _, pattern := range []string{"objects/pack/tmp_*", "objects/pack/.tmp-*", "objects/??/tmp_obj_*", "objects/tmp_objdir-*",
		"objects/info/*.lock", "objects/pack/*.lock"} {
		found, err := filepath.Glob(filepath.Join(escapeGlob(dir), filepath.FromSlash(pattern)))
		errs = append(errs, err)
		for _, file := range found {
			errs = append(errs, os.RemoveAll(file))
		}
	}
	return errors.Join(errs...)
}

// escapeGlob makes a pattern that matches exactly the path.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// borrowed tells whether a run has pins in the mirror.
func (m *mirror) borrowed() (bool, error) {
	found := false
	if err := looseRefs(m.dir, pinRefs, func(_, _ string) bool { found = true; return false }); err != nil || found {
		return found, err
	}
	err := packedRefs(m.dir, func(_, name string) bool {
		found = strings.HasPrefix(name, pinRefs+"/")
		return !found
	})
	return found, err
}

// discard removes the mirror with all its objects. Only for one that nobody borrows from.
func (m *mirror) discard() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ready = false
	return os.RemoveAll(m.dir)
}

// pinName is the full name of a run's pin.
func pinName(id, pin string) string { return pinRefs + "/" + id + "/" + pin }

// pin sets a pin of a run.
func (m *mirror) pin(id, pin, object string) error {
	if err := writeRef(m.dir, pinName(id, pin), object); err != nil {
		return fmt.Errorf("pinning %s in the mirror %s: %w", object, m.dir, err)
	}
	return nil
}

// pinned returns a pin of a run, "" when it is not set.
func (m *mirror) pinned(id, pin string) (string, error) {
	object, err := readRef(m.dir, pinName(id, pin))
	if err != nil {
		return "", fmt.Errorf("reading a pin in the mirror %s: %w", m.dir, err)
	}
	return object, nil
}
