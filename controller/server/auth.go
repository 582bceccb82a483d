package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// authenticate asks for the token wherever it is not a probe that asks.
func (s *Server) authenticate(next http.Handler) http.Handler {
	if s.config.Auth == AuthNone {
		return next
	}
	want := sha256.Sum256([]byte(s.config.Token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The digests have one length, so the time taken tells nothing of the token, not even that.
		got := sha256.Sum256([]byte(bearer(r)))
		if openPaths[r.URL.Path] || subtle.ConstantTimeCompare(got[:], want[:]) == 1 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="agent-work-orders"`)
		writeStatus(w, r, metav1.Status{
			Reason: metav1.StatusReasonUnauthorized, Code: http.StatusUnauthorized,
			Message: fmt.Sprintf("a bearer token is needed: it is in %s on the controller's machine, send it as "+
				"\"Authorization: Bearer TOKEN\"; or start the controller with --http-auth=none", s.config.TokenFile),
		})
	})
}

// bearer returns the token that a request presents, "" for none. Of two that contradict each other none counts.
func bearer(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, found := strings.Cut(values[0], " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
