package store

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// Observation is what is known of an order's manifest.
type Observation struct {
	Presence Presence
	// Path is the file, relative to workorders/ with slashes, and Document the index of the document in it.
	Path     string
	Document int
	// Object is the order in its last good state, without a status. It is the caller's own copy, nil when the
	// manifest is absent or never was good. When no good state was seen since the start, it has name, namespace
	// and spec of the record.
	Object *v1alpha1.WorkOrder
	// Invalid is what decodes but cannot be carried out.
	Invalid []manifest.Problem
	// Stale tells that the document is broken or half written now and Object is from before.
	Stale bool
	// StatusInFile is the status that the file shows, nil if there is none. Never input, only for comparison.
	StatusInFile *v1alpha1.WorkOrderStatus
}

// Lookup tells where the manifest of an order stands: as of the last settled state of its file, so that it is never
// half a write. When the file has been touched since, it is looked at soon and the name reported as changed.
func (s *Store) Lookup(name string) Observation {
	e, recorded := s.index.current(name)
	deletion := s.deletion(name)
	s.mu.RLock()
	defer s.mu.RUnlock()
	o := s.lookup(name, e, recorded && !e.Deleted)
	switch {
	case deletion != "":
		o.Presence = deletion
	case o.Presence == Unknown && recorded:
		o.Presence = Gone
	case o.Presence != Present && len(s.index.quarantined(name)) > 0:
		o.Presence = Held
	}
	return o
}

func (s *Store) lookup(name string, e entry, live bool) Observation {
	p, d, ok := s.catalog.find(name, place{Path: e.Path, Document: e.Document})
	switch {
	case ok:
		s.checkFresh(p.Path)
		o := Observation{Presence: Present, Path: p.Path, Document: p.Document, Invalid: slices.Clone(d.invalid)}
		o.Stale = d.stale || d.packed == nil
		s.fill(&o, d, e)
		return o
	case !live:
		return Observation{Presence: Unknown}
	case s.catalog.shelters(e.Path):
		o := Observation{Presence: Present, Path: e.Path, Document: e.Document, Stale: true}
		s.fill(&o, doc{}, e)
		return o
	}
	return Observation{Presence: s.guard.presence(name)}
}

// fill sets the object: the last good one, or what the record knows of it.
func (s *Store) fill(o *Observation, d doc, e entry) {
	if d.packed != nil {
		order, err := s.decoder.packer.unpack(d.packed)
		if err == nil {
			o.StatusInFile, order.Status = order.Status, nil
			o.Object = order
			return
		}
	}
	if e.ID == "" || e.Deleted {
		return
	}
	if r, err := s.Record(e.ID); err == nil {
		o.Object = &v1alpha1.WorkOrder{}
		o.Object.Name, o.Object.Namespace, o.Object.Spec = r.Name, r.Namespace, r.Spec
	}
}

// checkFresh has a file looked at that is not any more as it is known. It only asks; the caller holds the lock.
func (s *Store) checkFresh(rel string) {
	f := s.catalog.files[rel]
	at, err := statStamp(filepath.Join(s.layout.WorkOrders(), rel))
	if f == nil || err != nil || at != f.at {
		s.touched.file(rel)
	}
}

// Names returns the names of all orders: those of the manifests and of the records that were not deleted. Sorted.
func (s *Store) Names() []string {
	set := map[string]struct{}{}
	for _, e := range s.index.live() {
		set[e.Name] = struct{}{}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name := range s.catalog.names {
		set[name] = struct{}{}
	}
	return slices.Sorted(maps.Keys(set))
}

// Ignored returns the files below workorders/ that are of another kind, relative to it. Sorted.
func (s *Store) Ignored() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []string
	for rel, t := range s.catalog.ignored {
		if t.err == nil {
			out = append(out, rel)
		}
	}
	slices.Sort(out)
	return out
}

