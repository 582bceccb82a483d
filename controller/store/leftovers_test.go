package store

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

func TestRecoverTemps(t *testing.T) {
	for name, c := range map[string]struct {
		temp, path, want string
	}{
		"before the exchange":             {"ours", "v1", "v1"},
		"after the exchange":              {"v1", "ours", "ours"},
		"after the exchange, torn":        {"", "v1", "v1"},
		"a displaced save":                {"v2", "ours", "v2"},
		"a displaced save, and a newer":   {"v2", "v3", "v3"},
		"a save displaced by its own put": {"ours", "v2", "v2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, c.path)
			store, err := Open(Options{DataDir: t.TempDir()})
			s.Expect(err).NotTo(HaveOccurred())
			temp := tempFor(s.path, []byte("v1"), []byte("ours"))
			s.Expect(os.WriteFile(temp, []byte(c.temp), 0o644)).To(Succeed())
			store.recoverTemps(t.Context(), []string{temp})
			s.Expect(temp).To(BeAnExistingFile(), "only the controller does so")
			release, err := store.Lock()
			s.Expect(err).NotTo(HaveOccurred())
			defer release()
			store.recoverTemps(t.Context(), []string{temp})
			s.Expect(temp).NotTo(BeAnExistingFile())
			s.Expect(os.ReadFile(s.path)).To(BeEquivalentTo(c.want))
		})
	}
}

func TestALeftoverThatIsNoFileHoldsNobodyUp(t *testing.T) {
	s := newScene(t, "v1")
	store, err := Open(Options{DataDir: t.TempDir()})
	s.Expect(err).NotTo(HaveOccurred())
	temp := tempFor(s.path, []byte("v1"), []byte("ours"))
	s.Expect(unix.Mkfifo(temp, 0o600)).To(Succeed())
	s.Expect(store.recoverTemp(temp)).To(MatchError(ContainSubstring("not a regular file")))
}

func TestLeftoverTempsAreDealtWithAtTheNextListing(t *testing.T) {
	g := NewWithT(t)
	store, err := Open(Options{DataDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	temp := tempFor(filepath.Join(store.layout.WorkOrders(), "a.yaml"), []byte("v1"), []byte("ours"))
	g.Expect(os.WriteFile(temp, []byte("ours"), 0o644)).To(Succeed())
	release, err := store.Lock()
	g.Expect(err).NotTo(HaveOccurred())
	defer release()
	g.Expect(store.Scan(t.Context())).To(Succeed())
	g.Expect(temp).NotTo(BeAnExistingFile())
}

func TestSweepRemovesLeftoversOfACrash(t *testing.T) {
	g := NewWithT(t)
	s, err := Open(Options{DataDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	r := &Record{ID: "wo-00000001", Name: "a", Run: 1}
	g.Expect(s.Create(r)).To(Succeed())
	left := []string{
		filepath.Join(s.layout.Output(r.ID), ".awo-0011.tmp"),
		filepath.Join(s.layout.Outputs(), ".awo-0022.tmp"),
	}
	g.Expect(os.WriteFile(left[0], nil, 0o600)).To(Succeed())
	g.Expect(os.MkdirAll(filepath.Join(left[1], "prompts"), 0o700)).To(Succeed())
	s, err = Open(Options{DataDir: s.layout.Root})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left[0]).To(BeAnExistingFile(), "a command leaves the files of the controller alone")
	release, err := s.Lock()
	g.Expect(err).NotTo(HaveOccurred())
	defer release()
	g.Expect(left[0]).NotTo(BeAnExistingFile())
	g.Expect(left[1]).NotTo(BeADirectory())
	g.Expect(s.Current("a")).To(HaveField("ID", r.ID))
}

func TestLockReadsWhatTheFormerControllerDidLast(t *testing.T) {
	g := NewWithT(t)
	former, err := Open(Options{DataDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	next, err := Open(Options{DataDir: former.layout.Root})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(former.Create(&Record{ID: "wo-00000001", Name: "a", Run: 1})).To(Succeed())
	release, err := next.Lock()
	g.Expect(err).NotTo(HaveOccurred())
	defer release()
	g.Expect(next.Current("a")).To(HaveField("ID", "wo-00000001"))
}
