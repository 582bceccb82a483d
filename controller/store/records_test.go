package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

func TestRecordsOutliveTheProcess(t *testing.T) {
	w := newWorld(t)
	r := w.record("a", "a.yaml")
	w.update(r.ID, func(r *store.Record) { r.Summary = "done" })
	w.open()
	got, err := w.store.Current("a")
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(got.Summary).To(Equal("done"))
	info, err := os.Stat(w.store.Layout().RecordFile(r.ID))
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(info.Mode().Perm()).To(Equal(fs.FileMode(0o600)))
	none, err := w.store.Current("b")
	w.Expect(none, err).To(BeNil())
}

func TestHighestRunIsTheCurrentOne(t *testing.T) {
	w := newWorld(t)
	for _, run := range []int64{2, 10, 1} {
		id, err := w.store.NewID()
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(w.store.Create(&store.Record{ID: id, Name: "a", Run: run})).To(Succeed())
	}
	for range 2 {
		w.Expect(w.store.Current("a")).To(HaveField("Run", int64(10)))
		runs, err := w.store.Runs("a")
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(runs).To(HaveExactElements(HaveField("Run", int64(1)), HaveField("Run", int64(2)), HaveField("Run", int64(10))))
		w.Expect(w.store.Records()).To(ConsistOf(HaveField("Run", int64(10))))
		w.open()
	}
}

func TestRunsAreThoseThatAreThere(t *testing.T) {
	w := newWorld(t)
	r := w.record("a", "a.yaml")
	next := *r
	next.ID, next.Run = "wo-00000002", 2
	w.Expect(w.store.Create(&next)).To(Succeed())
	layout := w.store.Layout()
	w.Expect(os.Rename(layout.Output(r.ID), layout.Output(r.ID)+".moved")).To(Succeed())
	for range 2 {
		w.Expect(w.store.Runs("a")).To(ConsistOf(HaveField("ID", next.ID)))
	}
	w.Expect(os.Rename(layout.Outputs(), layout.Outputs()+".unmounted")).To(Succeed())
	_, err := w.store.Runs("a")
	w.Expect(err).To(MatchError(fs.ErrNotExist), "a volume that is not there has moved nothing")
	w.Expect(os.Rename(layout.Outputs()+".unmounted", layout.Outputs())).To(Succeed())
	w.Expect(w.store.Current("a")).To(HaveField("ID", next.ID))
}

func TestIDsAreThoseOfUnfinishedRuns(t *testing.T) {
	w := newWorld(t)
	running, ended, over := w.record("a", ""), w.record("b", ""), w.record("c", "")
	w.update(ended.ID, func(r *store.Record) { r.End = &store.End{Phase: v1alpha1.PhaseFailed} })
	w.update(over.ID, func(r *store.Record) { r.End, r.CleanedUp = &store.End{Phase: v1alpha1.PhaseFailed}, true })
	for range 2 {
		w.Expect(w.store.IDs()).To(ConsistOf(running.ID, ended.ID))
		w.open()
	}
}

func TestUpdateWritesOnlyWhatChanged(t *testing.T) {
	w := newWorld(t)
	r := w.record("a", "a.yaml")
	file := w.store.Layout().RecordFile(r.ID)
	before, err := os.Stat(file)
	w.Expect(err).NotTo(HaveOccurred())
	w.update(r.ID, func(*store.Record) {})
	_, err = w.store.Update(r.ID, func(r *store.Record) error {
		r.Summary = "never"
		return errors.New("no")
	})
	w.Expect(err).To(MatchError("no"))
	_, err = w.store.Update(r.ID, func(r *store.Record) error {
		r.Name = "other"
		return nil
	})
	w.Expect(err).To(HaveOccurred())
	after, err := os.Stat(file)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(os.SameFile(before, after)).To(BeTrue())
	w.Expect(w.store.Record(r.ID)).To(HaveField("Summary", ""))
}

func TestUpdatesOfOneRunComeOneAfterTheOther(t *testing.T) {
	w := newWorld(t)
	r := w.record("a", "a.yaml")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 10 {
				_, err := w.store.Update(r.ID, func(r *store.Record) error {
					r.Begun++
					return nil
				})
				w.Check(err)
			}
		})
	}
	group.Wait()
	w.Expect(w.store.Record(r.ID)).To(HaveField("Begun", int64(80)))
}

// Check is Expect for other goroutines.

func (w *world) Check(err error) {
	if err != nil {
		w.t.Error(err)
	}
}

func TestCreateNeverTakesAnIDTwice(t *testing.T) {
	w := newWorld(t)
	r := w.record("a", "a.yaml")
	w.Expect(w.store.Create(&store.Record{ID: r.ID, Name: "b", Run: 1})).NotTo(Succeed())
	w.Expect(w.store.Current("a")).To(HaveField("ID", r.ID))
	w.Expect(filepath.Glob(filepath.Join(w.dir, "outputs", ".awo-*"))).To(BeEmpty())
	for _, id := range []string{"", "wo-1", "../../etc", "wo-0000000g"} {
		w.Expect(w.store.Create(&store.Record{ID: id, Name: "b"})).NotTo(Succeed(), id)
		_, err := w.store.Record(id)
		w.Expect(err).To(HaveOccurred(), id)
	}
}

