package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// Projection is what came of writing a status into a manifest.
type Projection struct {
	// Written tells that the file was changed.
	Written bool
	// Skipped tells that there was no whole manifest to look at, so that nothing else is known. The order is reported as
	// changed when there is.
	Skipped bool
	// KeptOut is the reason for which the status stays out of the manifest, one of the reasons of the condition
	// StatusNotWritten; empty when it does not. Message says it to people.
	KeptOut, Message string
}

// Project writes the status of an order's current record into its manifest if that shows another one. A manifest that
// is absent or broken is left alone: changed is called once it is whole. ErrBusy: somebody is writing it just now, or has
// written what no look has taken yet; trying again later will do.
func (s *Store) Project(r *Record) (Projection, error) {
	name := r.Name
	p, d, ok := s.locate(name)
	if !ok || d.packed == nil {
		return Projection{Skipped: true}, nil
	}
	view, err := s.writeView(name, p.Path)
	if errors.Is(err, ErrBusy) {
		return Projection{}, err
	}
	if err != nil {
		// Gone or going; the loop that watches will tell.
		s.touched.file(p.Path)
		return Projection{Skipped: true}, nil
	}
	if out, kept := keptOut(view); kept {
		return out, nil
	}
	if !d.stale && d.status == statusSum(&r.Status) && s.isFresh(p.Path) {
		return Projection{}, nil
	}
	release, err := s.lockWriters()
	if err != nil {
		return Projection{}, err
	}
	defer release()
	written, err := s.rewrite(p.Path, func(c content) (edited, error) {
		if err := s.taken(p.Path, c); err != nil {
			return edited{}, err
		}
		return splice(c.data, name, p, &r.Status)
	})
	if _, now, ok := s.locate(name); errors.Is(err, errBroken) && ok && !now.stale {
		out, _ := kept(v1alpha1.ReasonNotWritable, "another document of %s is broken, so the status is not in it: correct that one, or see the status with `awo get %s`", p.Path, name)
		return out, nil
	}
	return projected(view, written, err)
}

// projected sorts out how writing ended.
func projected(v writeView, written bool, err error) (Projection, error) {
	var cannot *manifest.ErrCannotSplice
	see := fmt.Sprintf("see it with `awo get %s`", v.Name)
	switch {
	case errors.As(err, &cannot):
		out, _ := kept(v1alpha1.ReasonNotWritable, "the status is not in %s: %s; %s", v.Path, cannot.Reason, see)
		return out, nil
	case errors.Is(err, unix.EROFS):
		out, _ := kept(v1alpha1.ReasonReadOnly, "%s lies on a read-only file system, so the status is not in it: %s", v.Path, see)
		return out, nil
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		out, _ := kept(v1alpha1.ReasonNotWritable, "%s cannot be written (%s), so the status is not in it: %s", v.Path, cause(err), see)
		return out, nil
	case errors.Is(err, errBroken), errors.Is(err, ErrNotFound):
		return Projection{Skipped: true}, nil
	case err != nil:
		return Projection{}, fmt.Errorf("write the status of order %s: %w", v.Name, err)
	}
	return Projection{Written: written}, nil
}

// isFresh tells whether a file is as it is known.
func (s *Store) isFresh(rel string) bool {
	at, err := statStamp(filepath.Join(s.layout.WorkOrders(), rel))
	s.mu.RLock()
	defer s.mu.RUnlock()
	f := s.catalog.files[rel]
	return err == nil && f != nil && f.at == at
}

// taken returns nil for the content that a look has taken for whole. Other content may be half a save, into which a status
// must not be written: ErrBusy, until a look has judged it.
func (s *Store) taken(rel string, c content) error {
	s.mu.RLock()
	f := s.catalog.files[rel]
	s.mu.RUnlock()
	switch {
	case f == nil || !f.is(c):
		s.touched.file(rel)
		return ErrBusy
	case len(f.problems) > 0:
		return errBroken
	}
	return nil
}

// errBroken says that a file is not what a whole manifest looks like.
var errBroken = errors.New("the file is broken")

// splice returns the file with the status of an order in it, and nothing else changed. It looks at no other document:
// SpliceStatus has seen that their bytes are the same.
func splice(data []byte, name string, p place, status *v1alpha1.WorkOrderStatus) (edited, error) {
	d, problems := manifest.ParseAt(data, p.Document)
	switch {
	case len(problems) > 0:
		return edited{}, errBroken
	case d.Name != name:
		return edited{}, ErrNotFound
	case statusSum(d.Object.Status) == statusSum(status):
		return edited{data: data}, nil
	}
	if reflect.ValueOf(*status).IsZero() {
		status = nil
	}
	out, err := manifest.SpliceStatus(data, d.Index, status)
	if err != nil {
		return edited{}, err
	}
	after, err := sameOrder(d, out)
	return edited{data: out, status: true, doc: after}, err
}

// sameOrder decodes the result of an edit and sees that it has changed nothing but a status, however the editing went
// about it.
func sameOrder(before manifest.Document, data []byte) (manifest.Document, error) {
	after, problems := manifest.ParseAt(data, before.Index)
	if len(problems) > 0 {
		return after, &manifest.ErrCannotSplice{Reason: "with the status in it the file would not decode"}
	}
	a, b := *before.Object, *after.Object
	a.Status, b.Status = nil, nil
	if !reflect.DeepEqual(a, b) {
		return after, &manifest.ErrCannotSplice{Reason: "writing the status would change the order"}
	}
	return after, nil
}
