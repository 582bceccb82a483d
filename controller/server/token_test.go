package server_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/server"
)

func TestEnsureToken(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), server.TokenFileName)
	writes := 0
	write := func(path string, data []byte, mode fs.FileMode) error {
		writes++
		return os.WriteFile(path, data, mode)
	}
	_, err := server.ReadToken(file)
	g.Expect(err).To(MatchError(fs.ErrNotExist))

	first, err := server.EnsureToken(file, write)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(first).To(MatchRegexp("^[0-9a-f]{64}$"))
	info, err := os.Stat(file)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Mode().Perm()).To(Equal(fs.FileMode(0o600)))

	g.Expect(os.Chmod(file, 0o644)).To(Succeed())
	again, err := server.EnsureToken(file, write)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again).To(Equal(first))
	g.Expect(writes).To(Equal(1))
	info, err = os.Stat(file)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Mode().Perm()).To(Equal(fs.FileMode(0o600)))

	g.Expect(os.WriteFile(file, []byte("\n"), 0o600)).To(Succeed())
	fresh, err := server.EnsureToken(file, write)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(fresh).NotTo(Equal(first))
	read, err := server.ReadToken(file)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(read).To(Equal(fresh))

	for _, content := range []string{"short", "two words of more than sixteen characters"} {
		g.Expect(os.WriteFile(file, []byte(content), 0o600)).To(Succeed())
		_, err = server.EnsureToken(file, write)
		g.Expect(err).To(MatchError(ContainSubstring(file)))
		g.Expect(err.Error()).NotTo(ContainSubstring(content))
	}
	full := errors.New("no space left on device")
	_, err = server.EnsureToken(file+"2", func(string, []byte, fs.FileMode) error { return full })
	g.Expect(err).To(MatchError(full))
	_, err = server.EnsureToken(t.TempDir(), write)
	g.Expect(err).To(HaveOccurred())
}
