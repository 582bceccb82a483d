package server

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// crowd bounds the connections of a server. One too many sends the oldest away to which no answer is under way, be it
// idle, silent or slow; so whoever comes with a request is answered, however many hold connections open.
type crowd struct {
	limit int

	mu     sync.Mutex
	guests map[net.Conn]*guest
	came   uint64
}

// guest is a connection.
type guest struct {
	// number counts the connections as they come.
	number uint64
	// answering says that a request was read and that its answer has not been sent to its end.
	answering bool
}

// guestKey finds the guest in the context of a request.
type guestKey struct{}

func newCrowd(limit int) *crowd {
	return &crowd{limit: limit, guests: map[net.Conn]*guest{}}
}

// changed is the ConnState of a http.Server.
func (c *crowd) changed(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if leaves := c.enter(conn); leaves != nil {
			// The server notices when it next reads from it.
			_ = leaves.Close()
		}
	case http.StateClosed, http.StateHijacked:
		c.leave(conn)
	case http.StateIdle:
		c.answered(conn)
	default: // whoever sends something is answered once it is a request
	}
}

// enter counts a connection and returns the one that has to go for it, nil when there is room. It is the new one
// itself when all others are being answered.
func (c *crowd) enter(conn net.Conn) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.came++
	c.guests[conn] = &guest{number: c.came}
	if len(c.guests) <= c.limit {
		return nil
	}
	leaves := conn
	for other, g := range c.guests {
		if !g.answering && g.number < c.guests[leaves].number {
			leaves = other
		}
	}
	delete(c.guests, leaves)
	return leaves
}

func (c *crowd) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.guests, conn)
}

// context is the ConnContext of a http.Server.
func (c *crowd) context(ctx context.Context, conn net.Conn) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g, known := c.guests[conn]; known {
		return context.WithValue(ctx, guestKey{}, g)
	}
	return ctx
}

// answering notes which connections are being answered.
func (c *crowd) answering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g, known := r.Context().Value(guestKey{}).(*guest); known {
			c.mu.Lock()
			g.answering = true
			c.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

func (c *crowd) answered(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g, known := c.guests[conn]; known {
		g.answering = false
	}
}
