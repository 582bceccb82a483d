package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// look is one look at a file that is there.
type look struct {
	s   *Store
	rel string
	// once: nobody will look again soon, so that a good file is taken without waiting for quiet.
	once bool
}

// result is what looks found.
type result struct {
	// names may stand differently now.
	names []string
	// again is when to look again at which file.
	again map[string]time.Duration
}

func (r *result) add(other result) {
	r.names = append(r.names, other.names...)
	for rel, after := range other.again {
		r.later(rel, after)
	}
}

func (r *result) later(rel string, after time.Duration) {
	if r.again == nil {
		r.again = map[string]time.Duration{}
	}
	r.again[rel] = after
}

// at looks at the file in the state that a listing saw. The caller holds s.looking.
func (l look) at(ctx context.Context, seen sight) (out result) {
	since, fresh := l.first(seen)
	if !fresh {
		return l.known(seen)
	}
	c, err := readContent(l.path(seen))
	if errors.Is(err, fs.ErrNotExist) {
		return l.gone()
	}
	if err == nil && c.at != seen.at {
		err = errChanging
	}
	g := glance{Quiet: seen.at.quietFor(l.s.wall(), since, l.s.clock.Now()), Changing: errors.Is(err, errChanging), Busy: c.busy}
	if l.once {
		// What is good is taken as it is; what is bad must have been so for long.
		g.Busy, g.Quiet = false, max(g.Quiet, l.s.opts.Debounce)
	}
	if act, again := judge(g, l.s.opts.Debounce, l.s.opts.BadAfter); !act {
		out.later(l.rel, again)
		return out
	}
	if err == nil && l.unchanged(c) {
		return out
	}
	if err == nil && l.join(logr.FromContextOrDiscard(ctx), c) {
		out.later(l.rel, l.s.opts.Debounce)
		return out
	}
	r := l.decode(c, seen, err)
	g.Bad = r.bad() || !l.once && unfinished(r, c.data)
	if act, again := judge(g, l.s.opts.Debounce, l.s.opts.BadAfter); !act {
		out.later(l.rel, again)
		return out
	}
	out.names = l.take(ctx, r, seen)
	return out
}

// unfinished tells of content that is whole as it stands and yet looks like the first half of a longer text: one whose
// last line is not ended, or whose spec cannot be carried out. Like what is broken it is taken only after a while.
func unfinished(r reading, data []byte) bool {
	ended := bytes.HasSuffix(data, []byte("\n")) || bytes.HasSuffix(data, []byte("\r")) || bytes.HasSuffix(data, []byte("}"))
	return !ended || slices.ContainsFunc(r.docs, func(d doc) bool { return len(d.invalid) > 0 })
}

// unchanged takes note of a file that holds the same bytes in a new state.
func (l look) unchanged(c content) bool {
	sum := sha256.Sum256(c.data)
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	f := l.s.catalog.files[l.rel]
	if f == nil || f.sum != sum {
		return false
	}
	f.at, f.sight.at, f.unproven = c.at, c.at, false
	delete(l.s.catalog.pending, l.rel)
	return true
}

func (l look) decode(c content, seen sight, err error) reading {
	if err != nil {
		return unreadable(seen.at, err)
	}
	return l.s.decoder.read(c.data, c.at)
}

func (l look) path(seen sight) string {
	if seen.real != "" {
		return seen.real
	}
	return filepath.Join(l.s.layout.WorkOrders(), l.rel)
}

// first notes a state of the file that is not known yet and tells since when it is seen.
func (l look) first(seen sight) (since time.Time, fresh bool) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	c := l.s.catalog
	if f := c.files[l.rel]; f != nil && f.at == seen.at && !f.unproven {
		return time.Time{}, false
	}
	if f := c.cached[l.rel]; f != nil && f.at == seen.at && c.files[l.rel] == nil {
		return time.Time{}, false
	}
	if f := c.cached[l.rel]; f != nil && c.files[l.rel] == nil {
		// What a former process knew is the last good state until the new one is taken.
		f.sight, f.since = seen, l.s.clock.Now()
		c.put(l.rel, f)
	}
	p, ok := c.pending[l.rel]
	if !ok || p.at != seen.at {
		p = pending{at: seen.at, since: l.s.clock.Now()}
		c.pending[l.rel] = p
	}
	return p.since, true
}

// known has nothing to read: the file is as it was, or as a former process knew it.
func (l look) known(seen sight) (out result) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	c := l.s.catalog
	delete(c.pending, l.rel)
	if f := c.cached[l.rel]; f != nil && c.files[l.rel] == nil {
		f.sight, f.since = seen, l.s.clock.Now()
		out.names = c.put(l.rel, f)
		return out
	}
	if f := c.files[l.rel]; f != nil {
		f.sight.swapped = seen.swapped
	}
	return out
}

func (l look) gone() (out result) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	out.names = l.s.catalog.remove(l.rel)
	return out
}

// take makes a reading what is known of the file.
func (l look) take(ctx context.Context, r reading, seen sight) []string {
	seen.at = r.at
	f := &file{at: r.at, sum: r.sum, docs: r.docs, problems: r.problems, since: l.s.clock.Now(), sight: seen}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if r.bad() {
		var former []doc
		if old := l.s.catalog.files[l.rel]; old != nil {
			former = old.docs
		}
		f.docs = merge(former, r)
	}
	logProblems(ctx, l.rel, f.problems)
	return l.s.catalog.put(l.rel, f)
}

func logProblems(ctx context.Context, rel string, problems []manifest.Problem) {
	log := logr.FromContextOrDiscard(ctx)
	for _, p := range problems {
		log.Info("Manifest is broken", "path", rel, "line", p.Line, "problem", FileProblem{Path: rel, Problem: p}.String())
	}
}
