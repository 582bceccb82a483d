package volume

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

func TestSizeOf(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	g.Expect(SizeOf(filepath.Join(dir, "absent"))).To(BeZero())
	g.Expect(os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755)).To(Succeed())
	for name, size := range map[string]int{"one": 1, "a/ten": 10, "a/b/hundred": 100} {
		g.Expect(os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600)).To(Succeed())
	}
	g.Expect(SizeOf(dir)).To(BeEquivalentTo(111))
	g.Expect(SizeOf(filepath.Join(dir, "one"))).To(BeEquivalentTo(1))
	_, err := SizeOf(filepath.Join(dir, "one", "two"))
	g.Expect(err).To(MatchError(HavePrefix("adding up " + dir)))
}

func TestBytes(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 20: "1.0 MiB", 5 << 30: "5.0 GiB", 1<<64 - 1: "16.0 EiB",
	} {
		NewWithT(t).Expect(Bytes(n)).To(Equal(want))
	}
}
