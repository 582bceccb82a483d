package server_test

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/controller/server"
)

func TestMethods(t *testing.T) {
	e := start(t, wellState(), "")
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FANCY"} {
		for _, path := range []string{root + "/workorders", "/health", "/"} {
			a := e.ask(method, path, "")
			st := e.status(a, http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed)
			e.Expect(a.header.Get("Allow")).To(Equal("GET, HEAD"))
			e.Expect(st.Message).To(And(ContainSubstring("awo apply"), ContainSubstring("/data/workorders")))
		}
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	e := start(t, wellState(), "")
	for _, path := range []string{"/health", "/healthz", "/readyz", root + "/workorders", root + "/workorders/none", "/"} {
		get, head := e.ask("GET", path), e.ask("HEAD", path)
		e.Expect(head.body).To(BeEmpty())
		e.Expect(head.code).To(Equal(get.code))
		get.header.Del("Date")
		head.header.Del("Date")
		e.Expect(head.header).To(Equal(get.header))
	}
}

func TestHeaders(t *testing.T) {
	e := start(t, wellState(), "")
	for _, path := range []string{"/health", "/healthz", root + "/workorders", "/nowhere"} {
		h := e.ask("GET", path).header
		e.Expect(h.Get("Cache-Control")).To(Equal("no-store"))
		e.Expect(h.Get("X-Content-Type-Options")).To(Equal("nosniff"))
		e.Expect(h.Get("Content-Security-Policy")).To(HavePrefix("default-src 'none'"))
		e.Expect(h.Get("Referrer-Policy")).To(Equal("no-referrer"))
	}
}

func TestToken(t *testing.T) {
	e := start(t, wellState(), server.AuthToken)
	for _, path := range []string{"/health", "/healthz", "/readyz"} {
		e.Expect(e.ask("GET", path, "").code).To(Equal(http.StatusOK), path)
	}
	for _, authorization := range []string{"", "Bearer", "Bearer ", "Bearer wrong", token, "Basic " + token, "Bearer " + token + "0", "Bearer " + token[1:]} {
		for _, path := range []string{root + "/workorders", root + "/workorders/one", "/", "/healthz/../apis", "//health", "/nowhere"} {
			a := e.ask("GET", path, authorization)
			st := e.status(a, http.StatusUnauthorized, metav1.StatusReasonUnauthorized)
			e.Expect(st.Message).To(ContainSubstring("/data/server-token"))
			e.Expect(a.header.Get("WWW-Authenticate")).To(HavePrefix("Bearer"))
			e.Expect(a.body).NotTo(ContainSubstring(token))
		}
	}
	for _, authorization := range []string{"Bearer " + token, "bearer " + token, "Bearer  " + token + " "} {
		e.Expect(e.ask("GET", root+"/workorders", authorization).code).To(Equal(http.StatusOK))
	}
}

func TestNoAuthentication(t *testing.T) {
	e := start(t, wellState(), server.AuthNone)
	e.Expect(e.ask("GET", root+"/workorders", "").code).To(Equal(http.StatusOK))
}

func TestNewRefusesToOpenByMistake(t *testing.T) {
	g := NewWithT(t)
	_, err := server.New(server.Config{})
	g.Expect(err).To(MatchError(ContainSubstring("token")))
	_, err = server.New(server.Config{Auth: "nobody", Token: token})
	g.Expect(err).To(MatchError(ContainSubstring(`"nobody"`)))
}

// TestPathsThatAreNotClean: a program that asks for one gets an answer for programs, and is not sent elsewhere.
func TestPathsThatAreNotClean(t *testing.T) {
	e := start(t, wellState(), server.AuthToken)
	for _, path := range []string{"//healthz", "/./healthz", "/x/../healthz", "/healthz/.", root + "//workorders", "/apis/%2e%2e/healthz"} {
		e.status(e.ask("GET", path), http.StatusNotFound, metav1.StatusReasonNotFound)
	}
}
