//go:build crashpoints

package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/store"
)

// operations are all that the writers of records and manifests ask of the disk.
var operations = []string{"create", "write", "chmod", "sync", "rename", "sync directory", "exchange"}

var errnos = []syscall.Errno{unix.ENOSPC, unix.EIO, unix.EROFS, unix.EACCES, unix.EMFILE}

// writer is one way in which the store writes.
type writer struct {
	// uses are the operations that it needs.
	uses string
	// told are the errors that are no failure: the status stays out of the manifest, and the projection says why.
	told []syscall.Errno
	// do writes; file is what is written, empty for a whole directory.
	do   func(w *world) error
	file func(w *world) string
}

// says tells whether a way of writing takes an error for an answer.
func (way writer) says(w *world, errno syscall.Errno) bool {
	if !slices.Contains(way.told, errno) {
		return false
	}
	crash.Inject(func(string, string) error { return errno })
	defer crash.Inject(nil)
	p, err := w.projectOnce("order-00")
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(p.KeptOut).NotTo(BeEmpty())
	return true
}

var writers = map[string]writer{
	"record": {uses: "create write chmod sync rename sync directory", do: func(w *world) error {
		_, err := w.store.Update(faultyID, func(r *store.Record) error { r.Summary += "more"; return nil })
		return err
	}, file: func(w *world) string { return w.store.Layout().RecordFile(faultyID) }},
	"first record": {uses: "create write chmod sync rename sync directory", do: func(w *world) error {
		return w.store.Create(&store.Record{ID: "wo-0000000f", Name: "next", Run: 1})
	}},
	"large file": {uses: "create chmod sync rename sync directory", do: func(w *world) error {
		return store.WriteLarge(w.store.Layout().Bundle(faultyID), 0o600, func(f *os.File) error {
			_, err := f.WriteString("commits")
			return err
		})
	}},
	"manifest": {uses: "create write sync exchange", told: []syscall.Errno{unix.EROFS, unix.EACCES}, do: func(w *world) error {
		_, err := w.projectOnce("order-00")
		return err
	}, file: func(w *world) string { return w.path("order-00.yaml") }},
	"manifest by a command": {uses: "create write sync exchange", do: func(w *world) error {
		return w.store.ReplaceManifest("order-00.yaml", func([]byte) ([]byte, error) {
			return []byte(order("order-00", "another request")), nil
		})
	}, file: func(w *world) string { return w.path("order-00.yaml") }},
	"new manifest": {uses: "create write sync sync directory", do: func(w *world) error {
		_, err := w.store.CreateManifest(w.t.Context(), store.NewManifest{Names: []string{"new"}, File: "new.yaml", Data: []byte(order("new", "x"))})
		return err
	}},
}

const faultyID = "wo-0000000a"

// TestNothingIsHalfWrittenWhenTheDiskFails fails each operation of each writer once, in every way: the caller learns of
// it, what was there is there whole, nothing is left lying about, and the next attempt goes through.
func TestNothingIsHalfWrittenWhenTheDiskFails(t *testing.T) {
	for name, way := range writers {
		for _, operation := range operations {
			for _, errno := range errnos {
				if !strings.Contains(" "+way.uses+" ", " "+operation+" ") {
					continue
				}
				t.Run(name+"/"+operation+"/"+unix.ErrnoName(errno), func(t *testing.T) { fail(t, way, operation, errno) })
			}
		}
	}
}

func fail(t *testing.T, way writer, operation string, errno syscall.Errno) {
	t.Helper()
	// Not in parallel with others: what is injected holds for the whole process.
	w := &world{WithT: NewWithT(t), t: t, dir: t.TempDir()}
	w.SetDefaultEventuallyTimeout(10 * time.Second)
	w.open()
	w.Expect(os.WriteFile(w.path("order-00.yaml"), []byte(order("order-00", "x")), 0o600)).To(Succeed())
	w.watching()
	w.Eventually(func() int { return w.changes.of("order-00") }).Should(BeNumerically(">", 0))
	w.Expect(w.store.Create(&store.Record{ID: faultyID, Name: "order-00", Run: 1, Path: "order-00.yaml"})).To(Succeed())
	_, err := w.store.Update(faultyID, func(r *store.Record) error { r.Status.Message = "hello"; return nil })
	w.Expect(err).NotTo(HaveOccurred())

	before := ""
	if way.file != nil {
		before = read(t, way.file(w))
	}
	failed := false
	crash.Inject(func(op, _ string) error {
		if op != operation || failed {
			return nil
		}
		failed = true
		return errno
	})
	err = way.do(w)
	crash.Inject(nil)
	w.Expect(failed).To(BeTrue(), "the writer came by here")
	if !way.says(w, errno) {
		w.Expect(err).To(MatchError(errno))
	}
	if way.file != nil && operation != "sync directory" {
		w.Expect(read(t, way.file(w))).To(Equal(before), "what was there")
	}
	w.Expect(leftBehind(w)).To(BeEmpty())
	err = way.do(w)
	if errors.Is(err, fs.ErrExist) {
		// It was there already, whole: only the word that it lasts was missing.
		err = nil
	}
	w.Expect(err).NotTo(HaveOccurred(), "the next attempt")
	_, err = w.store.Record(faultyID)
	w.Expect(err).NotTo(HaveOccurred())
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return string(data)
}

// leftBehind lists temporary files and directories.
func leftBehind(w *world) []string {
	var out []string
	_ = filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(d.Name(), ".tmp") {
			out = append(out, path)
		}
		return nil
	})
	return out
}
