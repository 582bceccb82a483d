package git

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLocate reads any text as a repository's address. What git is given is no option, no remote helper and no ssh
// address, means the same when it is read again, and has its mirror below the mirrors' directory.
func FuzzLocate(f *testing.F) {
	for _, raw := range []string{
		"https://GitHub.com/acme/app.git", "file:///srv/%2d-x", "file:///srv/my%20repo", "/srv/ext::sh", "/~/x.git/y", "https://h/a/.git", "/" + strings.Repeat("x", 300),
		"https://h/" + strings.Repeat("x/", 400) + "y", "https://h/..git/a", "file:///a:b", "https://[::1]:1/a", "https://h/a/.git/", "/a/.git.git", "/.git",
	} {
		f.Add(raw)
	}
	client := New(Config{})
	f.Fuzz(func(t *testing.T, raw string) {
		l, err := client.locate(raw)
		if err != nil {
			return
		}
		plain := strings.HasPrefix(l.url, "/") || strings.HasPrefix(l.url, "https://") || strings.HasPrefix(l.url, "http://")
		if !plain || strings.ContainsAny(l.url, "\x00\n\r\\") || strings.Contains(l.host, "@") {
			t.Fatalf("git is given %q for %q", l.url, raw)
		}
		if !filepath.IsLocal(l.mirror) || filepath.Clean(l.mirror) != l.mirror || !strings.HasSuffix(l.mirror, ".git") || len(l.mirror) > maxMirror {
			t.Fatalf("%q has the mirror %q", raw, l.mirror)
		}
		elements := strings.Split(l.mirror, "/")
		for i, e := range elements {
			if len(e) > 255 || i < len(elements)-1 && strings.HasSuffix(e, ".git") {
				t.Fatalf("%q has the mirror %q, which lies in another", raw, l.mirror)
			}
		}
		again := l.url
		if l.scheme == schemeFile {
			again = (&url.URL{Scheme: l.scheme, Path: l.url}).String()
		}
		if back, err := client.locate(again); len(again) <= len(raw) && (err != nil || back != l) {
			t.Fatalf("%q is %+v, read again %+v: %v", raw, l, back, err)
		}
	})
}
