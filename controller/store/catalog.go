package store

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"
)

// catalog is what is known of the files below workorders/. Its user holds the lock of the store.
type catalog struct {
	files map[string]*file   // by path relative to workorders/
	names map[string][]place // where a name is borne
	// pending are files that are there in a state that was not acted on yet.
	pending map[string]pending
	// cached are files as a former process knew them, until the first listing.
	cached map[string]*file
	dirs   map[string]shown // by real path
	// ignored are files of other kinds; what is called like a manifest and cannot be one has an error.
	ignored map[string]trouble
	broken  map[string]trouble  // what cannot be listed
	targets map[string][]string // directory of a link's target -> links
	// revision counts the changes to files.
	revision int
}

// pending is a state of a file and when it was first seen.
type pending struct {
	at    stamp
	since time.Time
}

// shown is where a directory is shown.
type shown struct {
	rel     string
	swapped bool
}

// trouble is an error and since when it stands.
type trouble struct {
	err   error
	since time.Time
}

func newCatalog() *catalog {
	return &catalog{
		files: map[string]*file{}, names: map[string][]place{}, pending: map[string]pending{},
		dirs: map[string]shown{}, ignored: map[string]trouble{}, broken: map[string]trouble{},
		targets: map[string][]string{},
	}
}

// put takes a file in and returns the names for which that makes a difference.
func (c *catalog) put(rel string, f *file) []string {
	var former []doc
	if old := c.files[rel]; old != nil {
		former = old.docs
		c.unlink(rel, old)
	}
	c.files[rel] = f
	c.revision++
	delete(c.pending, rel)
	delete(c.ignored, rel)
	delete(c.broken, rel)
	for _, d := range f.docs {
		if d.name != "" {
			c.names[d.name] = append(c.names[d.name], place{Path: rel, Document: d.index})
		}
	}
	if f.sight.real != "" {
		dir := parentOf(f.sight.real)
		c.targets[dir] = append(c.targets[dir], rel)
	}
	return differing(former, f.docs)
}

// remove takes a path out and returns the names that it bore.
func (c *catalog) remove(rel string) []string {
	delete(c.pending, rel)
	delete(c.ignored, rel)
	delete(c.broken, rel)
	old := c.files[rel]
	if old == nil {
		return nil
	}
	c.unlink(rel, old)
	delete(c.files, rel)
	c.revision++
	return differing(old.docs, nil)
}

func (c *catalog) unlink(rel string, old *file) {
	for _, d := range old.docs {
		left := slices.DeleteFunc(c.names[d.name], func(p place) bool { return p.Path == rel })
		if len(left) == 0 {
			delete(c.names, d.name)
			continue
		}
		c.names[d.name] = left
	}
	if old.sight.real == "" {
		return
	}
	dir := parentOf(old.sight.real)
	c.targets[dir] = slices.DeleteFunc(c.targets[dir], func(r string) bool { return r == rel })
	if len(c.targets[dir]) == 0 {
		delete(c.targets, dir)
	}
}

// under returns the known paths at or below a relative path; all for an empty one.
func (c *catalog) under(rel string) []string {
	var out []string
	for _, paths := range [][]string{
		slices.Collect(maps.Keys(c.files)), slices.Collect(maps.Keys(c.pending)),
		slices.Collect(maps.Keys(c.ignored)), slices.Collect(maps.Keys(c.broken)),
	} {
		for _, path := range paths {
			if isUnder(path, rel) {
				out = append(out, path)
			}
		}
	}
	return out
}

// candidates returns the documents that bear a name.
func (c *catalog) candidates(name string) []candidate {
	places := c.names[name]
	out := make([]candidate, 0, len(places))
	for _, p := range places {
		out = append(out, candidate{place: p, Good: c.doc(p, name).packed != nil})
	}
	return out
}

// doc returns the document at a place that bears a name.
func (c *catalog) doc(p place, name string) doc {
	if f := c.files[p.Path]; f != nil {
		for _, d := range f.docs {
			if d.index == p.Document && d.name == name {
				return d
			}
		}
	}
	return doc{}
}

// find returns where the order of a name is, given where it was recorded.
func (c *catalog) find(name string, recorded place) (place, doc, bool) {
	candidates := c.candidates(name)
	if len(candidates) == 0 {
		return place{}, doc{}, false
	}
	p := candidates[choose(candidates, recorded)].place
	return p, c.doc(p, name), true
}

// knowsGood tells whether a file is known and nothing is wrong with it.
func (c *catalog) knowsGood(rel string) bool {
	f := c.files[rel]
	return f != nil && !f.unproven && len(f.problems) == 0
}

// shelters tells whether a file is there of which it is not known what it holds: the orders last seen in it are
// not missing.
func (c *catalog) shelters(rel string) bool {
	if _, waiting := c.pending[rel]; waiting {
		return true
	}
	f := c.files[rel]
	return f != nil && len(f.problems) > 0
}

// hasLinks tells whether a symlink leads to any manifest or directory.
func (c *catalog) hasLinks() bool {
	if len(c.targets) > 0 {
		return true
	}
	for _, d := range c.dirs {
		if d.swapped {
			return true
		}
	}
	return false
}

// differing returns the names whose documents are not the same in both lists.
func differing(a, b []doc) []string {
	left := make(map[string]doc, len(a))
	for _, d := range a {
		left[d.name] = d
	}
	var out []string
	for _, d := range b {
		if old, ok := left[d.name]; !ok || !same(old, d) {
			out = append(out, d.name)
		}
		delete(left, d.name)
	}
	return append(out, slices.Collect(maps.Keys(left))...)
}

func same(a, b doc) bool {
	return a.index == b.index && a.stale == b.stale && bytes.Equal(a.packed, b.packed) && slices.Equal(a.invalid, b.invalid)
}

// isUnder tells whether a relative path is another one or lies below it.
func isUnder(path, rel string) bool {
	return rel == "" || path == rel || strings.HasPrefix(path, rel+"/")
}

// parentOf returns the directory of a path.
func parentOf(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return ""
}
