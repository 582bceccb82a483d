package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// errFileChanges says that somebody else is at work on a file.
var errFileChanges = errors.New("the file changes while it is read: try again")

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
		return outcomeConfigured, p.replace(path)
	}
	if seen.Object != nil {
		return p.update(ctx, name, doc)
	}
	err := p.create(ctx, doc)
	if errors.Is(err, store.ErrExists) {
		// Somebody else has created it since it was looked for.
		return p.update(ctx, name, doc)
	}
	return outcomeCreated, err
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
// on all of its bytes; of any other file only the one document is replaced. The status of the file stays, and the whole
// file where the source asks for nothing else, however it is written: what is piped from get has lost its comments.
func (p *placer) merge(data []byte, at, doc int) ([]byte, error) {
	docs, _ := manifest.Parse(data)
	if at >= len(docs) {
		return nil, errFileChanges
	}
	whole := slices.Equal(documentNames(docs), documentNames(p.source.docs))
	switch {
	case whole && slices.EqualFunc(docs, p.source.docs, sameOrder), !whole && sameOrder(docs[at], p.source.docs[doc]):
		return data, nil
	case whole:
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

// sameOrder tells whether two documents ask for the same.
func sameOrder(a, b manifest.Document) bool {
	if a.Object == nil || b.Object == nil {
		return false
	}
	same := equality.Semantic.DeepEqual
	return a.Object.NamespaceOrDefault() == b.Object.NamespaceOrDefault() && same(a.Object.Labels, b.Object.Labels) &&
		same(a.Object.Annotations, b.Object.Annotations) && same(a.Object.Spec, b.Object.Spec)
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
func (p *placer) create(ctx context.Context, doc int) error {
	if p.allNew() {
		err := p.createAll(ctx, doc)
		if !errors.Is(err, store.ErrExists) {
			p.created = err == nil && !p.dryRun
			return err
		}
	}
	name := p.source.docs[doc].Name
	clean, err := cleanDocument(p.source.data, doc, nil)
	if err != nil {
		return err
	}
	text, err := manifest.DocumentText(clean, doc)
	if err != nil {
		return err
	}
	return p.createFile(ctx, store.NewManifest{Names: []string{name}, File: name + ".yaml", Data: text})
}

func (p *placer) allNew() bool {
	for _, doc := range p.source.docs {
		if p.store.Lookup(doc.Name).Object != nil {
			return false
		}
	}
	return true
}

// createAll writes the whole source under its own name if that is free, else under the name of the order.
func (p *placer) createAll(ctx context.Context, doc int) error {
	data, err := mergeAll(p.source.data, make([]manifest.Document, len(p.source.docs)))
	if err != nil {
		return err
	}
	name, base := p.source.docs[doc].Name, p.source.base
	if base == "" || strings.HasPrefix(base, ".") || !slices.Contains(manifestExtensions(), filepath.Ext(base)) {
		base = name + ".yaml"
	}
	names := append([]string{name}, documentNames(p.source.docs)...)
	return p.createFile(ctx, store.NewManifest{Names: names, File: base, Data: data})
}

func (p *placer) createFile(ctx context.Context, m store.NewManifest) error {
	if p.dryRun {
		return nil
	}
	_, err := p.store.CreateManifest(ctx, m)
	return err
}

// replace puts the source in the place of a broken file, unless somebody has written other orders into that meanwhile.
func (p *placer) replace(path string) error {
	data, err := mergeAll(p.source.data, make([]manifest.Document, len(p.source.docs)))
	if err != nil || p.dryRun {
		return err
	}
	return p.store.ReplaceManifest(path, func(now []byte) ([]byte, error) {
		if !p.covers(now) {
			return nil, errFileChanges
		}
		return data, nil
	})
}

// brokenPath returns the file that holds this order and cannot be read, if the source has all that is in it.
func (p *placer) brokenPath(name string) string {
	for _, problem := range p.store.Problems() {
		if problem.Name != name {
			continue
		}
		data, err := os.ReadFile(p.file(problem.Path))
		if err == nil && p.covers(data) {
			return problem.Path
		}
	}
	return ""
}

// covers tells whether the source has every order of a file.
func (p *placer) covers(data []byte) bool {
	docs, _ := manifest.Parse(data)
	return len(docs) > 0 && contains(documentNames(p.source.docs), documentNames(docs))
}

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(name string) bool { return !slices.Contains(all, name) })
}

// file is the absolute path of a file in workorders/.
func (p *placer) file(path string) string {
	return filepath.Join(p.store.Layout().WorkOrders(), filepath.FromSlash(path))
}