// Ready returns nil, or why the manifests cannot be read or why nothing is taken for deleted. It does not wait for the
// first listing, which takes seconds for ten thousand manifests that no cache knows; nothing is taken for deleted
// before that.
func (s *Store) Ready() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.guard.rootErr != nil:
		return fmt.Errorf("the manifests in %s cannot be read (%w): nothing is taken for deleted; mount or restore the directory",
			s.layout.WorkOrders(), s.guard.rootErr)
	case s.guard.held != "":
		return errors.New(s.guard.held + ": nothing is deleted. Bring the files back into " + s.layout.WorkOrders() +
			", or confirm by starting the controller with --accept-deletions")
	}
	return nil
}

// FileProblem is something wrong with a file.
type FileProblem struct {
	// Path is relative to workorders/; absolute for a file elsewhere.
	Path string `json:"path"`
	manifest.Problem
	// Since is when it was found.
	Since time.Time `json:"since"`
}

// String gives the problem as one line with its file.
func (p FileProblem) String() string {
	if p.Line == 0 {
		return p.Path + ": " + p.Message
	}
	return p.Path + ": " + p.Problem.String()
}

// Problems returns what is wrong with manifests and records: files that do not decode, names borne twice, what
// cannot be read, runs in quarantine. By path.
func (s *Store) Problems() []FileProblem {
	out := s.recordProblems()
	s.mu.RLock()
	defer s.mu.RUnlock()
	for rel, f := range s.catalog.files {
		for _, p := range f.problems {
			out = append(out, FileProblem{Path: rel, Problem: p, Since: f.since})
		}
	}
	for rel, t := range s.catalog.broken {
		message := "cannot be read: " + cause(t.err)
		out = append(out, FileProblem{Path: rel, Problem: manifest.Problem{Message: message}, Since: t.since})
	}
	for rel, t := range s.catalog.ignored {
		if t.err != nil {
			out = append(out, FileProblem{Path: rel, Problem: manifest.Problem{Message: t.err.Error()}, Since: t.since})
		}
	}
	for name, places := range s.catalog.names {
		if len(places) > 1 {
			out = append(out, s.duplicates(name)...)
		}
	}
	slices.SortStableFunc(out, func(a, b FileProblem) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// duplicates reports the documents that bear a name and are not the order. The caller holds the lock.
func (s *Store) duplicates(name string) []FileProblem {
	e, _ := s.index.current(name)
	candidates := s.catalog.candidates(name)
	chosen := choose(candidates, place{Path: e.Path, Document: e.Document})
	out := make([]FileProblem, 0, len(candidates)-1)
	for _, p := range otherPlaces(candidates, chosen) {
		message := fmt.Sprintf("the name %s is taken by %s: this one (%s) is not run; rename or remove one of them",
			name, describe(candidates[chosen].place, p), describe(p, candidates[chosen].place))
		out = append(out, FileProblem{Path: p.Path, Since: s.catalog.files[p.Path].since, Problem: manifest.Problem{
			Document: p.Document, Name: name, Namespace: s.namespaceOf(s.catalog.doc(p, name)),
			Line: s.catalog.doc(p, name).line, Field: "metadata.name", Message: message,
		}})
	}
	return out
}

// namespaceOf is the namespace of a document; empty where nothing tells it.
func (s *Store) namespaceOf(d doc) string {
	if d.packed == nil {
		return ""
	}
	order, err := s.decoder.packer.unpack(d.packed)
	if err != nil {
		return ""
	}
	return cmp.Or(order.Namespace, v1alpha1.DefaultNamespace)
}

// describe names a place, with the document where the other place is in the same file.
func describe(p, other place) string {
	if p.Path != other.Path {
		return p.Path
	}
	return fmt.Sprintf("document %d of %s", p.Document+1, p.Path)
}

func (s *Store) recordProblems() []FileProblem {
	found := s.index.quarantined("")
	out := make([]FileProblem, 0, len(found))
	for _, q := range found {
		out = append(out, FileProblem{
			Path: s.layout.RecordFile(q.id), Since: q.since,
			Problem: manifest.Problem{Name: q.name, Message: s.quarantineError(q).Error()},
		})
	}
	return out
}

// Quarantined returns the ids of the runs whose records cannot be read, whatever has become of the runs. Sorted.
func (s *Store) Quarantined() []string {
	found := s.index.quarantined("")
	out := make([]string, 0, len(found))
	for _, q := range found {
		out = append(out, q.id)
	}
	return out
}