func TestDamagedRecordIsQuarantined(t *testing.T) {
	for name, damage := range map[string]func(file string) error{
		"torn":       func(file string) error { return os.Truncate(file, 100) },
		"emptied":    func(file string) error { return os.Truncate(file, 0) },
		"removed":    os.Remove,
		"newer":      func(file string) error { return os.WriteFile(file, []byte(`{"version":99,"record":{}}`), 0o600) },
		"bit rot":    rot,
		"unreadable": func(file string) error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o700)) },
	} {
		for _, running := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, noticed while running: %v", name, running), func(t *testing.T) {
				w := newWorld(t)
				bad, good := w.record("bad", "bad.yaml"), w.record("good", "good.yaml")
				file := w.store.Layout().RecordFile(bad.ID)
				w.Expect(os.Rename(file, file+".saved")).To(Succeed())
				data, err := os.ReadFile(file + ".saved")
				w.Expect(err).NotTo(HaveOccurred())
				w.Expect(os.WriteFile(file, data, 0o600)).To(Succeed())
				w.Expect(damage(file)).To(Succeed())
				if !running {
					w.open()
				}
				_, err = w.store.Current("bad")
				w.Expect(err).To(HaveOccurred(), "an order without a trusted record is never run again")
				var q *store.QuarantineError
				w.Expect(errors.As(err, &q)).To(BeTrue(), "%v", err)
				w.Expect(q.Name).To(Equal("bad"))
				w.Expect(w.problems()).To(ContainElement(And(ContainSubstring(bad.ID), ContainSubstring("order bad"))))
				w.Expect(w.store.Current("good")).To(HaveField("ID", good.ID), "others go on")
				w.Expect(w.store.Records()).To(ConsistOf(HaveField("ID", good.ID)))

				w.Expect(os.RemoveAll(file)).To(Succeed())
				w.Expect(os.Rename(file+".saved", file)).To(Succeed())
				w.Expect(w.store.Current("bad")).To(HaveField("ID", bad.ID), "a restored record ends the quarantine")
				w.Expect(w.problems()).To(BeEmpty())
			})
		}
	}
}

// rot changes one digit of a record.

func rot(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(file, data, 0o600)
}

func TestQuarantineEndsWhenTheRunIsMovedAway(t *testing.T) {
	w := newWorld(t)
	r := w.record("a", "a.yaml")
	w.Expect(os.Truncate(w.store.Layout().RecordFile(r.ID), 10)).To(Succeed())
	w.open()
	_, err := w.store.Current("a")
	w.Expect(err).To(HaveOccurred())
	w.Expect(os.Rename(w.store.Layout().Output(r.ID), filepath.Join(t.TempDir(), "away"))).To(Succeed())
	none, err := w.store.Current("a")
	w.Expect(none, err).To(BeNil())
}

func TestQuarantinedOrderIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	r := w.record("a", "a.yaml")
	w.Expect(os.Truncate(w.store.Layout().RecordFile(r.ID), 10)).To(Succeed())
	w.open()
	w.watching()
	w.stays("a", store.Held, 900*time.Millisecond)
}

// Whatever keeps a record from being written, the old one stays.

func TestFailedWriteKeepsTheOldRecord(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("an ordinary user: a directory without write permission takes the place of a full file system")
	}
	w := newWorld(t)
	r := w.record("a", "a.yaml")
	dir := w.store.Layout().Output(r.ID)
	fill(w, dir, r)
	_, err := w.store.Update(r.ID, func(r *store.Record) error {
		r.Summary = strings.Repeat("much more than there is room for. ", 1<<16)
		return nil
	})
	w.Expect(err).To(HaveOccurred())
	w.Expect(w.store.Record(r.ID)).To(HaveField("Summary", ""))
	w.Expect(filepath.Glob(filepath.Join(dir, ".awo-*"))).To(BeEmpty(), "nothing is left of the attempt")
	w.open()
	w.Expect(w.store.Current("a")).To(HaveField("ID", r.ID))
}

// fill makes writing into a directory impossible: for root a tmpfs that is too small, else by its mode.

func fill(w *world, dir string, r *store.Record) {
	w.t.Helper()
	if os.Getuid() != 0 {
		w.Expect(os.Chmod(dir, 0o500)).To(Succeed())
		w.t.Cleanup(func() { w.Check(os.Chmod(dir, 0o700)) })
		return
	}
	data, err := os.ReadFile(w.store.Layout().RecordFile(r.ID))
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k")).To(Succeed())
	w.t.Cleanup(func() { w.Check(unix.Unmount(dir, unix.MNT_DETACH)) })
	w.Expect(os.WriteFile(filepath.Join(dir, "record.json"), data, 0o600)).To(Succeed())
}
