package store

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

// TestFilesThatTakeTurnsMakeNoNewOnes also sees that nothing of a longer content is left.
func TestFilesThatTakeTurnsMakeNoNewOnes(t *testing.T) {
	g := NewWithT(t)
	path := filepath.Join(t.TempDir(), "record.json")
	g.Expect(os.WriteFile(path, []byte("first"), 0o600)).To(Succeed())
	inodes := map[uint64]bool{}
	for _, text := range []string{"a long content", "short", "longer again", "x"} {
		g.Expect(writeInTurn(path, []byte(text), 0o600)).To(Succeed())
		g.Expect(os.ReadFile(path)).To(BeEquivalentTo(text))
		at, err := statStamp(path)
		g.Expect(err).NotTo(HaveOccurred())
		inodes[at.Ino] = true
	}
	g.Expect(inodes).To(HaveLen(2))
	g.Expect(filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))).To(ConsistOf(spareOf(path)))
}

func TestWhatLiesInPlaceOfTheSecondFileIsNotWrittenTo(t *testing.T) {
	for name, plant := range map[string]func(other, spare string) error{
		"link":      os.Symlink,
		"hard link": os.Link,
		"pipe":      func(_, spare string) error { return unix.Mkfifo(spare, 0o600) },
		"directory": func(_, spare string) error { return os.Mkdir(spare, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			dir := t.TempDir()
			path, other := filepath.Join(dir, "record.json"), filepath.Join(dir, "other")
			g.Expect(os.WriteFile(path, []byte("first"), 0o600)).To(Succeed())
			g.Expect(os.WriteFile(other, []byte("another's"), 0o600)).To(Succeed())
			g.Expect(plant(other, spareOf(path))).To(Succeed())
			for _, text := range []string{"second", "third"} {
				g.Expect(writeInTurn(path, []byte(text), 0o600)).To(Succeed())
				g.Expect(os.ReadFile(path)).To(BeEquivalentTo(text))
				g.Expect(os.ReadFile(other)).To(BeEquivalentTo("another's"))
			}
		})
	}
}

// TestAReaderThatComesLateReadsAgain has half a record read, and the whole one be there by the next time.
func TestAReaderThatComesLateReadsAgain(t *testing.T) {
	g := NewWithT(t)
	s, err := Open(Options{DataDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.Create(&Record{ID: "wo-00000001", Name: "a", Run: 1})).To(Succeed())
	file := s.layout.RecordFile("wo-00000001")
	whole, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	half := whole[:len(whole)/2]
	g.Expect(os.WriteFile(file, half, 0o600)).To(Succeed())
	_, _, err = readSettled(s.layout, "wo-00000001", func(id string, data []byte) (*Record, error) {
		g.Expect(os.WriteFile(file, whole, 0o600)).To(Succeed())
		return decodeRecord(id, data)
	})
	g.Expect(err).NotTo(HaveOccurred())

	g.Expect(os.WriteFile(file, half, 0o600)).To(Succeed())
	_, data, err := readSettled(s.layout, "wo-00000001", decodeRecord)
	g.Expect(err).To(MatchError(ContainSubstring("torn")), "what stays as it is is damaged")
	g.Expect(data).To(Equal(half))
}

// TestReadersSeeWholeRecordsWhileTheyAreWritten is the same with real readers.
func TestReadersSeeWholeRecordsWhileTheyAreWritten(t *testing.T) {
	g := NewWithT(t)
	s, err := Open(Options{DataDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.Create(&Record{ID: "wo-00000001", Name: "a", Run: 1})).To(Succeed())
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				ended <- nil
				return
			default:
				if _, err := s.Record("wo-00000001"); err != nil {
					ended <- err
					return
				}
			}
		}
	}()
	for range 200 {
		_, err := s.Update("wo-00000001", func(r *Record) error { r.Summary += "more and more "; return nil })
		g.Expect(err).NotTo(HaveOccurred())
	}
	close(stop)
	g.Expect(<-ended).To(Succeed())
}
