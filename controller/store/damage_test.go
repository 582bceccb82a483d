package store_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/store"
)

// damages are what can become of a record's bytes, with what the message says of it.
var damages = map[string]struct {
	damage func(data []byte) []byte
	says   string
}{
	"empty":                 {func([]byte) []byte { return nil }, "torn"},
	"zeros, as after power": {func(d []byte) []byte { return make([]byte, len(d)) }, "torn"},
	"cut after a byte":      {func(d []byte) []byte { return d[:1] }, "torn"},
	"cut in the checksum":   {func(d []byte) []byte { return d[:40] }, "torn"},
	"cut in the name":       {func(d []byte) []byte { return d[:bytes.Index(d, []byte("bad"))+1] }, "torn"},
	"cut in the middle":     {func(d []byte) []byte { return d[:len(d)/2] }, "torn"},
	"cut before the last":   {func(d []byte) []byte { return d[:len(d)-2] }, "torn"},
	"written twice":         {func(d []byte) []byte { return append(bytes.Clone(d), d...) }, "torn"},
	"half of it twice":      {func(d []byte) []byte { return append(bytes.Clone(d), d[len(d)/2:]...) }, "torn"},
	"no JSON":               {func([]byte) []byte { return []byte("the dog ate it\n") }, "torn"},
	"a list":                {func(d []byte) []byte { return append(append([]byte("["), d...), ']') }, "torn"},
	"nothing in it":         {func([]byte) []byte { return []byte("{}\n") }, "checksum"},
	"null":                  {func([]byte) []byte { return []byte("null\n") }, "checksum"},
	"another checksum": {func(d []byte) []byte {
		return bytes.Replace(d, []byte(`"sha256:`), []byte(`"sha256:0`), 1)
	}, "checksum"},
	"a version before the first": {func(d []byte) []byte { return bytes.Replace(d, []byte(`"version":1`), []byte(`"version":0`), 1) }, "checksum"},
	"a changed word":             {func(d []byte) []byte { return bytes.Replace(d, []byte("recorded"), []byte("replaced"), 1) }, "checksum"},
	"a newer version": {func(d []byte) []byte { return bytes.Replace(d, []byte(`"version":1`), []byte(`"version":2`), 1) },
		"schema version 2 and this awo knows 1 at most: run the newer awo"},
}

// quarantined expects that an order rests and says why, that the others go on, and that no byte was touched.
func (w *world) quarantined(bad, good, says string, data []byte) {
	w.t.Helper()
	_, err := w.store.Current("bad")
	var q *store.QuarantineError
	w.Expect(errors.As(err, &q)).To(BeTrue(), "%v", err)
	w.Expect(q.Name).To(Equal("bad"))
	w.Expect(q.Error()).To(And(ContainSubstring(bad), ContainSubstring("order bad"), ContainSubstring(says), ContainSubstring("record.json")))
	w.Expect(w.problems()).To(ConsistOf(And(ContainSubstring(bad), ContainSubstring("order bad"), ContainSubstring(says))))
	_, err = w.store.Update(bad, func(*store.Record) error { return errors.New("changed") })
	w.Expect(errors.As(err, &q)).To(BeTrue(), "%v", err)
	w.Expect(w.store.Records()).To(ConsistOf(HaveField("ID", good)))
	w.update(good, func(r *store.Record) { r.Begun++ })
	w.Expect(os.ReadFile(w.store.Layout().RecordFile(bad))).To(Equal(data), "the record stays as it is")
}

func TestDamagedRecordRestsAndTheOthersGoOn(t *testing.T) {
	for name, c := range damages {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			bad, good := w.record("bad", "bad.yaml"), w.record("good", "good.yaml")
			file := w.store.Layout().RecordFile(bad.ID)
			whole, err := os.ReadFile(file)
			w.Expect(err).NotTo(HaveOccurred())
			before := files(w, filepath.Dir(file))
			data := c.damage(bytes.Clone(whole))
			w.Expect(os.WriteFile(file, data, 0o600)).To(Succeed())
			w.quarantined(bad.ID, good.ID, c.says, append([]byte{}, data...))
			w.open()
			w.quarantined(bad.ID, good.ID, c.says, append([]byte{}, data...))
			w.Expect(files(w, filepath.Dir(file))).To(Equal(before), "nothing of the run is deleted")
		})
	}
}

// Nobody writes to a pipe in place of a record, so nobody must wait for it.
func TestPipeInPlaceOfARecordHoldsNobodyUp(t *testing.T) {
	w := newWorld(t)
	bad, good := w.record("bad", "bad.yaml"), w.record("good", "good.yaml")
	file := w.store.Layout().RecordFile(bad.ID)
	w.Expect(os.Remove(file)).To(Succeed())
	w.Expect(unix.Mkfifo(file, 0o600)).To(Succeed())
	for range 2 {
		_, err := w.store.Current("bad")
		w.Expect(err).To(MatchError(ContainSubstring("not a regular file")))
		w.Expect(w.store.Current("good")).To(HaveField("ID", good.ID))
		w.open()
	}
}

// files lists what lies in a directory.
func files(w *world, dir string) []string {
	w.t.Helper()
	var names []string
	w.Expect(filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		names = append(names, path)
		return err
	})).To(Succeed())
	return names
}

// The record of another run, copied by hand, is not taken for the order's own.
func TestRecordOfAnotherRunRests(t *testing.T) {
	w := newWorld(t)
	bad, good := w.record("bad", "bad.yaml"), w.record("good", "good.yaml")
	data, err := os.ReadFile(w.store.Layout().RecordFile(good.ID))
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(os.WriteFile(w.store.Layout().RecordFile(bad.ID), data, 0o600)).To(Succeed())
	w.quarantined(bad.ID, good.ID, `that of run "`+good.ID+`"`, data)
	w.open()
	w.quarantined(bad.ID, good.ID, `that of run "`+good.ID+`"`, data)
}

// Whichever bit turns over, the record is found out, or says the same: a space may become another, and the name of a
// field of the envelope may be written in other letters.
func TestAnyFlippedBitIsFoundOut(t *testing.T) {
	w := newWorld(t)
	bad := w.record("bad", "bad.yaml")
	file := w.store.Layout().RecordFile(bad.ID)
	whole, err := os.ReadFile(file)
	w.Expect(err).NotTo(HaveOccurred())
	want, err := w.store.Record(bad.ID)
	w.Expect(err).NotTo(HaveOccurred())
	harmless := 0
	for i := range whole {
		for bit := range 8 {
			flipped := bytes.Clone(whole)
			flipped[i] ^= 1 << bit
			w.Expect(os.WriteFile(file, flipped, 0o600)).To(Succeed())
			got, err := w.store.Record(bad.ID)
			if err != nil {
				var q *store.QuarantineError
				w.Expect(errors.As(err, &q)).To(BeTrue(), "byte %d: %v", i, err)
				continue
			}
			harmless++
			w.Expect(got).To(Equal(want), "byte %d, %q for %q", i, flipped[i], whole[i])
			w.Expect(strings.EqualFold(string(flipped), string(whole))).To(BeTrue(), "byte %d, %q for %q", i, flipped[i], whole[i])
		}
	}
	w.Expect(harmless).To(BeNumerically("<", 25))
	w.Expect(os.WriteFile(file, whole, 0o600)).To(Succeed())
	w.Expect(w.store.Current("bad")).To(Equal(want))
}
