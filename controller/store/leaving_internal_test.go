package store

import (
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

const leavingManifest = "apiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\nmetadata: {name: a}\n" +
	"spec: {repository: {url: https://github.com/a/b}, request: x}\n"

func leavingStore(t *testing.T) (*WithT, *Store, string) {
	t.Helper()
	g := NewWithT(t)
	s, err := Open(Options{DataDir: t.TempDir(), BadAfter: time.Millisecond, Debounce: time.Millisecond})
	g.Expect(err).NotTo(HaveOccurred())
	path := s.layout.WorkOrders() + "/a.yaml"
	g.Expect(os.WriteFile(path, []byte(leavingManifest), 0o600)).To(Succeed())
	g.Expect(s.Scan(t.Context())).To(Succeed())
	g.Expect(s.Lookup("a").Presence).To(Equal(Present))
	return g, s, path
}

// A deletion counts as soon as the command that began it has ended it, or has died over it.
func TestDeletionByALivingCommandIsWaitedFor(t *testing.T) {
	g, s, _ := leavingStore(t)
	release, err := s.lockWriters()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.writeTombstone(tombstone{Name: "a", Path: "a.yaml"})).To(Succeed())
	g.Expect(s.Lookup("a").Presence).To(Equal(Leaving))
	release()
	g.Expect(s.Lookup("a").Presence).To(Equal(Tombstoned), "nobody is there who could take it back")

	release, err = s.lockWriters()
	g.Expect(err).NotTo(HaveOccurred())
	defer release()
	g.Expect(s.writeTombstone(tombstone{Name: "a", Path: "a.yaml", Removed: true})).To(Succeed())
	g.Expect(s.Lookup("a").Presence).To(Equal(Tombstoned), "it is done")
}

// TestFailingDeletionIsToldToNobody has a program keep the manifest open for writing: each try would stop the agent.
func TestFailingDeletionIsToldToNobody(t *testing.T) {
	g, s, path := leavingStore(t)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = f.Close() }()
	// A tombstone could not even be written.
	g.Expect(os.Remove(s.layout.tombstones())).To(Succeed())
	g.Expect(os.WriteFile(s.layout.tombstones(), nil, 0o600)).To(Succeed())
	g.Expect(s.Delete(t.Context(), "a")).To(MatchError(ErrBusy))
}
