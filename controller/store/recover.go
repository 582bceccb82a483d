package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-logr/logr"
)

// recoverTemps deals with temporary files that a crash has left between manifests. What we wrote and what we had
// read goes; a save of somebody else that an exchange has displaced is put back. Only the controller does so.
func (s *Store) recoverTemps(ctx context.Context, temps []string) {
	if len(temps) == 0 || !s.locked.Load() {
		return
	}
	log := logr.FromContextOrDiscard(ctx)
	// Whoever has a temporary file holds this lock, so that any that is there now is a leftover.
	release, err := s.lockWriters()
	if err != nil {
		log.Info("Leftover temporary files are not dealt with", "error", err.Error())
		return
	}
	defer release()
	for _, temp := range temps {
		if err := s.recoverTemp(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Info("A leftover temporary file is not dealt with", "path", temp, "error", err.Error())
		}
	}
}

func (s *Store) recoverTemp(temp string) error {
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(temp), tempPrefix), tempSuffix), "-")
	if len(parts) != 4 {
		return os.Remove(temp)
	}
	left, err := readContent(temp)
	if err != nil {
		return err
	}
	ours, read := parts[0], parts[1]
	if sum := shortSum(left.data); sum == ours || sum == read || len(left.data) == 0 {
		return os.Remove(temp)
	}
	path, ok := siblingBySum(filepath.Dir(temp), parts[2])
	if !ok {
		return errors.New("it holds a save that was displaced while its file was removed; move it back or remove it")
	}
	now, err := readContent(path)
	if err != nil {
		return err
	}
	if shortSum(now.data) == ours {
		if err := s.swapper.exchange(temp, path); err != nil {
			return err
		}
	}
	return os.Remove(temp)
}

// siblingBySum finds the file of a directory whose name has a sum.
func siblingBySum(dir, sum string) (string, bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", false
	}
	for _, e := range entries {
		if shortSum([]byte(e.Name())) == sum {
			return filepath.Join(dir, e.Name()), true
		}
	}
	return "", false
}
