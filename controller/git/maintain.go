package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-logr/logr"
)

const (
	// maxPacks and maxLoose are how many files a mirror's objects may be before they are packed into one: every run that
	// borrows looks through all of them.
	maxPacks, maxLoose = 20, 6000
	// idlePacks is the same for a mirror that nobody borrows from: nothing holds up its packing, and objects that no
	// branch has any more go with it.
	idlePacks = 4
	// packLimit bounds the packing of one mirror, for which fetches wait.
	packLimit = 5 * time.Minute
	// restRounds is how many rounds a mirror is left alone that could not be packed in time.
	restRounds = 24
)

// packing is the configuration of a packing: slow and small, for agents work beside it.
var packing = []string{"pack.threads=1", "pack.windowMemory=64m", "core.bigFileThreshold=32m", "repack.writeBitmaps=false"}

// Maintain packs the mirrors whose objects have become many files, one after the other. While a run borrows from a
// mirror no object of it is lost, whether a branch still has it or not. A mirror that is being fetched into is left for
// the next time; what goes wrong with one does not hold up the others.
func (c *Client) Maintain(ctx context.Context) error {
	dirs, err := c.mirrorDirs()
	failed := []error{err}
	for _, dir := range dirs {
		if ctx.Err() != nil {
			break
		}
		if err := c.maintain(ctx, c.mirrorAt(dir)); err != nil {
			failed = append(failed, fmt.Errorf("packing the mirror %s: %w", dir, err))
		}
	}
	return errors.Join(failed...)
}

// mirrorDirs finds all mirrors, also those that this process has not used yet.
func (c *Client) mirrorDirs() ([]string, error) {
	var out []string
	err := filepath.WalkDir(c.config.Mirrors, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || !strings.HasSuffix(path, ".git") {
			return ignoreMissing(err)
		}
		out = append(out, path)
		return fs.SkipDir
	})
	return out, err
}

func (c *Client) maintain(ctx context.Context, m *mirror) error {
	select {
	case m.fetching <- struct{}{}:
		defer m.unlock()
	default:
		return nil
	}
	if m.rest > 0 {
		m.rest--
		return nil
	}
	if err := m.prepare(formatOf(m.dir)); err != nil {
		return err
	}
	borrowed, err := m.borrowed()
	if err != nil {
		return err
	}
	packs, loose, err := countObjects(m.dir)
	if err != nil || loose <= maxLoose && (packs <= idlePacks || borrowed && packs <= maxPacks) {
		return err
	}
	logr.FromContextOrDiscard(ctx).Info("Packing a mirror", "mirror", m.dir, "packs", packs, "looseObjects", loose, "borrowed", borrowed)
	if err := c.pack(ctx, m, borrowed); err != nil {
		m.rest = restRounds
		return err
	}
	return nil
}

// pack makes one pack of all objects; of those that nothing names any more only where nobody borrows.
func (c *Client) pack(ctx context.Context, m *mirror, borrowed bool) error {
	ctx, cancel := context.WithTimeout(ctx, packLimit)
	defer cancel()
	repack := call{gitDir: m.dir, config: packing, args: []string{"repack", "-a", "-d", "-q"}}
	if borrowed {
		repack.args = append(repack.args, "--keep-unreachable")
	}
	if _, err := c.run(ctx, repack); err != nil || borrowed {
		return err
	}
	_, err := c.run(ctx, call{gitDir: m.dir, config: packing, args: []string{"prune", "--expire=now"}})
	return err
}

// formatOf is an object name in the format of a mirror.
func formatOf(dir string) string {
	const sha1, sha256 = 40, 64
	if strings.HasSuffix(dir, sha256Suffix) {
		return strings.Repeat("0", sha256)
	}
	return strings.Repeat("0", sha1)
}

// countObjects counts the packs of a repository, and estimates from one of 256 directories how many loose objects it
// has, as git does.
func countObjects(dir string) (packs, loose int, err error) {
	found, err := filepath.Glob(filepath.Join(escapeGlob(dir), "objects", "pack", "*.pack"))
	if err != nil {
		return 0, 0, err
	}
	const directories = 256
	entries, err := os.ReadDir(filepath.Join(dir, "objects", "17"))
	return len(found), directories * len(entries), ignoreMissing(err)
}
