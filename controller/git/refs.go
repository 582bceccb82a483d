package git

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Refs of a mirror are read here without git: it has the files backend, is written by us alone, and a look at a ref is
// needed too often to start a process for it.

// readRef returns the object that a ref names, "" when there is no such ref.
func readRef(gitDir, ref string) (string, error) {
	text, err := readSmall(filepath.Join(gitDir, filepath.FromSlash(ref)))
	if err == nil {
		if value := strings.TrimSpace(text); isObjectName(value) {
			return value, nil
		}
		return "", nil
	}
	found := ""
	err = packedRefs(gitDir, func(value, name string) bool {
		if name == ref {
			found = value
		}
		return found == ""
	})
	return found, err
}

// writeRef sets a ref. The value must be an object that is there.
func writeRef(gitDir, ref, value string) error {
	file := filepath.Join(gitDir, filepath.FromSlash(ref))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return replaceFile(file, value+"\n")
}

// packedRefs goes through packed-refs until visit returns false.
func packedRefs(gitDir string, visit func(value, name string) bool) error {
	f, err := os.Open(filepath.Join(gitDir, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// Comments and the peeled values of tags hold no name.
		value, name, ok := strings.Cut(lines.Text(), " ")
		if ok && isObjectName(value) && !visit(value, name) {
			return nil
		}
	}
	return lines.Err()
}

// looseRefs goes through the refs below a prefix such as refs/tags that have a file of their own, until visit returns
// false. What holds no object name, or disappears meanwhile, is passed over.
func looseRefs(gitDir, prefix string, visit func(value, name string) bool) error {
	return filepath.WalkDir(filepath.Join(gitDir, filepath.FromSlash(prefix)), func(file string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		// Git's locks and our temporary files are no refs.
		if err != nil || !d.Type().IsRegular() || strings.HasSuffix(file, ".lock") || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		text, err := readSmall(file)
		value := strings.TrimSpace(text)
		if err != nil || !isObjectName(value) {
			return ignoreMissing(err)
		}
		name, err := filepath.Rel(gitDir, file)
		if err == nil && !visit(value, filepath.ToSlash(name)) {
			return fs.SkipAll
		}
		return err
	})
}

// hasRefAt tells whether a ref below one of the prefixes names the object.
func hasRefAt(gitDir, object string, prefixes ...string) (bool, error) {
	found := false
	for _, prefix := range prefixes {
		err := looseRefs(gitDir, prefix, func(value, _ string) bool {
			found = value == object
			return !found
		})
		if found || err != nil {
			return found, err
		}
	}
	err := packedRefs(gitDir, func(value, name string) bool {
		for _, prefix := range prefixes {
			found = found || (value == object && strings.HasPrefix(name, prefix+"/"))
		}
		return !found
	})
	return found, err
}
