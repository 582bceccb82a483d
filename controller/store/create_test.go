package store_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/store"
)

// create makes the manifest of one order by command.
func (w *world) create(rel, name string) {
	w.t.Helper()
	path, err := w.store.CreateManifest(w.t.Context(), newManifest(rel, name, "work"))
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(path).To(Equal(rel))
}

func newManifest(rel, name, request string) store.NewManifest {
	return store.NewManifest{Names: []string{name}, File: rel, Data: []byte(order(name, request))}
}

// stores opens the data directory as so many commands do, which all look at it before any of them writes.
func (w *world) stores(n int) (out []*store.Store) {
	w.t.Helper()
	for range n {
		s, err := store.Open(options(w.dir))
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(s.Scan(w.t.Context())).To(Succeed())
		out = append(out, s)
	}
	return out
}

func TestOneOfManyCreatesAName(t *testing.T) {
	w := newWorld(t)
	var group sync.WaitGroup
	var created atomic.Int32
	for i, s := range w.stores(8) {
		group.Go(func() {
			_, err := s.CreateManifest(w.t.Context(), newManifest(fmt.Sprintf("a%d.yaml", i), "a", fmt.Sprint(i)))
			if errors.Is(err, store.ErrExists) {
				return
			}
			w.Check(err)
			created.Add(1)
		})
	}
	group.Wait()
	w.Expect(created.Load()).To(BeEquivalentTo(1))
	w.Expect(os.ReadDir(w.path(""))).To(HaveLen(1), "the others leave nothing")
}

func TestCreatesNeverTakeAFileFromEachOther(t *testing.T) {
	w := newWorld(t)
	var group sync.WaitGroup
	stores := w.stores(8)
	for i, s := range stores {
		group.Go(func() {
			_, err := s.CreateManifest(w.t.Context(), newManifest("order.yaml", fmt.Sprintf("o%d", i), "work"))
			w.Check(err)
		})
	}
	group.Wait()
	w.Expect(w.store.Scan(t.Context())).To(Succeed())
	w.Expect(w.store.Names()).To(HaveLen(len(stores)))
}

func TestCreateManifestFindsAFreeFile(t *testing.T) {
	w := newWorld(t)
	w.write("wished.yaml", order("other", "x"))
	w.write("a.yaml", order("third", "x"))
	path, err := w.store.CreateManifest(w.t.Context(), newManifest("wished.yaml", "a", "one"))
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(path).To(Equal("a-2.yaml"))
	for _, bad := range []string{"../outside.yaml", "/tmp/x.yaml", "a.txt", ".hidden.yaml", ".git/a.yaml"} {
		_, err := w.store.CreateManifest(w.t.Context(), newManifest(bad, "b", "x"))
		w.Expect(err).To(HaveOccurred(), bad)
	}
}

// TestCreateManifestLooksAgain has the manifests change in every way after they were listed.
func TestCreateManifestLooksAgain(t *testing.T) {
	w := newWorld(t, func(o *store.Options) { o.BadAfter = time.Nanosecond })
	w.write("broken.yaml", order("a", "one")+"---\nkind: [\n")
	w.write("gone.yaml", order("gone", "one"))
	w.Expect(w.store.Scan(t.Context())).To(Succeed())
	other := w.stores(1)[0]
	w.Expect(other.ReplaceManifest("broken.yaml", func([]byte) ([]byte, error) {
		return []byte(order("a", "one") + "---\n" + order("b", "one")), nil
	})).To(Succeed())
	w.write("deep/down/c.yaml", order("c", "one"))
	w.write("..v1/d.yaml", order("d", "one"))
	for _, taken := range []string{"b", "c", "a"} {
		_, err := w.store.CreateManifest(w.t.Context(), newManifest(taken+".yaml", taken, "two"))
		w.Expect(err).To(MatchError(store.ErrExists), taken)
	}
	w.Expect(os.Symlink("..v1/d.yaml", w.path("link.yaml"))).To(Succeed())
	_, err := w.store.CreateManifest(w.t.Context(), newManifest("d.yaml", "d", "two"))
	w.Expect(err).To(MatchError(store.ErrExists), "a link shows it")
	w.remove("gone.yaml")
	w.create("gone.yaml", "gone")
}

// TestCreateManifestKnowsWhatIsNotTakenIn meets a file that may be half written.
func TestCreateManifestKnowsWhatIsNotTakenIn(t *testing.T) {
	w := newWorld(t)
	w.write("half.yaml", strings.TrimSpace(order("a", "one")))
	_, err := w.store.CreateManifest(w.t.Context(), newManifest("a.yaml", "a", "two"))
	w.Expect(err).To(MatchError(store.ErrExists))
}
