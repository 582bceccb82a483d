package git

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestProtected(t *testing.T) {
	g := NewWithT(t)
	protected := []string{
		".github/workflows/ci.yml", ".GitHub/x", ".github", ".gitlab-ci.yml", ".gitmodules", ".GITMODULES", "CODEOWNERS", "docs/CODEOWNERS",
		".github/CODEOWNERS", ".gitlab/CODEOWNERS", "codeowners",
		".gitmodules ", ".gitmodules::$DATA", "GITMOD~1", ".gitmodule\u200cs", ".g\u200cit/config", "sub/.git./x", ".github./ci.yml",
	}
	free := []string{"README.md", "src/.github/x", ".githubx", "src/CODEOWNERS", "docs/codeowners.md", ".gitignore", "a/.gitmodules"}
	g.Expect(Protected(slices.Concat(free, protected, free))).To(Equal(protected))
	g.Expect(Protected(nil)).To(BeEmpty())
	g.Expect(Protected([]string{"a.tf", "Deploy/x/y", "b/c.TF", "deploy.md"}, "deploy/**", "**/*.tf")).To(Equal([]string{"a.tf", "Deploy/x/y", "b/c.TF"}))
	for _, glob := range []string{"deploy", "deploy/", "/deploy/**", "./deploy/**", "DEPLOY/*", "deploy/**", "**/x"} {
		g.Expect(Protected([]string{"deploy/x/a.sh", "deployed", "app/deployment"}, glob)).To(Equal([]string{"deploy/x/a.sh"}), glob)
	}
	for _, bad := range []string{"", "/", "!deploy/**", `deploy\\*`, "../deploy", "./"} {
		g.Expect(CheckGlob(bad)).NotTo(Succeed(), bad)
	}
	g.Expect(CheckGlob("deploy/[")).To(MatchError(ContainSubstring("no glob")))
}

