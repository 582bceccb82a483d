package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

var (
	// ErrNotFound says that no manifest bears a name.
	ErrNotFound = errors.New("there is no such work order")
	// ErrBusy says that somebody else is writing a manifest; trying again later will do.
	ErrBusy = errors.New("somebody is writing the file just now: try again")
)

// locate finds the manifest of an order as it was last seen.
func (s *Store) locate(name string) (place, doc, bool) {
	e, _ := s.index.current(name)
	s.mu.RLock()
	p, d, ok := s.catalog.find(name, place{Path: e.Path, Document: e.Document})
	s.mu.RUnlock()
	if !ok {
		p, ok = s.untaken(name)
	}
	return p, d, ok
}

// ensureListed lists the manifests if nobody has.
func (s *Store) ensureListed(ctx context.Context) error {
	s.mu.RLock()
	listed := s.isSync
	s.mu.RUnlock()
	if listed {
		return nil
	}
	return s.Scan(ctx)
}

// EditManifest lets edit work on the file that holds an order, doc being the index of its document there. edit may be
// called more than once, when somebody else saves meanwhile. ErrNotFound: no manifest bears the name; ErrBusy: somebody
// keeps writing it.
func (s *Store) EditManifest(ctx context.Context, name string, edit func(data []byte, doc int) ([]byte, error)) error {
	return s.patiently(func() error {
		err := s.editManifest(ctx, name, edit)
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		// It may have come or moved since it was last looked.
		if err := s.Scan(ctx); err != nil {
			return err
		}
		return s.editManifest(ctx, name, edit)
	})
}

func (s *Store) editManifest(ctx context.Context, name string, edit func(data []byte, doc int) ([]byte, error)) error {
	if err := s.ensureListed(ctx); err != nil {
		return err
	}
	release, err := s.lockWriters()
	if err != nil {
		return err
	}
	defer release()
	p, _, ok := s.locate(name)
	if !ok {
		return fmt.Errorf("change order %s: %w", name, ErrNotFound)
	}
	if err := s.checkWritable(p.Path); err != nil {
		return err
	}
	_, err = s.rewrite(p.Path, func(c content) (edited, error) {
		docs, problems := manifest.Parse(c.data)
		d, err := documentOf(docs, problems, name, p)
		if err != nil {
			return edited{}, err
		}
		data, err := edit(c.data, d.Index)
		return edited{data: data}, err
	})
	if err != nil {
		return fmt.Errorf("change order %s: %w", name, err)
	}
	return nil
}

// patiently tries again while somebody else is writing, for as long as a broken file is given.
func (s *Store) patiently(do func() error) error {
	deadline := s.clock.Now().Add(s.opts.BadAfter)
	for {
		err := do()
		if !errors.Is(err, ErrBusy) || s.clock.Now().After(deadline) {
			return err
		}
		<-s.clock.After(s.opts.Debounce)
	}
}

// ReplaceManifest lets change make new bytes of a manifest file, whoever is named in it. The path is relative to
// workorders/ or absolute below it. ErrNotFound: there is no such file.
func (s *Store) ReplaceManifest(path string, change func(now []byte) ([]byte, error)) error {
	rel, err := s.relative(path)
	if err != nil {
		return err
	}
	return s.patiently(func() error { return s.replaceManifest(rel, change) })
}

func (s *Store) replaceManifest(rel string, change func(now []byte) ([]byte, error)) error {
	release, err := s.lockWriters()
	if err != nil {
		return err
	}
	defer release()
	_, err = s.rewrite(rel, func(c content) (edited, error) {
		data, err := change(c.data)
		return edited{data: data}, err
	})
	return err
}

// relative makes a path relative to workorders/ and sees that it would be read there.
func (s *Store) relative(path string) (string, error) {
	full := path
	if !filepath.IsAbs(path) {
		full = filepath.Join(s.layout.WorkOrders(), path)
	} else if dir, err := resolveExisting(filepath.Dir(path)); err == nil && !strings.HasPrefix(path, s.layout.WorkOrders()) {
		full = filepath.Join(dir, filepath.Base(path))
	}
	rel, err := filepath.Rel(s.layout.WorkOrders(), full)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", fmt.Errorf("write manifest %s: it must lie below %s", path, s.layout.WorkOrders())
	}
	for part := range strings.SplitSeq(rel, "/") {
		if strings.HasPrefix(part, ".") {
			return "", fmt.Errorf("write manifest %s: what begins with a dot is not read", rel)
		}
	}
	if !isManifest(rel) {
		return "", fmt.Errorf("write manifest %s: its name must end in .yaml, .yml or .json", rel)
	}
	return rel, nil
}

// createWhole makes a file that must not exist appear with all its content. Of a failed one nothing is left, so that trying
// again is not told that it is there.
func createWhole(path string, data []byte) error {
	temp := tempFor(path, nil, data)
	if err := writeTemp(temp, data, 0o644); err != nil {
		return err
	}
	crash.Here("new manifest staged")
	err := unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		err = errors.Join(os.Link(temp, path), os.Remove(temp))
	}
	if err != nil {
		return errors.Join(err, removeIfThere(temp))
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return errors.Join(err, removeIfThere(path))
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
