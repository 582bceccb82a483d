package store_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/store"
)

func TestDeletedManifest(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(2)
	before := w.changes.of("order-00")
	began := time.Now()
	w.remove("order-00.yaml")
	w.becomes("order-00", store.Missing)
	w.becomes("order-00", store.Gone)
	w.Expect(time.Since(began)).To(BeNumerically(">=", 600*time.Millisecond))
	w.Eventually(func() int { return w.changes.of("order-00") }).Should(BeNumerically(">=", before+2), "missing, and gone without another event")
	w.Expect(w.store.Lookup("order-01").Presence).To(Equal(store.Present))
	w.Expect(w.store.Ready()).To(Succeed())
	w.Expect(w.store.Names()).To(ContainElement("order-00"), "until its deletion was acted on")

	r, err := w.store.Current("order-00")
	w.Expect(err).NotTo(HaveOccurred())
	w.update(r.ID, func(r *store.Record) { r.Deleted = true })
	w.Expect(w.store.Names()).To(ConsistOf("order-01"))
	w.Expect(w.store.Lookup("order-00").Presence).To(Equal(store.Gone))
	w.Expect(w.store.Current("order-00")).To(HaveField("ID", r.ID), "the record outlives the manifest")
}

func TestBackBeforeItIsGone(t *testing.T) {
	w := newWorld(t, func(o *store.Options) { o.GoneAfter = 2 * time.Second }).watching()
	w.orders(1)
	w.remove("order-00.yaml")
	w.becomes("order-00", store.Missing)
	w.write("order-00.yaml", order("order-00", "work"))
	w.becomes("order-00", store.Present)
	w.stays("order-00", store.Present, 2500*time.Millisecond)
}

// Dropping the same file again after its deletion finds the record of then.
func TestDroppingTheSameFileAgain(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(1)
	r, err := w.store.Current("order-00")
	w.Expect(err).NotTo(HaveOccurred())
	w.remove("order-00.yaml")
	w.becomes("order-00", store.Gone)
	w.update(r.ID, func(r *store.Record) { r.Deleted = true })
	w.write("order-00.yaml", order("order-00", "work"))
	w.becomes("order-00", store.Present)
	w.Expect(w.store.Current("order-00")).To(And(HaveField("ID", r.ID), HaveField("Deleted", true)))
	w.restart()
	w.becomes("order-00", store.Present)
	w.Expect(w.store.Current("order-00")).To(HaveField("ID", r.ID))
}

func TestMassDeletionIsHeld(t *testing.T) {
	w := newWorld(t).watching()
	names := w.orders(7)
	for _, name := range names {
		w.remove(name + ".yaml")
	}
	w.becomes(names[0], store.Held)
	w.stays(names[6], store.Held, 1500*time.Millisecond)
	w.Expect(w.store.Ready()).To(MatchError(And(
		ContainSubstring("7 of 7 work orders"), ContainSubstring("--accept-deletions"), ContainSubstring("workorders"))))

	t.Log("after a restart it is held as before")
	w.restart()
	w.stays(names[0], store.Held, time.Second)
	w.Expect(w.store.Ready()).NotTo(Succeed())

	t.Log("files that come back lift it, and the rest waits its time")
	for _, name := range names[:5] {
		w.write(name+".yaml", order(name, "work"))
	}
	w.becomes(names[6], store.Missing)
	w.Eventually(w.store.Ready).Should(Succeed())
	w.becomes(names[6], store.Gone)
	w.Expect(w.store.Lookup(names[0]).Presence).To(Equal(store.Present))
}

func TestMassDeletionConfirmed(t *testing.T) {
	w := newWorld(t).watching()
	names := w.orders(7)
	w.remove("")
	w.Expect(os.Mkdir(w.path(""), 0o755)).To(Succeed())
	w.becomes(names[0], store.Held)
	w.restart(func(o *store.Options) { o.AcceptDeletions = true })
	for _, name := range names {
		w.becomes(name, store.Gone)
	}
	w.Expect(w.store.Ready()).To(Succeed())
}

func TestEmptyingTheDirectoryOfFewOrdersDeletesThem(t *testing.T) {
	w := newWorld(t).watching()
	names := w.orders(5)
	for _, name := range names {
		w.remove(name + ".yaml")
	}
	for _, name := range names {
		w.becomes(name, store.Gone)
	}
}

func TestMissingRootDeletesNothing(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(2)
	w.Expect(os.Rename(w.path(""), filepath.Join(w.dir, "away"))).To(Succeed())
	w.Eventually(w.store.Ready).ShouldNot(Succeed())
	w.Eventually(w.presence("order-00")).ShouldNot(Equal(store.Missing))
	w.Consistently(w.presence("order-00"), time.Second).Should(BeElementOf(store.Present, store.Held))
	w.Expect(os.Rename(filepath.Join(w.dir, "away"), w.path(""))).To(Succeed())
	w.Eventually(w.store.Ready).Should(Succeed())
	w.becomes("order-00", store.Present)
	w.write("new.yaml", order("new", "after"))
	w.becomes("new", store.Present)
}

// A root that is missing at a start is made anew; that it is empty then deletes nothing.
func TestRootMissingAtTheStartDeletesNothing(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(2)
	w.restart() // a listing that misses nothing is remembered
	w.stop()
	w.Expect(os.Rename(w.path(""), filepath.Join(w.dir, "away"))).To(Succeed())
	w.open()
	w.watching()
	w.becomes("order-00", store.Held)
	w.stays("order-01", store.Held, time.Second)
	w.Expect(w.store.Ready()).To(MatchError(ContainSubstring("made anew")))
	w.restart()
	w.becomes("order-00", store.Held)

	w.write("order-00.yaml", order("order-00", "work"))
	w.becomes("order-00", store.Present)
	w.Expect(w.store.Lookup("order-01").Presence).To(Equal(store.Held))
	w.restart(func(o *store.Options) { o.AcceptDeletions = true })
	w.becomes("order-01", store.Gone)
	w.Expect(w.store.Ready()).To(Succeed())
}

