package controller

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

func TestForThisMachine(t *testing.T) {
	g := NewWithT(t)
	own, err := os.ReadFile(self)
	g.Expect(err).NotTo(HaveOccurred())
	foreign := append([]byte(nil), own[:64]...)
	foreign[18] ^= 0xff
	for name, tt := range map[string]struct {
		content []byte
		want    OmegaMatcher
	}{
		"this machine's": {own[:64], Succeed()},
		"another's":      {foreign, MatchError(unix.ENOEXEC)},
		"a script":       {[]byte("#!/bin/sh\necho a long enough script\n"), Succeed()},
		"an empty file":  {nil, Succeed()},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "program")
			g := NewWithT(t)
			g.Expect(os.WriteFile(file, tt.content, 0o755)).To(Succeed())
			g.Expect(forThisMachine(file)).To(tt.want)
		})
	}
}
