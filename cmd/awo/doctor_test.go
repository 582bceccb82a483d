package main

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/store"
)

func TestCheckController(t *testing.T) {
	g := NewWithT(t)
	d := &doctor{globalOptions: &globalOptions{}}
	s, err := store.Open(store.Options{DataDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	root := s.Layout().Root
	g.Expect(d.checkController(s.Layout())).To(Equal(finding{"controller", verdictWarn, "not running", "start it with `awo controller`"}))

	release, err := s.Lock()
	g.Expect(err).NotTo(HaveOccurred())
	running := d.checkController(s.Layout())
	g.Expect(running.verdict).To(Equal(verdictOK))
	g.Expect(running.detail).To(MatchRegexp(`^running as pid %d on .* since 20`, os.Getpid()))
	signed, err := os.ReadFile(filepath.Join(root, ".controller.lock"))
	g.Expect(err).NotTo(HaveOccurred())

	release()
	g.Expect(d.checkController(s.Layout()).detail).To(Equal("not running"))

	// A controller that was killed leaves its signature behind, but not its lock.
	g.Expect(os.WriteFile(filepath.Join(root, ".controller.lock"), signed, 0o600)).To(Succeed())
	killed := d.checkController(s.Layout())
	g.Expect(killed.verdict).To(Equal(verdictWarn))
	g.Expect(killed.detail).To(HavePrefix("not running any more: it was pid "))

	// Of another host the kernel here knows nothing.
	elsewhere := []byte(`{"pid": 7, "host": "elsewhere.example", "since": "2026-01-02T03:04:05Z"}`)
	g.Expect(os.WriteFile(filepath.Join(root, ".controller.lock"), elsewhere, 0o600)).To(Succeed())
	g.Expect(d.checkController(s.Layout()).detail).To(Equal("running as pid 7 on elsewhere.example since 2026-01-02T03:04:05Z"))
}

func TestCheckDataDir(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	NewWithT(t).Expect(os.WriteFile(file, nil, 0o600)).To(Succeed())
	tests := map[string]struct {
		dataDir string
		want    verdict
		detail  string
	}{
		"missing":         {filepath.Join(dir, "a", "b"), verdictWarn, "does not exist"},
		"not a directory": {file, verdictFail, ": not a directory; "},
		"below a file":    {filepath.Join(file, "x"), verdictFail, ": not a directory; "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			d := &doctor{globalOptions: &globalOptions{dataDir: test.dataDir, lookup: lookupIn(nil)}}
			findings := d.checkDataDir(t.Context())
			g.Expect(findings).To(HaveLen(1))
			g.Expect(findings[0].verdict).To(Equal(test.want))
			g.Expect(findings[0].detail).To(ContainSubstring(test.detail))
		})
	}
}

func TestCheckAccessWarnsOfWhatOthersCanRead(t *testing.T) {
	g := NewWithT(t)
	s, err := store.Open(store.Options{DataDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(checkAccess(s.Layout())[0].verdict).To(Equal(verdictOK))
	g.Expect(os.Chmod(s.Layout().Outputs(), 0o755)).To(Succeed())
	found := checkAccess(s.Layout())
	g.Expect(found).To(HaveLen(1))
	g.Expect(found[0].verdict).To(Equal(verdictWarn))
	g.Expect(found[0].advice).To(Equal("chmod 700 " + s.Layout().Outputs()))
}
