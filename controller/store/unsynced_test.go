//go:build crashpoints

package store_test

import (
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/store"
)

// syncFails makes a data directory and has the syncing of one directory in it fail until the test lets it pass. It is not
// for tests that run beside others: what is injected holds for the whole process.
func syncFails(t *testing.T, dir func(store.Layout) string) (w *world, pass func()) {
	t.Helper()
	w = &world{WithT: NewWithT(t), t: t, dir: t.TempDir()}
	w.open()
	fails := dir(w.store.Layout())
	crash.Inject(func(op, at string) error {
		if op == "sync directory" && at == fails {
			return unix.EIO
		}
		return nil
	})
	t.Cleanup(func() { crash.Inject(nil) })
	return w, func() { crash.Inject(nil) }
}

// A run that is there, if perhaps not for long, is not begun once more under another id.
func TestRunThatCouldNotBeSyncedIsNotForgotten(t *testing.T) {
	w, pass := syncFails(t, store.Layout.Outputs)
	const id = "wo-00000001"
	w.Expect(w.store.Create(&store.Record{ID: id, Name: "a", Run: 1})).To(MatchError(unix.EIO))
	w.Expect(w.store.Current("a")).To(HaveField("ID", id))
	begin := func() error {
		_, err := w.store.Update(id, func(r *store.Record) error { r.Begun = 1; return nil })
		return err
	}
	w.Expect(begin()).To(MatchError(unix.EIO), "nothing is built on what may be gone tomorrow")
	pass()
	w.Expect(begin()).To(Succeed())
	w.Expect(w.store.Runs("a")).To(HaveLen(1))
}

func TestChangeThatCouldNotBeSyncedIsKnownAndSyncedLater(t *testing.T) {
	const id = "wo-00000001"
	w, pass := syncFails(t, func(l store.Layout) string { return l.Output(id) })
	w.Expect(w.store.Create(&store.Record{ID: id, Name: "a", Run: 1})).To(Succeed())
	remove := func() error {
		_, err := w.store.Update(id, func(r *store.Record) error { r.End, r.CleanedUp, r.Deleted = &store.End{}, true, true; return nil })
		return err
	}
	w.Expect(remove()).To(MatchError(unix.EIO))
	w.Expect(w.store.IDs()).To(BeEmpty(), "known as it is on disk")
	w.Expect(remove()).To(MatchError(unix.EIO), "the same change again is not done as long as it may not last")
	pass()
	w.Expect(remove()).To(Succeed())
}
