package main

import (
	"net"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

func TestPathList(t *testing.T) {
	for text, want := range map[string][]string{
		"/a:/b/../c:": {"/a", "/c"}, "": nil, "::": nil, "/with space": {"/with space"},
	} {
		g := NewWithT(t)
		var got []string
		g.Expect(pathList{&got}.Set(text)).To(Succeed(), text)
		g.Expect(got).To(Equal(want), text)
	}
	var got []string
	g := NewWithT(t)
	g.Expect(pathList{&got}.Set("/a:b")).To(MatchError(`"b" is not an absolute path; begin it with a slash`))
	g.Expect(pathList{&[]string{"/a", "/b"}}.String()).To(Equal("/a:/b"))
}

func TestSecretFiles(t *testing.T) {
	g := NewWithT(t)
	here, err := filepath.Abs("key")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(secretFiles(lookupIn(map[string]string{
		"GITHUB_TOKEN_FILE": "/run/secrets/token", "GH_TOKEN": "x", "ANTHROPIC_API_KEY_FILE": "key", "OTHER_FILE": "/other",
	}))).To(Equal([]string{"/run/secrets/token", here}))
}

func TestCheckSandbox(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.sock")
	listener, err := net.Listen("unix", path) //nolint:noctx // it is closed below
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	defer func() { _ = listener.Close() }()
	t.Setenv("SSH_AUTH_SOCK", path)
	check := func(mode string) finding {
		d := &doctor{globalOptions: &globalOptions{lookup: lookupIn(map[string]string{"AWO_AGENT_SANDBOX": mode})}}
		return d.checkSandbox()
	}
	g := NewWithT(t)
	g.Expect(check("off").verdict).To(Equal(verdictWarn))
	g.Expect(check("off").detail).To(ContainSubstring("not confined"))
	g.Expect(check("perhaps").verdict).To(Equal(verdictFail))
	if abi := sandbox.LandlockABI(); abi == 0 || abi >= 9 {
		t.Skip("the kernel offers no Landlock, or one that closes sockets, so nothing is left to tell")
	}
	for mode, want := range map[string]verdict{"": verdictWarn, "auto": verdictWarn, "Require": verdictFail} {
		found := check(mode)
		g.Expect(found.verdict).To(Equal(want), mode)
		g.Expect(found.detail).To(ContainSubstring(path), mode)
	}
}
