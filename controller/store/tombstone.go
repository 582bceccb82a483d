package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// tombstone is what `awo delete` leaves for the controller, as outputs/.tombstones/<name>. It is written before the
// manifest is touched, so that a deletion that was begun is ended.
type tombstone struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
	// Path and SpecHash tell the document that is to go, until Removed says that it is gone. What comes after
	// that under the same name is another order.
	Path     string `json:"path,omitempty"`
	SpecHash string `json:"specHash,omitempty"`
	Removed  bool   `json:"removed"`
}

func (s *Store) tombstoneFile(name string) string {
	return filepath.Join(s.layout.tombstones(), name)
}

// deletion tells how far the deletion of an order by command is that has not been acted on: Tombstoned, Leaving, or "". As
// long as the manifest is not removed the command may take it back, and it holds the writers' lock; if it is dead, the
// deletion is to be ended.
func (s *Store) deletion(name string) Presence {
	switch {
	case !validName(name) || !s.exists(s.tombstoneFile(name)):
		return ""
	case !s.readTombstone(name).pending() || !s.writersAtWork():
		return Tombstoned
	}
	return Leaving
}

// pending tells that the manifest is still to be removed.
func (t tombstone) pending() bool { return t.Path != "" && !t.Removed }

// readTombstone reads what a command left. One that cannot be read tells nothing about a manifest, and none is removed for
// it.
func (s *Store) readTombstone(name string) (t tombstone) {
	if data, err := os.ReadFile(s.tombstoneFile(name)); err == nil {
		_ = json.Unmarshal(data, &t)
	}
	return t
}

// validName keeps paths made from a name inside their directory.
func validName(name string) bool {
	return name != "" && !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, "/\x00")
}

// tombstones returns the names that have one.
func (s *Store) tombstones() map[string]bool {
	// A directory that cannot be read has no tombstones: then deletions wait for the listing.
	entries, _ := os.ReadDir(s.layout.tombstones())
	out := make(map[string]bool, len(entries))
	for _, e := range entries {
		if !isTemp(e.Name()) {
			out[e.Name()] = true
		}
	}
	return out
}

func (s *Store) writeTombstone(t tombstone) error {
	data, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("delete order %s: %w", t.Name, err)
	}
	if err := WriteFile(s.tombstoneFile(t.Name), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("delete order %s: %w", t.Name, err)
	}
	return nil
}

func (s *Store) removeTombstone(name string) error {
	err := os.Remove(s.tombstoneFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("clear the tombstone of order %s: %w", name, err)
	}
	crash.Here("tombstone removed")
	return syncDir(s.layout.tombstones())
}

// ClearTombstone ends a deletion by command once it was acted on. If the command died before it had removed the
// manifest, that is done first.
func (s *Store) ClearTombstone(name string) error {
	if !validName(name) {
		return nil
	}
	release, err := s.lockWriters()
	if err != nil {
		return err
	}
	defer release()
	t := s.readTombstone(name)
	if t.pending() {
		if err := s.removeManifest(t.Path, name, t.SpecHash); err != nil && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("end the deletion of order %s: %w", name, err)
		}
	}
	s.forgetDocument(t.Path, name)
	return s.removeTombstone(name)
}

// forgetDocument takes an order out of what is known of a file. The watch may not have seen yet that a command has
// removed it, and without its tombstone it would look like an order that was dropped again.
func (s *Store) forgetDocument(rel, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.catalog.files[rel]
	if f == nil {
		return
	}
	left := *f
	left.docs = slices.DeleteFunc(slices.Clone(f.docs), func(d doc) bool { return d.name == name })
	// The sum of no content: the next look takes the file as it is, with whoever was written into it since.
	left.unproven, left.sum = true, [sha256.Size]byte{}
	s.catalog.put(rel, &left)
	s.touched.file(rel)
}

// Delete deletes an order as `awo delete` does: a tombstone tells the controller at once, and the order's document
// goes, with its file if nothing else is in it. ErrNotFound: there is no such order.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := s.ensureListed(ctx); err != nil {
		return err
	}
	return s.patiently(func() error { return s.delete(name) })
}

func (s *Store) delete(name string) error {
	release, err := s.lockWriters()
	if err != nil {
		return err
	}
	defer release()
	p, d, ok := s.locate(name)
	if !ok {
		return s.deleteRecorded(name)
	}
	if err := s.checkWritable(p.Path); err != nil {
		return fmt.Errorf("delete order %s: %w", name, err)
	}
	t := tombstone{Name: name, At: s.clock.Now().UTC(), Path: p.Path}
	if d.packed != nil {
		if order, err := s.decoder.packer.unpack(d.packed); err == nil {
			t.SpecHash = order.Spec.SpecHash()
		}
	}
	// What cannot be removed is found out before anybody is told of a deletion.
	if err := s.tryRemoval(p.Path, name); err != nil {
		return fmt.Errorf("delete order %s: %w", name, err)
	}
	if err := s.writeTombstone(t); err != nil {
		return err
	}
	if err := s.removeManifest(p.Path, name, ""); err != nil {
		return errors.Join(fmt.Errorf("delete order %s: %w", name, err), s.removeTombstone(name))
	}
	t.Removed = true
	if err := s.writeTombstone(t); err != nil {
		return err
	}
	s.touched.name(name)
	return nil
}

// deleteRecorded deletes an order whose manifest is not there any more.
func (s *Store) deleteRecorded(name string) error {
	e, ok := s.index.current(name)
	if !ok || e.Deleted {
		return fmt.Errorf("delete order %s: %w", name, ErrNotFound)
	}
	s.mu.RLock()
	broken := s.catalog.shelters(e.Path)
	s.mu.RUnlock()
	if broken {
		return fmt.Errorf("delete order %s: its file %s is broken: correct it or remove it", name, e.Path)
	}
	defer s.touched.name(name)
	return s.writeTombstone(tombstone{Name: name, At: s.clock.Now().UTC(), Removed: true})
}

// removeManifest takes the document of an order out of its file, and the file away when nothing is left. With a spec
// hash only that very order is taken. ErrNotFound: it is not there. The caller holds the writers' lock.
func (s *Store) removeManifest(rel, name, specHash string) error {
	_, err := s.rewrite(rel, func(c content) (edited, error) { return withoutOrder(c.data, name, specHash) })
	return err
}

// tryRemoval does all of removeManifest but the removal itself.
func (s *Store) tryRemoval(rel, name string) error {
	_, err := s.rewrite(rel, func(c content) (edited, error) {
		_, err := withoutOrder(c.data, name, "")
		return edited{data: c.data}, err
	})
	return err
}

// withoutOrder is a file without the document of an order.
func withoutOrder(data []byte, name, specHash string) (edited, error) {
	docs, _ := manifest.Parse(data)
	for _, d := range docs {
		if d.Name != name || specHash != "" && (d.Object == nil || d.Object.Spec.SpecHash() != specHash) {
			continue
		}
		out, empty, err := manifest.RemoveDocument(data, d.Index)
		if empty {
			out = nil
		}
		return edited{data: out}, err
	}
	return edited{}, ErrNotFound
}
