package main

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

// tokensIn makes a folder of tokens.
func tokensIn(t *testing.T, files map[string]string) tokenDir {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		NewWithT(t).Expect(os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)).To(Succeed())
	}
	return tokenDir(dir)
}

func TestTokenDir(t *testing.T) {
	dir := tokensIn(t, map[string]string{"github.com": "one-token\n", "ghe.example.com": "two-token", "ghe.example.com:8443": "three-token", ".hidden": "x"})
	for host, want := range map[string]string{
		"github.com": "one-token", "GitHub.com": "one-token", "github.com:443": "one-token",
		"ghe.example.com": "two-token", "ghe.example.com:8443": "three-token", "ghe.example.com:1": "two-token",
		"example.com": "", "xgithub.com": "", "": "", ".hidden": "", "..": "", "../secret": "", "github.com/x": "",
	} {
		t.Run(host, func(t *testing.T) {
			g := NewWithT(t)
			token, found, err := dir.token(host)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(token).To(Equal(want))
			g.Expect(found).To(Equal(want != ""))
		})
	}
	g := NewWithT(t)
	g.Expect(dir.hosts()).To(Equal([]string{"ghe.example.com", "ghe.example.com:8443", "github.com"}))
	_, found, err := tokenDir("").token("github.com")
	g.Expect(found, err).To(BeFalse())

	// All that stands in the folder is known before anything of it is used, also what has come since the start.
	var learnt []string
	read := dir.learning(func(token string) { learnt = append(learnt, token) })
	g.Expect(os.WriteFile(filepath.Join(string(dir), "new.example.com"), []byte("new-token"), 0o600)).To(Succeed())
	token, found, err := read("new.example.com")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(BeTrue())
	g.Expect(token).To(Equal("new-token"))
	g.Expect(learnt).To(ConsistOf("one-token", "two-token", "three-token", "new-token"))
}

func TestTokenDirThatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		says  string
	}{
		"not a host":        {map[string]string{"my token": "x"}, "is not named like a host"},
		"capitals":          {map[string]string{"GitHub.com": "token"}, "in small letters"},
		"empty":             {map[string]string{"github.com": "\n"}, "github.com is empty"},
		"more than a token": {map[string]string{"github.com": "a\nb\n"}, "more than one line"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tokensIn(t, tt.files).all()
			NewWithT(t).Expect(err).To(MatchError(And(ContainSubstring(variableTokenDir), ContainSubstring(tt.says))))
		})
	}
	_, err := tokenDir(filepath.Join(t.TempDir(), "none")).all()
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("no such file or directory; name a folder")))
}

// doctor names hosts, never tokens.
func TestDoctorShowsHostsWithTokensOfTheirOwn(t *testing.T) {
	g := NewWithT(t)
	dir := tokensIn(t, map[string]string{"github.com": "one-token", "ghe.example.com": "two-token"})
	d := &doctor{globalOptions: &globalOptions{lookup: lookupIn(map[string]string{variableTokenDir: string(dir)})}}
	g.Expect(d.checkTokenDir()).To(Equal(finding{"git tokens", verdictOK, "ghe.example.com, github.com have one of their own, in " + string(dir), ""}))
	g.Expect(d.checkGitHubToken()).To(Equal(finding{"github token", verdictOK, "from AWO_GIT_TOKEN_DIR, the file github.com", ""}))
	g.Expect(d.secrets()).To(ConsistOf("one-token", "two-token"))
	g.Expect(d.differing(map[string]bool{"github": true})).To(BeEmpty())

	g.Expect(os.WriteFile(filepath.Join(string(dir), "github.com"), nil, 0o600)).To(Succeed())
	g.Expect(d.checkTokenDir().verdict).To(Equal(verdictFail))
	g.Expect(d.checkGitHubToken().verdict).To(Equal(verdictFail))
}
