package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

// scene is one file that is about to be changed.
type scene struct {
	*WithT
	path  string
	open  []*os.File
	calls int
}

func newScene(t *testing.T, text string) *scene {
	t.Helper()
	s := &scene{WithT: NewWithT(t), path: filepath.Join(t.TempDir(), "a.yaml")}
	s.Expect(os.WriteFile(s.path, []byte(text), 0o644)).To(Succeed())
	t.Cleanup(func() {
		for _, f := range s.open {
			s.Expect(f.Close()).To(Succeed())
		}
	})
	return s
}

// replace saves as an editor does that writes a new file.
func (s *scene) replace(text string) {
	temp := s.path + ".swp"
	s.Expect(os.WriteFile(temp, []byte(text), 0o644)).To(Succeed())
	s.Expect(os.Rename(temp, s.path)).To(Succeed())
}

// overwrite saves as an editor does that writes into the file.
func (s *scene) overwrite(text string) {
	s.Expect(os.WriteFile(s.path, []byte(text), 0o644)).To(Succeed())
}

// beginWriting opens the file for writing and does not close it.
func (s *scene) beginWriting() {
	f, err := os.OpenFile(s.path, os.O_WRONLY, 0)
	s.Expect(err).NotTo(HaveOccurred())
	s.open = append(s.open, f)
}

// endWriting writes through the handles that are open and closes them.
func (s *scene) endWriting(text string) {
	for _, f := range s.open {
		s.Expect(f.Truncate(0)).To(Succeed())
		_, err := f.WriteAt([]byte(text), 0)
		s.Expect(err).NotTo(HaveOccurred())
		s.Expect(f.Close()).To(Succeed())
	}
	s.open = nil
}

// tickOn makes what was saved last a second younger than all else.
func (s *scene) tickOn() {
	next := time.Now().Add(time.Second)
	s.Expect(os.Chtimes(s.path, next, next)).To(Succeed())
}

func (s *scene) left() []string {
	left, err := filepath.Glob(filepath.Join(filepath.Dir(s.path), ".*"))
	s.Expect(err).NotTo(HaveOccurred())
	return left
}

// Every row is a foreign save at one instant of an exchange. Whatever it is, the newest save is at the path in the
// end, and nothing else is left.
func TestSwapLosesNoSave(t *testing.T) {
	type moment struct {
		exchange int // the how manyth exchange
		after    bool
	}
	for name, c := range map[string]struct {
		saves map[moment]func(s *scene)
		want  string
	}{
		"nobody saves": {nil, "ours"},
		"a rename before the exchange": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.replace("v2") },
		}, "v2"},
		"written in place before the exchange": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.overwrite("v2") },
		}, "v2"},
		"a rename right after the exchange": {map[moment]func(*scene){
			{1, true}: func(s *scene) { s.replace("v2") },
		}, "v2"},
		"before, and a rename in the middle": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.replace("v2") },
			{1, true}:  func(s *scene) { s.replace("v3") },
		}, "v3"},
		"before, and written in place in the middle": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.replace("v2") },
			{1, true}:  func(s *scene) { s.overwrite("v3") },
		}, "v3"},
		"before, and before it is put back": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.replace("v2") },
			{2, false}: func(s *scene) { s.replace("v3") },
		}, "v3"},
		"before, in the middle, and at every later instant": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.replace("v2") },
			{2, false}: func(s *scene) { s.replace("v3") },
			{3, false}: func(s *scene) { s.overwrite("v4") },
			{4, false}: func(s *scene) { s.replace("v5") },
			{5, false}: func(s *scene) { s.overwrite("v6") },
		}, "v6"},
		"the same bytes saved again": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.replace("v1") },
		}, "ours"},
		"opened for writing before, written after": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.beginWriting() },
			{2, true}:  func(s *scene) { s.endWriting("v2") },
		}, "v2"},
		"opened in the middle after another save": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.replace("v2") },
			{1, true}:  func(s *scene) { s.beginWriting() },
			{3, true}:  func(s *scene) { s.endWriting("v3") },
		}, "v3"},
		"half of one before, the rest and another one before it is put back": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.beginWriting() },
			{2, false}: func(s *scene) {
				s.endWriting("v2")
				s.overwrite("v3")
			},
		}, "v3"},
		"half of one before, the rest after it is put back": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.beginWriting() },
			{1, true}:  func(s *scene) { s.overwrite("v2") },
			{2, true}: func(s *scene) {
				s.endWriting("v3")
				s.tickOn()
			},
		}, "v3"},
		"removed in the middle": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.replace("v2") },
			{1, true}:  func(s *scene) { s.Expect(os.Remove(s.path)).To(Succeed()) },
		}, ""},
		"removed before": {map[moment]func(*scene){
			{1, false}: func(s *scene) { s.Expect(os.Remove(s.path)).To(Succeed()) },
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, "v1")
			save := func(after bool) {
				if do := c.saves[moment{s.calls, after}]; do != nil {
					do(s)
				}
			}
			w := swapper{exchange: func(a, b string) error {
				s.calls++
				save(false)
				err := renameExchange(a, b)
				save(true)
				return err
			}}
			before, err := readContent(s.path)
			s.Expect(err).NotTo(HaveOccurred())
			_, err = w.swap(s.path, before, []byte("ours"))
			if c.want == "ours" || name == "a rename right after the exchange" {
				s.Expect(err).NotTo(HaveOccurred())
			} else {
				s.Expect(err).To(MatchError(errDisturbed))
			}
			s.endWriting("never")
			s.Expect(s.left()).To(BeEmpty())
			if c.want == "" {
				s.Expect(s.path).NotTo(BeAnExistingFile())
				return
			}
			s.Expect(os.ReadFile(s.path)).To(BeEquivalentTo(c.want))
		})
	}
}

