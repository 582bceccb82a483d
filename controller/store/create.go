package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// ErrExists says that a manifest bears the name already.
var ErrExists = errors.New("there is a work order of this name")

// NewManifest is a file of orders that are not there yet.
type NewManifest struct {
	// Names are those of its orders. The first one names the file where File is taken.
	Names []string
	// File is the path that it gets if that is free, relative to workorders/.
	File string
	Data []byte
}

// CreateManifest makes a file for orders that have none and returns its path: the wished one, NAME.yaml, NAME-2.yaml and
// so on, the first that no file has. Both the names and the path are looked up while no other writer can take them,
// whatever was seen before, and nothing is ever replaced. ErrExists: one of the names is taken.
func (s *Store) CreateManifest(ctx context.Context, m NewManifest) (path string, err error) {
	if err := s.ensureListed(ctx); err != nil {
		return "", err
	}
	err = s.patiently(func() error {
		path, err = s.createManifest(ctx, m)
		return err
	})
	return path, err
}

func (s *Store) createManifest(ctx context.Context, m NewManifest) (string, error) {
	release, err := s.lockWriters()
	if err != nil {
		return "", err
	}
	defer release()
	if err := s.free(ctx, m.Names); err != nil {
		return "", err
	}
	path, err := s.createFree(m)
	if err != nil {
		return "", fmt.Errorf("create order %s: %w", m.Names[0], err)
	}
	s.touched.file(path)
	return path, nil
}

// free sees that no manifest bears any of the names. What is known of them may be out of date either way: what has come
// since is looked at, and everything before a name is called taken.
func (s *Store) free(ctx context.Context, names []string) error {
	if err := s.catchUp(); err != nil {
		return err
	}
	if !slices.ContainsFunc(names, s.borne) {
		return nil
	}
	if _, err := s.list(ctx, "", true, func(string) {}); err != nil {
		return fmt.Errorf("list the manifests in %s: %w", s.layout.WorkOrders(), err)
	}
	if i := slices.IndexFunc(names, s.borne); i >= 0 {
		return fmt.Errorf("create order %s: %w", names[i], ErrExists)
	}
	return nil
}

// createFree makes the file under the first path that is free.
func (s *Store) createFree(m NewManifest) (string, error) {
	file := m.File
	for i := 1; ; i++ {
		rel, err := s.relative(file)
		if err != nil {
			return "", err
		}
		if err := createUnlessThere(filepath.Join(s.layout.WorkOrders(), rel), m.Data); !errors.Is(err, fs.ErrExist) {
			return rel, err
		}
		file = nextFile(m.Names[0], i)
	}
}

// createUnlessThere is createWhole that writes nothing where the path is seen to be taken.
func createUnlessThere(path string, data []byte) error {
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	return createWhole(path, data)
}

// nextFile names a file after its order: NAME.yaml, NAME-2.yaml and so on.
func nextFile(name string, i int) string {
	if i == 1 {
		return name + ".yaml"
	}
	return name + "-" + strconv.Itoa(i) + ".yaml"
}

// borne tells whether a manifest bears the name, also one that is broken or was not taken in yet.
func (s *Store) borne(name string) bool {
	s.mu.RLock()
	known := len(s.catalog.names[name]) > 0
	s.mu.RUnlock()
	if known {
		return true
	}
	_, ok := s.untaken(name)
	return ok
}

// untaken finds an order in the files that are there and not taken in yet, as they may be half written. For whoever
// wants to write, what can be read of them counts.
func (s *Store) untaken(name string) (place, bool) {
	s.mu.RLock()
	waiting := slices.Sorted(maps.Keys(s.catalog.pending))
	s.mu.RUnlock()
	for _, rel := range waiting {
		// One that cannot be read bears no name that anybody could take from it.
		c, _ := readContent(filepath.Join(s.layout.WorkOrders(), rel))
		docs, _ := manifest.Parse(c.data)
		for _, d := range docs {
			if d.Name == name {
				return place{Path: rel, Document: d.Index}, true
			}
		}
	}
	return place{}, false
}
