package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// placer puts the documents of one source where they belong.
type placer struct {
	store  *store.Store // nil for a dry run without a data directory
	source *source
	dryRun bool
	// created says that the source was written as a new file, whole.
	created bool
}

// place creates or changes one order and says which.
func (p *placer) place(ctx context.Context, doc int) (string, error) {
	if p.created {
		return outcomeCreated, nil
	}
	name := p.source.docs[doc].Name
	if p.store == nil {
		return outcomeCreated, nil
	}
	seen := p.store.Lookup(name)
	if path := p.brokenPath(name); path != "" && (seen.Object == nil || seen.Stale) {
		return outcomeConfigured, p.write(path, p.source.data)
	}
	if seen.Object != nil {
		return p.update(ctx, name, doc)
	}
	return outcomeCreated, p.create(doc)
}

// update replaces the order where it stands.
func (p *placer) update(ctx context.Context, name string, doc int) (string, error) {
	if p.dryRun {
		return p.compare(name, doc)
	}
	outcome := outcomeUnchanged
	err := p.store.EditManifest(ctx, name, func(data []byte, at int) ([]byte, error) {
		changed, err := p.merge(data, at, doc)
		outcome = outcomeUnchanged
		if !bytes.Equal(changed, data) {
			outcome = outcomeConfigured
		}
		return changed, err
	})
	return outcome, err
}

// compare says what update would do.
func (p *placer) compare(name string, doc int) (string, error) {
	seen := p.store.Lookup(name)
	data, err := os.ReadFile(p.file(seen.Path))
	if err != nil {
		return "", fmt.Errorf("read the manifest: %w", err)
	}
	changed, err := p.merge(data, seen.Document, doc)
	if err == nil && bytes.Equal(changed, data) {
		return outcomeUnchanged, nil
	}
	return outcomeConfigured, err
}

// merge returns the file with the order as the source has it. A file with the very orders of the source takes
// on all of its bytes; of any other file only the one document is replaced. The status of the file stays.
func (p *placer) merge(data []byte, at, doc int) ([]byte, error) {
	docs, _ := manifest.Parse(data)
	if at >= len(docs) {
		return nil, errors.New("the file changes while it is read: try again")
	}
	if slices.Equal(documentNames(docs), documentNames(p.source.docs)) {
		return mergeAll(p.source.data, docs)
	}
	clean, err := cleanDocument(p.source.data, doc, statusOf(docs[at]))
	if err != nil {
		return nil, err
	}
	text, err := manifest.DocumentText(clean, doc)
	if err != nil {
		return nil, err
	}
	return manifest.ReplaceDocument(data, at, text)
}

// mergeAll gives every document of the source the status that it has in the file.
func mergeAll(data []byte, docs []manifest.Document) (out []byte, err error) {
	out = data
	for i := range docs {
		if out, err = cleanDocument(out, i, statusOf(docs[i])); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// create writes a new file: the whole source when all of its orders are new, else the one document.
func (p *placer) create(doc int) error {
	name := p.source.docs[doc].Name
	if !p.allNew() {
		text, err := manifest.DocumentText(p.source.data, doc)
		if err != nil {
			return err
		}
		return p.write(p.freePath(name, name+".yaml"), text)
	}
	base := p.source.base
	if base == "" || strings.HasPrefix(base, ".") || !slices.Contains(manifestExtensions(), filepath.Ext(base)) {
		base = name + ".yaml"
	}
	if err := p.write(p.freePath(name, base), p.source.data); err != nil {
		return err
	}
	p.created = !p.dryRun
	return nil
}

func (p *placer) allNew() bool {
	for _, doc := range p.source.docs {
		if p.store.Lookup(doc.Name).Object != nil {
			return false
		}
	}
	return true
}

// write puts a new file, or one in the place of a broken one, into workorders/.
func (p *placer) write(path string, data []byte) error {
	docs, _ := manifest.Parse(data)
	for i := range docs {
		var err error
		if data, err = cleanDocument(data, i, nil); err != nil {
			return err
		}
	}
	if p.dryRun {
		return nil
	}
	return p.store.WriteManifest(path, data)
}

// freePath returns the first path that no file has: the wished one, NAME.yaml, NAME-2.yaml and so on.
func (p *placer) freePath(name, wished string) string {
	path := wished
	for i := 1; p.taken(path); i++ {
		path = name + ".yaml"
		if i > 1 {
			path = name + "-" + strconv.Itoa(i) + ".yaml"
		}
	}
	return path
}

func (p *placer) taken(path string) bool {
	_, err := os.Lstat(p.file(path))
	return !errors.Is(err, fs.ErrNotExist)
}

// brokenPath returns the file that holds this order and cannot be read, if the source has all that is in it.
func (p *placer) brokenPath(name string) string {
	for _, problem := range p.store.Problems() {
		if problem.Name != name {
			continue
		}
		data, err := os.ReadFile(p.file(problem.Path))
		docs, _ := manifest.Parse(data)
		if err == nil && len(docs) > 0 && contains(documentNames(p.source.docs), documentNames(docs)) {
			return problem.Path
		}
	}
	return ""
}

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(name string) bool { return !slices.Contains(all, name) })
}

// file is the absolute path of a file in workorders/.
func (p *placer) file(path string) string {
	return filepath.Join(p.store.Layout().WorkOrders(), filepath.FromSlash(path))
}
