package v1alpha1_test

import (
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// written is an address as it would be written in a URL.
func written(r v1alpha1.RepositoryURL) string {
	return (&url.URL{Scheme: r.Scheme, Host: r.Host, Path: r.Path}).String()
}

// FuzzParseRepositoryURL reads any text as a repository's address. What is accepted is what git takes for a plain
// address: no option, no remote helper, no ssh, no credentials, and no other place than the parts say.
func FuzzParseRepositoryURL(f *testing.F) {
	for _, raw := range []string{
		"https://github.com/acme/app.git", "http://127.0.0.1:3000/a", "https://[2001:DB8::7]:443/a", "file:///srv/my%20repo", "/srv//git/ünï/app",
		"--upload-pack=touch /tmp/x", "ext::sh -c id", "https::https://a/b", "file::/srv", "git@github.com:acme/app.git", "https://user:secret@github.com/a",
		"https://host/%2e%2e/%2fa", "https://host/%252e%252e/a", "/srv/a::b", "https://host:08/a?b#c", "file://host/a", "C:\\repo", "/srv/%2d/a", "https://a/\u202ea",
		"https://[::1]]/a", "https://host\x00/a", "https://host@/a", "HTTPS://host/a", "https:///a", "https://h%6fst/a", "https://host:443:1/a", "/srv/../a",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := v1alpha1.ParseRepositoryURL(raw)
		if err != nil {
			if len(err.Error()) < 5 || !utf8.ValidString(err.Error()) {
				t.Fatalf("%q is refused with %q", raw, err)
			}
			return
		}
		switch {
		case strings.HasPrefix(raw, "-"), !strings.HasPrefix(raw, "/") && strings.Contains(strings.SplitN(raw, "/", 2)[0], "::"):
			t.Fatalf("%q is accepted: an option or a remote helper", raw)
		case strings.ContainsFunc(r.Host+r.Path, func(r rune) bool { return unicode.IsControl(r) || r == '\\' || r == utf8.RuneError }):
			t.Fatalf("%q is accepted: %+v", raw, r)
		case r.Path != path.Clean(r.Path) || !strings.HasPrefix(r.Path, "/") || r.Path == "/" || strings.Contains(r.Path, "/-"):
			t.Fatalf("%q has the path %q", raw, r.Path)
		case (r.Scheme == v1alpha1.SchemeFile) != (r.Host == "") || r.Host != strings.ToLower(r.Host) || strings.HasPrefix(r.Host, "-"):
			t.Fatalf("%q has the host %q", raw, r.Host)
		}
		if !strings.HasPrefix(raw, "/") {
			sameAsNetURL(t, raw, r)
		}
		back, err := v1alpha1.ParseRepositoryURL(written(r))
		if err != nil && len(written(r)) <= len(raw) || err == nil && back != r {
			t.Fatalf("%q is %+v, which is written %q and is %+v then: %v", raw, r, written(r), back, err)
		}
	})
}

// sameAsNetURL compares with a parser that knows nothing of repositories.
func sameAsNetURL(t *testing.T, raw string, r v1alpha1.RepositoryURL) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatalf("%q is accepted and is no URL: %v", raw, err)
	}
	if u.Scheme != r.Scheme || !strings.EqualFold(u.Host, r.Host) || u.User != nil || u.RawQuery != "" || u.Fragment != "" || path.Clean(u.Path) != r.Path {
		t.Fatalf("%q is %+v, and %+v as a URL", raw, r, u)
	}
}
