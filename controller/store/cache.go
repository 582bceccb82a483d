package store

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// The cache tells the next start what every file held in which state, so that ten thousand manifests are not decoded
// again. It is no truth: a file whose state differs is read, and with another binary or policy all are. A file with
// problems is always read again; of it the next start learns which orders it bore when it was last good.

// cacheHead is the first line of the cache.
type cacheHead struct {
	Format int    `json:"format"`
	Binary stamp  `json:"binary"`
	Root   string `json:"root"`
	Policy string `json:"policy"`
}

// sameFiles tells whether two caches are of the same files in the same format, whoever judged them.
func (h cacheHead) sameFiles(other cacheHead) bool {
	return h.Format == other.Format && h.Root == other.Root
}

// cacheLine is any other line: a file of manifests, or a record.
type cacheLine struct {
	Path string `json:"path,omitempty"`
	// At is the state of what is cached; zero, and thus that of no file, when the file is broken.
	At     stamp       `json:"at"`
	Broken bool        `json:"broken,omitempty"`
	Docs   []cachedDoc `json:"docs,omitempty"`
	Record *entry      `json:"record,omitempty"`
}

type cachedDoc struct {
	Index   int                `json:"index"`
	Line    int                `json:"line"`
	Name    string             `json:"name"`
	Packed  []byte             `json:"packed"`
	Status  string             `json:"status"`
	Invalid []manifest.Problem `json:"invalid,omitempty"`
	Stale   bool               `json:"stale,omitempty"`
}

func cachedOf(d doc) cachedDoc {
	return cachedDoc{
		Index: d.index, Line: d.line, Name: d.name, Packed: d.packed, Status: d.status, Invalid: d.invalid, Stale: d.stale,
	}
}

func (d cachedDoc) doc() doc {
	return doc{
		index: d.Index, line: d.Line, name: d.Name, packed: d.Packed, status: d.Status, invalid: d.Invalid, stale: d.Stale,
	}
}

// nameOnly is what holds whoever judged the document: where a name was borne. What the order asks for the record knows.
func (d cachedDoc) nameOnly() doc {
	return doc{index: d.Index, line: d.Line, name: d.Name, stale: true}
}

// cached is what was read of the cache.
type cached struct {
	files   map[string]*file
	records map[string]entry
}

func (s *Store) cacheHead() (cacheHead, error) {
	exe, err := os.Executable()
	if err != nil {
		return cacheHead{}, fmt.Errorf("find this program: %w", err)
	}
	binary, err := statStamp(exe)
	if err != nil {
		return cacheHead{}, fmt.Errorf("stat this program: %w", err)
	}
	policy, err := json.Marshal(s.opts.Policy)
	if err != nil {
		return cacheHead{}, fmt.Errorf("encode the policy: %w", err)
	}
	return cacheHead{Format: 1, Binary: binary, Root: s.layout.WorkOrders(), Policy: string(policy)}, nil
}

// readCache reads what can be trusted of the cache.
func (s *Store) readCache() cached {
	out := cached{files: map[string]*file{}, records: map[string]entry{}}
	want, err := s.cacheHead()
	if err != nil {
		return out
	}
	f, err := os.Open(s.layout.cacheFile())
	if err != nil {
		return out
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewReaderSize(f, 1<<16)
	var head cacheHead
	if line, err := lines.ReadBytes('\n'); err != nil || json.Unmarshal(line, &head) != nil || !head.sameFiles(want) {
		return out
	}
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			// The end, or a torn last line.
			return out
		}
		var l cacheLine
		if json.Unmarshal(line, &l) == nil {
			out.take(l, head == want)
		}
	}
}

// take takes in one line. What another binary or policy judged is not trusted.
func (c *cached) take(l cacheLine, trusted bool) {
	switch {
	case !trusted && !l.Broken:
	case l.Record != nil:
		l.Record.at = l.At
		c.records[l.Record.ID] = *l.Record
	default:
		f := &file{at: l.At}
		for _, d := range l.Docs {
			if trusted {
				f.docs = append(f.docs, d.doc())
			} else {
				f.docs = append(f.docs, d.nameOnly())
			}
		}
		c.files[l.Path] = f
	}
}

// saveCache writes the cache; only the controller does. It is no loss if that fails.
func (s *Store) saveCache(log logr.Logger) {
	s.mu.RLock()
	revision := s.catalog.revision + s.index.changes()
	s.mu.RUnlock()
	if !s.locked.Load() || s.savedRevision.Swap(int64(revision)) == int64(revision) {
		return
	}
	if err := s.writeCache(); err != nil {
		log.V(1).Info("The cache of manifests was not saved", "error", err.Error())
	}
}

func (s *Store) writeCache() (err error) {
	head, err := s.cacheHead()
	if err != nil {
		return err
	}
	temp := s.layout.cacheFile() + tempSuffix
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the cache: %w", err)
	}
	err = s.encodeCache(f, head)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write the cache: %w", err)
	}
	crash.Here("cache staged")
	if err := os.Rename(temp, s.layout.cacheFile()); err != nil {
		return fmt.Errorf("write the cache: %w", err)
	}
	return nil
}

func (s *Store) encodeCache(w io.Writer, head cacheHead) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	if err := enc.Encode(head); err != nil {
		return err
	}
	for _, l := range s.cacheLines() {
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (s *Store) cacheLines() []cacheLine {
	var out []cacheLine
	for _, e := range s.index.entries() {
		if e.at != (stamp{}) {
			out = append(out, cacheLine{At: e.at, Record: &e})
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, rel := range slices.Sorted(maps.Keys(s.catalog.files)) {
		f := s.catalog.files[rel]
		l := cacheLine{Path: rel, At: f.at, Broken: len(f.problems) > 0}
		if l.Broken {
			l.At = stamp{}
		}
		for _, d := range f.docs {
			l.Docs = append(l.Docs, cachedOf(d))
		}
		out = append(out, l)
	}
	return out
}
