package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ownHost refuses requests that name another host, where being on this machine is all that lets anybody in: a page from
// elsewhere whose name was made to point here would be in, too, in the browser of somebody on this machine.
func (s *Server) ownHost(next http.Handler) http.Handler {
	if s.config.Auth != AuthNone {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.onLoopback() || hostAllowed(r.Host, s.bindHost) {
			next.ServeHTTP(w, r)
			return
		}
		writeStatus(w, r, metav1.Status{
			Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden,
			Message: fmt.Sprintf("the request is for the host %.100q, which is not this one: ask %s, "+
				"or start the controller with --http-auth=token", r.Host, s.URL()),
		})
	})
}

// onLoopback tells whether only this machine reaches the endpoint.
func (s *Server) onLoopback() bool {
	if s.listener == nil {
		return false
	}
	tcp, ok := s.listener.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// hostAllowed tells whether a Host header names no host that a stranger's name server could speak for: an address, this
// machine, or what the endpoint was bound to. A client that sends none is no browser.
func hostAllowed(header, bound string) bool {
	host, _, err := net.SplitHostPort(header)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(header, "["), "]")
	}
	host = strings.TrimSuffix(host, ".")
	_, err = netip.ParseAddr(host)
	return err == nil || host == "" || strings.EqualFold(host, "localhost") || strings.EqualFold(host, bound)
}
