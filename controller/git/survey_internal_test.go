package git

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

// Files of the kernel say that they are empty: some have no end, and some wait for what never comes.
func TestGitFileThatIsALinkIntoTheKernelIsNotRead(t *testing.T) {
	for _, target := range []string{"/proc/self/status", "/proc/self/pagemap", "/proc/kmsg"} {
		g := NewWithT(t)
		link := filepath.Join(t.TempDir(), ".git")
		g.Expect(os.Symlink(target, link)).To(Succeed())
		_, found := leadsTo(link)
		g.Expect(found).To(BeFalse(), target)
	}
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), ".git")
	g.Expect(os.WriteFile(file, []byte("gitdir: /elsewhere\n"), 0o600)).To(Succeed())
	dir, found := leadsTo(file)
	g.Expect(found).To(BeTrue())
	g.Expect(dir).To(Equal("/elsewhere"))
}
