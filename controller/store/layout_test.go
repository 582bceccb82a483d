package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/store"
)

func TestLayout(t *testing.T) {
	w := newWorld(t)
	l := w.store.Layout()
	for dir, mode := range map[string]fs.FileMode{
		l.WorkOrders(): 0o755, l.Repositories(): 0o755, l.Mirrors(): 0o755, l.Commands(): 0o755,
		l.Outputs(): 0o700, l.AgentHomes(): 0o700, l.Logs(): 0o700,
	} {
		info, err := os.Stat(dir)
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(info.Mode().Perm()).To(Equal(mode), dir)
	}
	w.Expect(os.Chmod(l.Outputs(), 0o777)).To(Succeed())
	w.open()
	info, err := os.Stat(l.Outputs())
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(info.Mode().Perm()).To(Equal(fs.FileMode(0o700)), "a wrong mode is set right")
}

func TestLayoutIsAbsoluteAndResolved(t *testing.T) {
	g := NewWithT(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.Mkdir(filepath.Join(dir, "real"), 0o755)).To(Succeed())
	g.Expect(os.Symlink("real", filepath.Join(dir, "link"))).To(Succeed())
	t.Chdir(dir)
	for in, want := range map[string]string{
		"real": "real", "link": "real", "link/new/er": "real/new/er", "./x/../real": "real",
	} {
		l, err := store.NewLayout(in)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(l.Root).To(Equal(filepath.Join(dir, want)), in)
	}
	_, err = store.NewLayout("")
	g.Expect(err).To(HaveOccurred())
}

func TestWriteFile(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	g.Expect(store.WriteFile(path, []byte("one"), 0o600)).To(Succeed())
	g.Expect(store.WriteFile(path, []byte("two"), 0o666)).To(Succeed())
	g.Expect(os.ReadFile(path)).To(Equal([]byte("two")))
	info, err := os.Stat(path)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Mode().Perm()).To(Equal(fs.FileMode(0o666)), "whatever the umask")
	g.Expect(store.WriteFile(filepath.Join(dir, "no", "x"), nil, 0o600)).To(MatchError(fs.ErrNotExist))
	g.Expect(os.Mkdir(filepath.Join(dir, "d"), 0o755)).To(Succeed())
	g.Expect(store.WriteFile(filepath.Join(dir, "d"), nil, 0o600)).NotTo(Succeed())
	g.Expect(filepath.Glob(filepath.Join(dir, ".*"))).To(BeEmpty())
}

func TestWriteLarge(t *testing.T) {
	g := NewWithT(t)
	path := filepath.Join(t.TempDir(), "x")
	says := func(text string, end error) func(*os.File) error {
		return func(f *os.File) error {
			_, err := f.WriteString(text)
			return errors.Join(err, end)
		}
	}
	g.Expect(store.WriteLarge(path, 0o600, says("one", nil))).To(Succeed())
	g.Expect(store.WriteLarge(path, 0o600, says("tw", errors.New("git died")))).To(MatchError(ContainSubstring("git died")))
	g.Expect(os.ReadFile(path)).To(BeEquivalentTo("one"))
	left := filepath.Join(filepath.Dir(path), ".awo-x.tmp")
	g.Expect(left).NotTo(BeAnExistingFile())
	g.Expect(os.WriteFile(left, []byte("of a dead controller"), 0o600)).To(Succeed())
	g.Expect(store.WriteLarge(path, 0o600, says("two", nil))).To(Succeed())
	g.Expect(os.ReadFile(path)).To(BeEquivalentTo("two"))
	g.Expect(left).NotTo(BeAnExistingFile())
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	r := w.record("a", "a.yaml")
	w.Expect(w.store.Events(r.ID)).To(BeEmpty())
	w.Expect(w.store.Event(r.ID, store.Event{Type: store.Normal, Reason: "Started", Message: "one\nline"})).To(Succeed())
	f, err := os.OpenFile(w.store.Layout().EventsFile(r.ID), os.O_APPEND|os.O_WRONLY, 0)
	w.Expect(err).NotTo(HaveOccurred())
	_, err = f.WriteString(`{"reason":"Torn`)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(f.Close()).To(Succeed())
	w.Expect(w.store.Event(r.ID, store.Event{Type: store.Warning, Reason: "Failed"})).To(Succeed())
	events, err := w.store.Events(r.ID)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(events).To(HaveExactElements(
		And(HaveField("Reason", "Started"), HaveField("Message", "one\nline"), HaveField("Time", BeTemporally("~", time.Now(), time.Minute))),
		And(HaveField("Reason", "Failed"), HaveField("Type", store.Warning)),
	))
}

func TestOneControllerPerDirectory(t *testing.T) {
	w := newWorld(t)
	release, err := w.store.Lock()
	w.Expect(err).NotTo(HaveOccurred())
	other, err := store.Open(options(w.dir))
	w.Expect(err).NotTo(HaveOccurred(), "a command opens the store of a running controller")
	_, err = other.Lock()
	var held *store.LockedError
	w.Expect(errors.As(err, &held)).To(BeTrue())
	host, err := os.Hostname()
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(held.PID).To(Equal(os.Getpid()))
	w.Expect(held.Host).To(Equal(host))
	w.Expect(held.Since).To(BeTemporally("~", time.Now(), time.Minute))
	w.Expect(held.Error()).To(And(ContainSubstring(fmt.Sprint(os.Getpid())), ContainSubstring(host), ContainSubstring(w.dir)))
	release()
	release, err = other.Lock()
	w.Expect(err).NotTo(HaveOccurred())
	release()
}

func TestHolder(t *testing.T) {
	w := newWorld(t)
	isHeld := func() bool { _, held := store.Holder(w.store.Layout()); return held }
	w.Expect(isHeld()).To(BeFalse())
	release, err := w.store.Lock()
	w.Expect(err).NotTo(HaveOccurred())
	lock, err := os.ReadFile(filepath.Join(w.dir, ".controller.lock"))
	w.Expect(err).NotTo(HaveOccurred())
	who, held := store.Holder(w.store.Layout())
	w.Expect(held).To(BeTrue())
	w.Expect(who.PID).To(Equal(os.Getpid()))
	release()
	w.Expect(isHeld()).To(BeFalse())
	w.Expect(os.WriteFile(filepath.Join(w.dir, ".controller.lock"), lock, 0o600)).To(Succeed())
	w.Expect(isHeld()).To(BeFalse(), "one that was killed holds nothing")
}

func TestLookOnlyMakesNothing(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", order("a", "one"))
	w.record("a", "a.yaml")
	for _, lost := range []string{"agent-home", "workorders", "outputs"} {
		w.Expect(os.RemoveAll(filepath.Join(w.dir, lost))).To(Succeed())
		s, err := store.Open(store.Options{DataDir: w.dir, LookOnly: true})
		w.Expect(err).NotTo(HaveOccurred(), lost)
		w.Expect(s.Scan(t.Context())).To(Succeed(), lost)
		w.Expect(filepath.Join(w.dir, lost)).NotTo(BeAnExistingFile())
		if lost == "workorders" {
			w.Expect(s.Names()).To(ConsistOf("a"), "the record is there")
			w.Expect(s.Ready()).NotTo(Succeed())
		}
	}
}