func TestLocation(t *testing.T) {
	tests := []struct{ raw, url, mirror, fails string }{
		{raw: "https://github.com/acme/app", mirror: "github.com/acme/app.git"},
		{raw: "https://github.com/acme/app.git/", mirror: "github.com/acme/app.git"},
		{raw: "https://GitHub.com/acme/next.js", url: "https://github.com/acme/next.js", mirror: "github.com/acme/next.js.git"},
		{raw: "http://127.0.0.1:80/a%20b", mirror: "127.0.0.1:80/a b.git"},
		{raw: "/srv/a", mirror: "file/srv/a.git"},
		{raw: "/srv/a.git", mirror: "file/srv/a.git.git"},
		{raw: "file:///srv/a%20b/", url: "/srv/a b", mirror: "file/srv/a b.git"},
		{raw: "http://file/srv/a.git.git", mirror: "file~~" + digest("file~") + "/srv/a.git.git"},
		{raw: "https://FILE/srv/a", url: "https://file/srv/a", mirror: "file~~" + digest("file~") + "/srv/a.git"},
		{raw: "https://file:8443/srv/a", mirror: "file:8443/srv/a.git"},
		{raw: "https://h/a.git/refs", mirror: "h/a.git~" + digest("a.git") + "/refs.git"},
		{raw: "https://h/a~b", mirror: "h/a~b~" + digest("a~b") + ".git"},
		{raw: "https://h/" + strings.Repeat("x", 300), mirror: "h/" + strings.Repeat("x", 85) + "~" + digest(strings.Repeat("x", 300)) + ".git"},
		{raw: "https://h/.git", fails: "names no repository"},
		{raw: "https://u:p@h/x", fails: "credentials"},
		{raw: "https://h/a/../b", fails: "path"},
		{raw: "git@h:x", fails: "ssh"},
	}
	for _, test := range tests {
		t.Run(test.raw[:min(len(test.raw), 40)], func(t *testing.T) {
			g := NewWithT(t)
			l, err := New(Config{}).locate(test.raw)
			if test.fails != "" {
				g.Expect(err).To(MatchError(ContainSubstring(test.fails)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(l.mirror).To(Equal(test.mirror))
			if test.url == "" {
				test.url = test.raw
			}
			g.Expect(l.url).To(Equal(test.url))
		})
	}
}

// TestKindOf holds texts that git printed against http-backend and others, in version 2.39.
func TestKindOf(t *testing.T) {
	const at = "fatal: unable to access 'http://h/a/x.git/': "
	tests := map[string]kind{
		"fatal: could not read Username for 'https://h': terminal prompts disabled":                         kindNoCredentials,
		"remote: denied\nfatal: Authentication failed for 'http://h/a/x.git/'":                              kindBadCredentials,
		"remote: Write access to repository not granted.\n" + at + "The requested URL returned error: 403":  kindForbidden,
		"remote: Repository not found.\nfatal: repository 'https://h/a/none.git/' not found":                kindNotFound,
		at + "The requested URL returned error: 301":                                                        kindRedirect,
		"fatal: unable to update url base from redirection:\n  asked for: x\n   redirect: y":                kindRedirect,
		at + "The requested URL returned error: 429":                                                        kindServer,
		at + "The requested URL returned error: 400":                                                        kindRefused,
		at + "The requested URL returned error: 407":                                                        kindRefused,
		at + "The requested URL returned error: 500":                                                        kindServer,
		at + "Empty reply from server":                                                                      kindNetwork,
		at + "Operation too slow. Less than 1000 bytes/sec transferred the last 2 seconds":                  kindNetwork,
		at + "Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server":                 kindNetwork,
		at + "Could not resolve host: nohost.invalid":                                                       kindNetwork,
		"error: RPC failed; curl 56 GnuTLS recv error (-54)\nfatal: early EOF":                              kindNetwork,
		"fatal: the remote end hung up unexpectedly":                                                        kindNetwork,
		at + "server certificate verification failed. CAfile: none CRLfile: none":                           kindTLS,
		at + "SSL certificate problem: self-signed certificate":                                             kindTLS,
		at + "gnutls_handshake() failed: An unexpected TLS packet was received.":                            kindTLS,
		"fatal: '/x' does not appear to be a git repository\nfatal: Could not read from remote repository.": kindNotRepository,
		"fatal: invalid gitfile format: /etc/passwd\nfatal: Could not read from remote repository.":         kindNotRepository,
		"fatal: no path in gitfile: /x\nfatal: Could not read from remote repository.":                      kindNotRepository,
		"fatal: not a git repository: /nowhere":                                                             kindNotRepository,
		"fatal: not a git repository: '/the/mirror'":                                                        kindUnknown,
		"fatal: detected dubious ownership in repository at '/x'":                                           kindOwner,
		"fatal: transport 'ext' not allowed":                                                                kindProtocol,
		"fatal: write error: No space left on device":                                                       kindDiskFull,
		"error: object file ./objects/d3/x is empty\nfatal: loose object d3 (stored in x) is corrupt":       kindCorrupt,
		"error: Could not read x\nfatal: bad object HEAD":                                                   kindCorrupt,
		"remote: fatal: Authentication failed for x":                                                        kindUnknown,
		"fatal: remote error: Could not resolve host":                                                       kindUnknown,
		"fatal: odd thing at 'https://h/Could not resolve host.git'":                                        kindUnknown,
		"": kindUnknown,
	}
	for text, want := range tests {
		if got := kindOf(text); got != want {
			t.Errorf("kindOf(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestCredentialHelperAnswersOnlyWhatItShould(t *testing.T) {
	const secret = "s3cr3t"
	yes := "username=x-access-token\npassword=" + secret + "\n"
	tests := map[string]struct{ args, question, want string }{
		"get":            {"--fd=FD --host=h:1 get", "protocol=https\nhost=h:1\n\n", yes},
		"no empty line":  {"--fd=FD --host=h get", "protocol=https\nhost=h", yes},
		"http allowed":   {"--fd=FD --protocol=http --host=h get", "protocol=http\nhost=h\n", yes},
		"also https":     {"--fd=FD --protocol=http --host=h get", "protocol=https\nhost=h\n", yes},
		"http":           {"--fd=FD --protocol=https --host=h get", "protocol=http\nhost=h\n", ""},
		"other port":     {"--fd=FD --host=h get", "protocol=https\nhost=h:1\n", ""},
		"other host":     {"--fd=FD --host=h get", "protocol=https\nhost=evil.h\n", ""},
		"no host":        {"--fd=FD get", "protocol=https\nhost=\n", ""},
		"store":          {"--fd=FD --host=h store", "protocol=https\nhost=h\npassword=x\n", ""},
		"erase":          {"--fd=FD --host=h erase", "protocol=https\nhost=h\n", ""},
		"other protocol": {"--fd=FD --host=h get", "protocol=smtp\nhost=h\n", ""},
		"no operation":   {"--fd=FD --host=h", "protocol=https\nhost=h\n", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			socket, err := tokenSocket(secret)
			g.Expect(err).NotTo(HaveOccurred())
			t.Cleanup(func() { g.Expect(socket.Close()).To(Succeed()) })
			args := strings.Fields(strings.ReplaceAll(test.args, "FD", fdText(socket.Fd())))
			for range 3 {
				var out bytes.Buffer
				g.Expect(RunCredentialHelper(args, strings.NewReader(test.question), &out)).To(Succeed())
				g.Expect(out.String()).To(Equal(test.want))
			}
		})
	}
}

func TestCredentialHelperFailsWithoutAToken(t *testing.T) {
	g := NewWithT(t)
	ask := func(args ...string) error {
		return RunCredentialHelper(args, strings.NewReader("protocol=https\nhost=h\n"), &bytes.Buffer{})
	}
	g.Expect(ask("--fd=9999", "--host=h", "get")).To(MatchError(ContainSubstring("only for the git that awo starts")))
	g.Expect(ask("--fd=x", "--host=h", "get")).To(MatchError(ContainSubstring("not a descriptor")))
	g.Expect(ask("--what", "get")).To(MatchError(ContainSubstring("unknown option")))
	socket, err := tokenSocket("two\nlines")
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = socket.Close() }()
	g.Expect(ask("--fd="+fdText(socket.Fd()), "--host=h", "get")).To(MatchError(ContainSubstring("line break")))
	_, err = tokenSocket(strings.Repeat("x", maxToken+1))
	g.Expect(err).To(HaveOccurred())
}

func TestEnvironmentLetsLittleThrough(t *testing.T) {
	g := NewWithT(t)
	env := environment(baseEnvironment([]string{
		"PATH=/opt/bin", "HOME=/root", "GITHUB_TOKEN=x", "HTTPS_PROXY=p", "GIT_SSL_CAINFO=c", "GIT_CONFIG_GLOBAL=/evil", "GIT_SSH_COMMAND=x",
	}), call{protocol: "https", index: "/i", id: "wo-1"})
	g.Expect(env).To(ContainElements("PATH=/opt/bin", "HTTPS_PROXY=p", "GIT_SSL_CAINFO=c", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_ALLOW_PROTOCOL=https", "GIT_INDEX_FILE=/i", "AWO_WORK_ORDER_ID=wo-1", "HOME=/nonexistent", "GIT_TERMINAL_PROMPT=0"))
	for _, entry := range env {
		g.Expect(entry).NotTo(MatchRegexp("TOKEN|/root|/evil|SSH"))
	}
	g.Expect(environment(baseEnvironment(nil), call{})).To(ContainElements("PATH=/usr/local/bin:/usr/bin:/bin", "GIT_ALLOW_PROTOCOL=none"))
}

func TestConfigQuotesValues(t *testing.T) {
	text := configText([]section{{name: "user", values: []string{"name", "a \"b\" \\ \n[core]"}}})
	NewWithT(t).Expect(text).To(Equal("[user]\n\tname = \"a \\\"b\\\" \\\\ \\n[core]\"\n"))
}

func TestRejection(t *testing.T) {
	g := NewWithT(t)
	g.Expect(rejection("To http://h/x\n!\tabc:refs/heads/b\t[rejected] (stale info)\nDone\n")).To(Equal("[rejected] (stale info)"))
	g.Expect(rejection("To x\n=\ta:b\t[up to date]\nDone")).To(BeEmpty())
	g.Expect(rejection("")).To(BeEmpty())
}

func fdText(fd uintptr) string { return strconv.FormatUint(uint64(fd), 10) }

func FuzzParseIndex(f *testing.F) {
	f.Add([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x01"+strings.Repeat("x", 62)+"a\x00"+strings.Repeat("h", 20)), false)
	f.Add([]byte("DIRC\x00\x00\x00\x02\xff\xff\xff\xff"+strings.Repeat("\x00", 100)), true)
	f.Fuzz(func(t *testing.T, data []byte, long bool) {
		hash := 20
		if long {
			hash = 32
		}
		entries, err := parseIndex(data, hash)
		if err == nil && len(entries)*(entryStat+hash) > len(data) {
			t.Errorf("%d entries in %d bytes", len(entries), len(data))
		}
	})
}
