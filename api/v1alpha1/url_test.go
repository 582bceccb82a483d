package v1alpha1_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

func TestParseRepositoryURL(t *testing.T) {
	cases := []struct {
		raw  string
		want v1alpha1.RepositoryURL
	}{
		{"https://github.com/acme/app.git", v1alpha1.RepositoryURL{Scheme: "https", Host: "github.com", Path: "/acme/app.git"}},
		{"https://GitHub.com/acme/next.js/", v1alpha1.RepositoryURL{Scheme: "https", Host: "github.com", Path: "/acme/next.js"}},
		{"https://git.example.com:8443//a//b", v1alpha1.RepositoryURL{Scheme: "https", Host: "git.example.com:8443", Path: "/a/b"}},
		{"https://dev.azure.com/acme/My%20Project/_git/app", v1alpha1.RepositoryURL{Scheme: "https", Host: "dev.azure.com", Path: "/acme/My Project/_git/app"}},
		{"http://127.0.0.1:3000/a", v1alpha1.RepositoryURL{Scheme: "http", Host: "127.0.0.1:3000", Path: "/a"}},
		{"https://[2001:DB8::7]:443/a", v1alpha1.RepositoryURL{Scheme: "https", Host: "[2001:db8::7]:443", Path: "/a"}},
		{"https://git.sr.ht/~user/repo", v1alpha1.RepositoryURL{Scheme: "https", Host: "git.sr.ht", Path: "/~user/repo"}},
		{"file:///srv/git/app.git/", v1alpha1.RepositoryURL{Scheme: "file", Path: "/srv/git/app.git"}},
		{"file:///srv/my%20repo", v1alpha1.RepositoryURL{Scheme: "file", Path: "/srv/my repo"}},
		{"/srv//git/ünï/app", v1alpha1.RepositoryURL{Scheme: "file", Path: "/srv/git/ünï/app"}},
		{"/srv/100%25", v1alpha1.RepositoryURL{Scheme: "file", Path: "/srv/100%25"}},
	}
	for _, tc := range cases {
		t.Run(tc.raw, func(t *testing.T) {
			g := NewWithT(t)
			got, err := v1alpha1.ParseRepositoryURL(tc.raw)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(tc.want))
		})
	}
}

func TestParseRepositoryURLRefuses(t *testing.T) {
	cases := []struct{ raw, want string }{
		{"", "is empty"},
		{"git@github.com:acme/app.git", "ssh is not supported; use https://github.com/acme/app.git"},
		{"github.com:acme/app.git", "ssh is not supported; use https://github.com/acme/app.git"},
		{"ssh://git@github.com/acme/app.git", "ssh is not supported; use https://github.com/acme/app.git"},
		{"ssh://git:secret@github.com:2222/acme/app.git", "ssh is not supported; use https://github.com/acme/app.git"},
		{"git+ssh://git@github.com/acme/app", "ssh is not supported; use https://github.com/acme/app"},
		{"ssh://git:secret@", "ssh is not supported; use the https address"},
		{"bob:secret@host/x", "ssh is not supported; use the https address"},
		{"ssh://git:se/cret@host/x", "ssh is not supported; use the https address"},
		{"ext::sh -c touch% /tmp/x", "whitespace"},
		{"ext::sh", "remote helpers"},
		{"fd::17", "remote helpers"},
		{"https::https://a/b", "remote helpers"},
		{"--upload-pack=touch /tmp/x", "dash"},
		{"-x", "dash"},
		{"https://[:DB8::7]:443/a", "no valid host"},
		{"https://[fe80::1%25eth0]/a", "no valid host"},
		{"https://[192.0.2.7]/a", "no valid host"},
		{"https://-oProxyCommand=x/a", "no valid host"},
		{"https://host/-a/b", "begins with a dash"},
		{"/srv/-a", "begins with a dash"},
		{"https://user:secret@github.com/a", "must not contain credentials"},
		{"https://secret@github.com/a", "must not contain credentials"},
		{"https://@github.com/a", "must not contain credentials"},
		{"https://github.com/a?token=secret", "query"},
		{"https://github.com/a#secret", "fragment"},
		{"https://github.com", "has no path"},
		{"https://github.com///", "has no path"},
		{"https:///a/b", "no valid host"},
		{"https://a..b/c", "no valid host"},
		{"https://exa_mple.com/a", "no valid host"},
		{"https://ex%61mple.com/a", "no valid host"},
		{"https://host:0/a", "no valid port"},
		{"https://host:65536/a", "no valid port"},
		{"https://host:/a", "no valid port"},
		{"https://host:+1/a", "no valid port"},
		{"https://[::1/a", "no valid host"},
		{"https://[::1]x/a", "no valid host"},
		{"https://[x]/a", "no valid host"},
		{"https://host/a/../b", ". or .."},
		{"https://host/a/%2e%2e/b", ". or .."},
		{"https://host/a%2fb", "escaped slash"},
		{"https://host/a%5cb", "escaped slash"},
		{"https://host/a%0ab", "escaped control"},
		{"https://host/a%00b", "escaped control"},
		{"https://host/a%ff", "escaped control"},
		{"https://host/a%zz", "broken percent escape"},
		{`https://host\@evil/a`, "backslash"},
		{"https://host/a b", "whitespace"},
		{" https://host/a", "whitespace"},
		{"https://host/a\n", "control"},
		{"https://host/a\u200b", "invisible"},
		{"https://host/a\u00a0b", "whitespace"},
		{"https://host/\xff", "UTF-8"},
		{"https://host/" + strings.Repeat("a", 1100), "longer than 1024"},
		{"https:github.com/acme/x", "lacks the slashes of a URL; write https://github.com/acme/x"},
		{"HTTP:/github.com/acme/x", "write http://github.com/acme/x"},
		{"https:user:secret@github.com/x", "write https://github.com/x"},
		{"https:github.com/x?token=secret", "write https://HOST/PATH"},
		{"file:/tmp/x", "write file:///tmp/x"},
		{"file:tmp/x", "write file:///tmp/x"},
		{"file:/tmp/x y", "whitespace"},
		{"file:/tmp/x?secret", "write file:///PATH"},
		{"ssh:git@github.com/acme/x", "ssh is not supported; use https://github.com/acme/x"},
		{"HTTPS://host/a", "lower case: https://"},
		{"ftp://host/a", `scheme "ftp" is not supported`},
		{"git://host/a", `scheme "git" is not supported`},
		{"javascript:alert(1)", "ssh is not supported; use the https address"},
		{"file://host/a", "three slashes"},
		{"file://a", "three slashes"},
		{"file:///a?b", "query"},
		{"file:///", "has no path"},
		{"file:///a/../b", ". or .."},
		{"file:///a/%2e%2e/b", ". or .."},
		{"/", "has no path"},
		{"/a/../b", ". or .."},
		{"/a b", "whitespace"},
		{"./a", "neither a URL nor an absolute path"},
		{"../a", "neither a URL nor an absolute path"},
		{"~/a", "neither a URL nor an absolute path"},
		{"acme/app", "neither a URL nor an absolute path"},
		{"C:/a", "Windows path"},
		{`C:\a`, "backslash"},
	}
	for _, tc := range cases {
		t.Run(tc.raw, func(t *testing.T) {
			g := NewWithT(t)
			_, err := v1alpha1.ParseRepositoryURL(tc.raw)
			g.Expect(err).To(MatchError(ContainSubstring(tc.want)))
			g.Expect(err.Error()).NotTo(Or(ContainSubstring("secret"), ContainSubstring("cret@")))
		})
	}
}
