package store_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

func TestEditManifest(t *testing.T) {
	w := newWorld(t)
	w.write("sub/two.yaml", order("a", "one")+"---\n"+order("b", "two"))
	cancel := func(data []byte, doc int) ([]byte, error) {
		return manifest.SetField(data, doc, []string{"spec", "cancel"}, true)
	}
	w.Expect(w.store.EditManifest(t.Context(), "b", cancel)).To(Succeed())
	w.Expect(w.store.Lookup("b").Object.Spec.Cancel).To(BeTrue())
	w.Expect(w.store.Lookup("a").Object.Spec.Cancel).To(BeFalse())
	w.Expect(w.store.EditManifest(t.Context(), "c", cancel)).To(MatchError(store.ErrNotFound))

	w.Expect(os.Rename(w.path("sub/two.yaml"), w.path("moved.yaml"))).To(Succeed())
	w.Expect(w.store.EditManifest(t.Context(), "a", cancel)).To(Succeed(), "it is found where it is now")
	w.Expect(w.store.Lookup("a").Object.Spec.Cancel).To(BeTrue())
	w.write("moved.yaml", "kind: [")
	w.Expect(w.store.EditManifest(t.Context(), "a", cancel)).To(MatchError(ContainSubstring("broken")))
}

func TestEditsOfManyProcessesAllCount(t *testing.T) {
	w := newWorld(t).watching()
	w.write("a.yaml", order("a", "one"))
	w.becomes("a", store.Present)
	r := w.record("a", "a.yaml")
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			command, err := store.Open(options(w.dir))
			w.Check(err)
			w.Check(command.EditManifest(t.Context(), "a", func(data []byte, doc int) ([]byte, error) {
				return manifest.SetField(data, doc, []string{"metadata", "annotations", fmt.Sprintf("x/k%d", i)}, "v")
			}))
		})
	}
	for n := range 20 {
		w.update(r.ID, func(r *store.Record) { r.Status.Message = fmt.Sprint(n) })
		w.project("a")
	}
	group.Wait()
	w.project("a")
	w.Eventually(func() map[string]string { return w.store.Lookup("a").Object.Annotations }).Should(HaveLen(6))
	w.Expect(w.statusOf("a.yaml", "a").Message).To(Equal("19"))
}

func TestReplaceManifest(t *testing.T) {
	w := newWorld(t).watching()
	w.create("a.yaml", "a")
	w.becomes("a", store.Present)
	w.Expect(w.store.ReplaceManifest(w.path("a.yaml"), func(now []byte) ([]byte, error) {
		return bytes.ReplaceAll(now, []byte("work"), []byte("two")), nil
	})).To(Succeed())
	w.Eventually(w.request("a")).Should(Equal("two"))
	w.Expect(w.store.ReplaceManifest("missing.yaml", nil)).To(MatchError(store.ErrNotFound))
}

func TestReadOnlyDirectoryRefusesCommands(t *testing.T) {
	w := newWorld(t)
	w.write("..v1/a.yaml", order("a", "one"))
	w.Expect(os.Symlink("..v1/a.yaml", w.path("a.yaml"))).To(Succeed())
	w.Expect(w.store.EditManifest(t.Context(), "a", nil)).To(MatchError(fs.ErrPermission))
	w.Expect(w.store.Delete(t.Context(), "a")).To(MatchError(fs.ErrPermission))
	w.Expect(w.store.Lookup("a").Presence).To(Equal(store.Present), "a deletion that is refused leaves no tombstone")
}
