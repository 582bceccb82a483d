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
// again. It is no truth: a file whose state differs is read, and with another binary or policy all are.

// cacheHead is the first line of the cache. What is cached under another head is ignored.
type cacheHead struct {
	Format int    `json:"format"`
	Binary stamp  `json:"binary"`
	Root   string `json:"root"`
	Policy string `json:"policy"`
}

// cacheLine is any other line: a file of good manifests, or a record.
type cacheLine struct {
	Path   string      `json:"path,omitempty"`
	At     stamp       `json:"at"`
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
	if line, err := lines.ReadBytes('\n'); err != nil || json.Unmarshal(line, &head) != nil || head != want {
		return out
	}
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			// The end, or a torn last line.
			return out
		}
		out.take(line)
	}
}

func (c *cached) take(line []byte) {
	var l cacheLine
	if json.Unmarshal(line, &l) != nil {
		return
	}
	if l.Record != nil {
		l.Record.at = l.At
		c.records[l.Record.ID] = *l.Record
		return
	}
	f := &file{at: l.At}
	for _, d := range l.Docs {
		f.docs = append(f.docs, doc{
			index: d.Index, line: d.Line, name: d.Name, packed: d.Packed, status: d.Status, invalid: d.Invalid,
		})
	}
	c.files[l.Path] = f
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
		if len(f.problems) > 0 {
			continue
		}
		l := cacheLine{Path: rel, At: f.at}
		for _, d := range f.docs {
			l.Docs = append(l.Docs, cachedDoc{
				Index: d.index, Line: d.line, Name: d.name, Packed: d.packed, Status: d.status, Invalid: d.invalid,
			})
		}
		out = append(out, l)
	}
	return out
}
