package server

import (
	"net"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
)

// Connected is how many connections a server has.
func Connected(s *Server) int {
	s.crowd.mu.Lock()
	defer s.crowd.mu.Unlock()
	return len(s.crowd.guests)
}

// MaxConnections is the limit.
const MaxConnections = maxConnections

func TestCrowdSendsTheOldestAway(t *testing.T) {
	g := NewWithT(t)
	c := newCrowd(2)
	conns := make([]net.Conn, 4)
	for i := range conns {
		conns[i], _ = net.Pipe()
	}
	answer := func(conn net.Conn) {
		r, err := http.NewRequestWithContext(c.context(t.Context(), conn), http.MethodGet, "/", http.NoBody)
		g.Expect(err).NotTo(HaveOccurred())
		c.answering(http.NotFoundHandler()).ServeHTTP(&discard{}, r)
	}
	g.Expect(c.enter(conns[0])).To(BeNil())
	g.Expect(c.enter(conns[1])).To(BeNil())
	answer(conns[0])
	g.Expect(c.enter(conns[2])).To(Equal(conns[1]), "the oldest is being answered")
	c.changed(conns[1], http.StateClosed)
	answer(conns[2])
	g.Expect(c.enter(conns[3])).To(Equal(conns[3]), "all others are being answered")
	c.changed(conns[0], http.StateIdle)
	g.Expect(c.enter(conns[3])).To(Equal(conns[0]), "its answer was sent")
	c.changed(conns[2], http.StateClosed)
	g.Expect(c.enter(conns[1])).To(BeNil())
}

// discard is a ResponseWriter to nowhere.
type discard struct{}

func (*discard) Header() http.Header         { return http.Header{} }
func (*discard) Write(p []byte) (int, error) { return len(p), nil }
func (*discard) WriteHeader(int)             {}
