package server

import (
	"net/http"
	"net/http/httptest"
	"testing"

	. "github.com/onsi/gomega"
)

func TestHostAllowed(t *testing.T) {
	for host, want := range map[string]bool{
		"": true, "127.0.0.1": true, "127.0.0.1:8888": true, "10.0.0.1:1": true, "::1": true, "[::1]": true, "[::1]:8888": true,
		"localhost": true, "LocalHost:8888": true, "localhost.:1": true, "box": true, "box:8888": true,
		"evil.example": false, "evil.example:8888": false, "localhost.evil.example": false, "127.0.0.1.evil.example:80": false,
		"x": false, "box.evil.example": false, "127.0.0.1@evil.example": false, "localhost:80:80": false,
	} {
		NewWithT(t).Expect(hostAllowed(host, "box")).To(Equal(want), host)
	}
}

// TestStrangersHost: with no token to ask for, a page whose name was made to point here must not read the orders.
func TestStrangersHost(t *testing.T) {
	for name, c := range map[string]struct {
		auth Auth
		bind string
		code int
	}{
		"no token, on this machine alone": {AuthNone, "127.0.0.1:0", http.StatusForbidden},
		"no token, for others":            {AuthNone, "0.0.0.0:0", http.StatusNotFound},
		"a token is asked for":            {AuthToken, "127.0.0.1:0", http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			s, err := New(Config{Auth: c.auth, Token: "0123456789abcdef"})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(s.Listen(t.Context(), c.bind)).To(Succeed())
			t.Cleanup(func() { g.Expect(s.Close()).To(Succeed()) })
			ask := func(host string) *httptest.ResponseRecorder {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/nowhere", http.NoBody)
				r.Host = host
				w := httptest.NewRecorder()
				s.Handler().ServeHTTP(w, r)
				return w
			}
			refused := ask("evil.example:8888")
			g.Expect(refused.Code).To(Equal(c.code))
			g.Expect(refused.Header().Get("X-Content-Type-Options")).To(Equal("nosniff"))
			if c.code == http.StatusForbidden {
				g.Expect(refused.Body.String()).To(And(ContainSubstring(`"kind":"Status"`), ContainSubstring("--http-auth=token")))
			}
			g.Expect(ask("localhost:8888").Code).NotTo(Equal(http.StatusForbidden))
		})
	}
}
