package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// writeView is what decides whether a status may go into a manifest.
type writeView struct {
	Mode StatusMode
	// Name is the order, Path its file.
	Name, Path string
	// Swapped: the file lies in a directory that is swapped as a whole.
	Swapped bool
	// ReadOnly: nothing can be written into its directory. Closed: directory or file has no write bit for anybody,
	// which stops root only if he heeds it.
	ReadOnly, Closed bool
	// Tracked: git tracks it. Untold says why git could not tell.
	Tracked bool
	Untold  error
}

// keptOut decides whether the status stays out of a manifest, with reason and message of the condition.
func keptOut(v writeView) (Projection, bool) {
	see := fmt.Sprintf("see it with `awo get %s`", v.Name)
	insist := see + ", or start the controller with --status=manifest"
	auto := v.Mode == StatusAuto
	switch {
	case v.Mode == StatusRecord:
		return kept(v1alpha1.ReasonConfigured, "the controller was started with --status=record, so the status is not in %s: %s", v.Path, see)
	case v.ReadOnly || (auto && v.Swapped):
		return kept(v1alpha1.ReasonReadOnly, "%s lies in a read-only directory, so the status is not in it: %s", v.Path, see)
	case auto && v.Closed:
		return kept(v1alpha1.ReasonNotWritable, "%s is write-protected, so the status is not in it: %s", v.Path, insist)
	case auto && v.Tracked:
		return kept(v1alpha1.ReasonTrackedByGit, "%s is tracked by git, where a status would make `git pull` refuse, so it is not in it: %s", v.Path, insist)
	case auto && v.Untold != nil:
		return kept(v1alpha1.ReasonTrackedByGit, "git cannot tell whether it tracks %s (%v), so the status is not in it: %s", v.Path, v.Untold, insist)
	}
	return Projection{}, false
}

func kept(reason, format string, args ...any) (Projection, bool) {
	return Projection{KeptOut: reason, Message: fmt.Sprintf(format, args...)}, true
}

// writeView looks at what matters for writing into a manifest.
func (s *Store) writeView(name, rel string) (writeView, error) {
	v := writeView{Mode: s.opts.StatusMode, Name: name, Path: rel}
	path, err := filepath.EvalSymlinks(filepath.Join(s.layout.WorkOrders(), rel))
	if err != nil {
		return v, err
	}
	s.mu.RLock()
	if f := s.catalog.files[rel]; f != nil {
		v.Swapped = f.sight.swapped
	}
	s.mu.RUnlock()
	v.ReadOnly, v.Closed = protection(path)
	if v.Mode != StatusAuto {
		return v, nil
	}
	v.Tracked, v.Untold = s.isTracked(rel)
	if errors.Is(v.Untold, ErrBusy) {
		return v, v.Untold
	}
	return v, nil
}

// protection tells whether a file's directory can be written to, and whether it or the file is closed to everybody.
func protection(path string) (readOnly, closed bool) {
	dir := filepath.Dir(path)
	readOnly = unix.Access(dir, unix.W_OK) != nil
	for _, p := range []string{dir, path} {
		info, err := os.Stat(p)
		closed = closed || (err == nil && info.Mode().Perm()&0o222 == 0)
	}
	return readOnly, closed
}

// checkWritable refuses a change that a person asks for where nothing can be written.
func (s *Store) checkWritable(rel string) error {
	path, err := filepath.EvalSymlinks(filepath.Join(s.layout.WorkOrders(), rel))
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("change %s: %w", rel, err)
	}
	s.mu.RLock()
	f := s.catalog.files[rel]
	s.mu.RUnlock()
	if readOnly, _ := protection(path); readOnly || (f != nil && f.sight.swapped) {
		return fmt.Errorf("%s lies in a read-only directory: change it where it comes from: %w", rel, fs.ErrPermission)
	}
	return nil
}