func TestRenamedOrderLeavesItsFile(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(1)
	w.write("order-00.yaml", order("other", "work"))
	w.becomes("other", store.Present)
	w.becomes("order-00", store.Gone)
}

func TestDeleteByCommand(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(2)
	command, err := store.Open(options(w.dir))
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(command.Delete(t.Context(), "order-00")).To(Succeed())
	w.becomes("order-00", store.Tombstoned)
	w.Expect(w.path("order-00.yaml")).NotTo(BeAnExistingFile())
	w.Expect(command.Delete(t.Context(), "nothing")).To(MatchError(store.ErrNotFound))

	r, err := w.store.Current("order-00")
	w.Expect(err).NotTo(HaveOccurred())
	w.update(r.ID, func(r *store.Record) { r.Deleted = true })
	w.Expect(w.store.ClearTombstone("order-00")).To(Succeed())
	w.becomes("order-00", store.Gone)
	w.Expect(w.store.ClearTombstone("order-00")).To(Succeed(), "twice does no harm")
}

func TestDeleteIsReportedWithoutDelay(t *testing.T) {
	w := newWorld(t, func(o *store.Options) { o.GoneAfter = time.Hour }).watching()
	w.orders(1)
	before := w.changes.of("order-00")
	command, err := store.Open(options(w.dir))
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(command.Delete(t.Context(), "order-00")).To(Succeed())
	w.Eventually(func() int { return w.changes.of("order-00") }).Should(BeNumerically(">", before))
}

func TestDeleteOneOfTwoDocuments(t *testing.T) {
	w := newWorld(t)
	w.write("two.yaml", order("a", "one")+"---\n"+order("b", "two"))
	w.Expect(w.store.Delete(t.Context(), "a")).To(Succeed())
	w.Expect(w.read("two.yaml")).NotTo(ContainSubstring("name: a"))
	w.Expect(w.read("two.yaml")).To(ContainSubstring("name: b"))
	w.Expect(w.store.Delete(t.Context(), "b")).To(Succeed())
	w.Expect(w.path("two.yaml")).NotTo(BeAnExistingFile())
}

func TestDeleteWhatIsRecordedOnly(t *testing.T) {
	w := newWorld(t)
	w.record("a", "a.yaml")
	w.Expect(w.store.Scan(t.Context())).To(Succeed())
	w.Expect(w.store.Delete(t.Context(), "a")).To(Succeed())
	w.Expect(w.store.Lookup("a").Presence).To(Equal(store.Tombstoned))
}

// The command was killed between the tombstone and the removal: the controller ends what it began.
func TestDeletionThatWasInterrupted(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", order("a", "one"))
	w.Expect(w.store.Scan(t.Context())).To(Succeed())
	hash := w.store.Lookup("a").Object.Spec.SpecHash()
	tombstone := filepath.Join(w.dir, "outputs", ".tombstones", "a")
	w.Expect(os.WriteFile(tombstone, []byte(`{"name":"a","path":"a.yaml","specHash":"`+hash+`","removed":false}`), 0o600)).To(Succeed())
	w.Expect(w.store.Lookup("a").Presence).To(Equal(store.Tombstoned))
	w.Expect(w.store.ClearTombstone("a")).To(Succeed())
	w.Expect(w.path("a.yaml")).NotTo(BeAnExistingFile())
	w.Expect(tombstone).NotTo(BeAnExistingFile())
}

func TestDeletedAndAppliedAgainIsNotRemoved(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", order("a", "one"))
	w.Expect(w.store.Delete(t.Context(), "a")).To(Succeed())
	w.create("a.yaml", "a")
	w.Expect(w.store.ClearTombstone("a")).To(Succeed())
	w.Expect(w.path("a.yaml")).To(BeAnExistingFile())
}

func TestOneOrderOfManyIsDeletedWhileAnotherFileIsHalfWritten(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(3)
	w.write("order-01.yaml", "kind: [")
	w.remove("order-00.yaml")
	w.becomes("order-00", store.Gone)
	w.Expect(w.store.Lookup("order-01").Presence).To(Equal(store.Present))
}

// A volume that is mounted over the orders, or taken away from under them, hides them; as root this is done for real.
func TestAnotherDeviceDeletesNothing(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(2)
	w.restart()
	w.hideByMount()
	w.restart()
	w.becomes("order-00", store.Held)
	w.stays("order-01", store.Held, time.Second)
	w.Expect(w.store.Ready()).To(MatchError(ContainSubstring("--accept-deletions")))
}

// hideByMount puts an empty file system over workorders/. Who may not mount moves the directory away, which is held
// for another reason.
func (w *world) hideByMount() {
	w.t.Helper()
	if err := unix.Mount("tmpfs", w.path(""), "tmpfs", 0, "size=64k"); err != nil {
		w.t.Logf("no right to mount (%v): the directory is moved away", err)
		w.Expect(os.Rename(w.path(""), filepath.Join(w.dir, "away"))).To(Succeed())
		return
	}
	w.t.Cleanup(func() { w.Check(unix.Unmount(w.path(""), unix.MNT_DETACH)) })
}