func TestSwapWhereTheFileSystemKnowsNoExchange(t *testing.T) {
	for name, c := range map[string]struct {
		errno error
		save  func(s *scene)
		want  string
		err   error
	}{
		"no such flag":  {unix.EINVAL, func(*scene) {}, "ours", nil},
		"no such call":  {unix.ENOSYS, func(*scene) {}, "ours", nil},
		"saved":         {unix.EINVAL, func(s *scene) { s.replace("v2") }, "v2", errDisturbed},
		"being written": {unix.EINVAL, func(s *scene) { s.beginWriting() }, "v1", errDisturbed},
		"no space":      {unix.ENOSPC, func(*scene) {}, "v1", unix.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, "v1")
			w := swapper{exchange: func(string, string) error {
				c.save(s)
				return c.errno
			}}
			before, err := readContent(s.path)
			s.Expect(err).NotTo(HaveOccurred())
			_, err = w.swap(s.path, before, []byte("ours"))
			if c.err == nil {
				s.Expect(err).NotTo(HaveOccurred())
			} else {
				s.Expect(err).To(MatchError(c.err))
			}
			s.Expect(os.ReadFile(s.path)).To(BeEquivalentTo(c.want))
			s.Expect(s.left()).To(BeEmpty())
		})
	}
}

func TestTakeAwayRemovesOnlyWhatWasRead(t *testing.T) {
	for name, c := range map[string]struct {
		save func(s *scene)
		want string
	}{
		"nobody saves":  {func(*scene) {}, ""},
		"saved":         {func(s *scene) { s.replace("v2") }, "v2"},
		"being written": {func(s *scene) { s.beginWriting() }, "v1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, "v1")
			before, err := readContent(s.path)
			s.Expect(err).NotTo(HaveOccurred())
			c.save(s)
			err = takeAway(s.path, before)
			s.Expect(s.left()).To(BeEmpty())
			if c.want == "" {
				s.Expect(err).NotTo(HaveOccurred())
				s.Expect(s.path).NotTo(BeAnExistingFile())
				return
			}
			s.Expect(err).To(MatchError(errDisturbed))
			s.Expect(os.ReadFile(s.path)).To(BeEquivalentTo(c.want))
		})
	}
}

func TestOpenForWriting(t *testing.T) {
	s := newScene(t, "v1")
	read := func() bool {
		c, err := readContent(s.path)
		s.Expect(err).NotTo(HaveOccurred())
		return c.busy
	}
	s.Expect(read()).To(BeFalse())
	reader, err := os.Open(s.path)
	s.Expect(err).NotTo(HaveOccurred())
	s.open = append(s.open, reader)
	s.Expect(read()).To(BeFalse(), "a reader is no writer")
	s.beginWriting()
	s.Expect(read()).To(BeTrue())
}

func TestReadContentNeverWaits(t *testing.T) {
	g := NewWithT(t)
	pipe := filepath.Join(t.TempDir(), "pipe.yaml")
	g.Expect(unix.Mkfifo(pipe, 0o644)).To(Succeed())
	_, err := readContent(pipe)
	g.Expect(err).To(MatchError(ContainSubstring("not a regular file")))
	_, err = readContent(filepath.Join(filepath.Dir(pipe), "nothing"))
	g.Expect(errors.Is(err, os.ErrNotExist)).To(BeTrue())
}

// Where the kernel gives no watch, changes are found by rescans.

// Events that were lost, or a watch that fails, have everything listed.

// A controller that opened the directory before the former one ended knows what that one did last.
