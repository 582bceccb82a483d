package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// sourceOptions are the flags that name manifests.
type sourceOptions struct {
	files     []string
	recursive bool
}

func (o *sourceOptions) addSourceFlags(flags *pflag.FlagSet, verb string) {
	flags.StringSliceVarP(&o.files, "filename", "f", nil, "File, directory or - for standard input that holds the orders to "+verb+"; repeatable")
	flags.BoolVarP(&o.recursive, "recursive", "R", false, "Process the directories used in -f recursively")
}

// source is one file of manifests.
type source struct {
	// label names it in messages: the path as given, or <stdin>.
	label string
	// base is the file name to keep; empty for standard input.
	base string
	data []byte
	docs []manifest.Document
	// rendered tells that nobody wrote these bytes, so that their lines mean nothing to anybody.
	rendered bool
}

// manifestExtensions are those of files that are read from a directory.
func manifestExtensions() []string { return []string{".json", ".yaml", ".yml"} }

// read reads all files that -f names, in the order given, directories by name. A file that cannot be read is in the
// error, and the others are read all the same.
func (o *sourceOptions) read(stdin io.Reader) ([]source, error) {
	var sources []source
	var unreadable []error
	for _, name := range o.files {
		if name == "-" {
			data, err := io.ReadAll(stdin)
			if err != nil {
				return nil, fmt.Errorf("read standard input: %w", err)
			}
			sources = append(sources, unwrap(source{label: "<stdin>", data: data})...)
			continue
		}
		paths, err := o.expand(name)
		unreadable = append(unreadable, err)
		for _, path := range paths {
			from, err := readSource(path, path != name)
			unreadable = append(unreadable, err)
			sources = append(sources, from...)
		}
	}
	return sources, errors.Join(unreadable...)
}

// readSource reads one file. One without any content that was only found in a directory is passed over, as by kubectl.
func readSource(path string, listed bool) ([]source, error) {
	data, err := readManifest(path, listed)
	if err != nil {
		return nil, fmt.Errorf("read a manifest: %w", err)
	}
	if listed && isBlank(data) {
		return nil, nil
	}
	return unwrap(source{label: path, base: filepath.Base(path), data: data}), nil
}

// maxSource bounds what is read of one file, in bytes: a list holds many manifests, and some devices have no end.
const maxSource = 256 << 20

// readManifest reads a file. What was named may be the pipe of another command; what is only found in a directory must be
// a file, or nobody might ever write to it.
func readManifest(path string, listed bool) (_ []byte, err error) {
	if info, err := os.Stat(path); err == nil && listed && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file: move it out of the directory, or name the files one by one", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, maxSource))
}

// isBlank tells that there is nothing but comments and separators in a file.
func isBlank(data []byte) bool {
	docs, problems := manifest.Parse(data)
	return len(docs) == 0 && len(problems) == 0
}

// expand returns the file itself, or the manifests of a directory.
func (o *sourceOptions) expand(name string) ([]string, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the path %q does not exist", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read a manifest: %w", err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	paths, err := o.walk(name)
	if err == nil && len(paths) == 0 {
		return nil, fmt.Errorf("error reading [%s]: recognized file extensions are %v", name, manifestExtensions())
	}
	return paths, err
}

// walk lists a directory; dot files are left out, as the controller leaves them out.
func (o *sourceOptions) walk(root string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		hidden := path != root && strings.HasPrefix(filepath.Base(path), ".")
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (hidden || !o.recursive):
			return filepath.SkipDir
		case !entry.IsDir() && !hidden && slices.Contains(manifestExtensions(), strings.ToLower(filepath.Ext(path))):
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", root, err)
	}
	return paths, nil
}

// checkSource decodes and validates a source and returns what is wrong, as FILE:LINE: FIELD: MESSAGE. named
// carries the names seen so far from one source to the next.
func checkSource(from *source, policy v1alpha1.Policy, named map[string]string) []string {
	docs, problems := manifest.Parse(from.data)
	from.docs = docs
	for _, doc := range docs {
		if doc.Object != nil {
			problems = append(problems, doc.Validate(policy)...)
			problems = append(problems, duplicate(from, doc, named)...)
		}
	}
	if len(docs) == 0 && len(problems) == 0 {
		problems = []manifest.Problem{{Line: 1, Message: "there is no WorkOrder in it"}}
	}
	slices.SortStableFunc(problems, func(a, b manifest.Problem) int { return a.Line - b.Line })
	wrong := make([]string, 0, len(problems))
	for _, problem := range problems {
		wrong = append(wrong, from.place(problem.Line)+": "+problemText(problem.Field, problem.Message))
	}
	return wrong
}

// place is where a problem is, as compilers write it.
func (s *source) place(line int) string {
	if s.rendered {
		return s.label
	}
	return fmt.Sprintf("%s:%d", s.label, line)
}

// duplicate reports a name that an earlier document has; named remembers where that is.
func duplicate(from *source, doc manifest.Document, named map[string]string) []manifest.Problem {
	first, taken := named[doc.Name]
	if !taken {
		named[doc.Name] = from.place(doc.NameLine())
		return nil
	}
	return []manifest.Problem{{
		Name: doc.Name, Line: doc.NameLine(), Field: "metadata.name",
		Message: fmt.Sprintf("duplicate name %q: %s has it, too", doc.Name, first),
	}}
}
