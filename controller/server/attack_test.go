package server_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/server"
)

// dial opens a connection that the test closes.
func (e *endpoint) dial() net.Conn {
	e.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(e.t.Context(), "tcp", strings.TrimPrefix(e.url, "http://"))
	e.Expect(err).NotTo(HaveOccurred())
	e.t.Cleanup(func() { _ = conn.Close() })
	e.Expect(conn.SetDeadline(time.Now().Add(time.Minute))).To(Succeed())
	return conn
}

// raw sends bytes on a connection of their own and returns all that comes back until the server closes it.
func (e *endpoint) raw(text string) string {
	e.t.Helper()
	conn := e.dial()
	// A server that has read enough closes; then the rest cannot be sent, and the answer can still be read.
	_, _ = io.WriteString(conn, text)
	_ = conn.(*net.TCPConn).CloseWrite() //nolint:errcheck // dial opens TCP connections
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

// code is the status code of the first answer, 0 for none.
func code(answer string) int {
	version, rest, _ := strings.Cut(answer, " ")
	if !strings.HasPrefix(version, "HTTP/1.") || len(rest) < 3 {
		return 0
	}
	n, err := strconv.Atoi(rest[:3])
	if err != nil {
		return 0
	}
	return n
}

const (
	host      = "\r\nHost: x\r\n"
	last      = "Connection: close\r\n\r\n"
	right     = "Authorization: Bearer " + token + "\r\n"
	wrong     = "Authorization: Bearer wrong\r\n"
	ordersAPI = root + "/workorders"
)

// TestRequestsOfStrangers sends what no client of ours sends. None of it, but what has the token, gets to the orders.
func TestRequestsOfStrangers(t *testing.T) {
	long := strings.Repeat("a", 64<<10)
	for name, c := range map[string]struct {
		request string
		codes   []int
	}{
		"no token":                 {"GET " + ordersAPI + " HTTP/1.1" + host + last, []int{401}},
		"an empty token":           {"GET " + ordersAPI + " HTTP/1.1" + host + "Authorization: Bearer \r\n" + last, []int{401}},
		"a wrong token":            {"GET " + ordersAPI + " HTTP/1.1" + host + wrong + last, []int{401}},
		"the token and a wrong":    {"GET " + ordersAPI + " HTTP/1.1" + host + right + wrong + last, []int{401}},
		"a wrong and the token":    {"GET " + ordersAPI + " HTTP/1.1" + host + wrong + right + last, []int{401}},
		"the token in the query":   {"GET " + ordersAPI + "?token=" + token + " HTTP/1.1" + host + last, []int{401}},
		"the token as a user":      {"GET http://" + token + "@x" + ordersAPI + " HTTP/1.1" + host + last, []int{400, 401}},
		"a NUL in the token":       {"GET " + ordersAPI + " HTTP/1.1" + host + "Authorization: Bearer " + token + "\x00\r\n" + last, []int{400}},
		"up from an open path":     {"GET /healthz/.." + ordersAPI + " HTTP/1.1" + host + last, []int{401}},
		"up, escaped":              {"GET /healthz/%2e%2e" + ordersAPI + " HTTP/1.1" + host + last, []int{401}},
		"up, all escaped":          {"GET /healthz%2f%2e%2e%2fapis HTTP/1.1" + host + last, []int{401}},
		"up, escaped twice":        {"GET /healthz/%252e%252e" + ordersAPI + " HTTP/1.1" + host + last, []int{401}},
		"two slashes":              {"GET //healthz HTTP/1.1" + host + last, []int{401}},
		"a slash at the end":       {"GET /healthz/ HTTP/1.1" + host + last, []int{401}},
		"a parameter of a path":    {"GET /healthz;" + ordersAPI + " HTTP/1.1" + host + last, []int{401}},
		"an escaped NUL":           {"GET /healthz%00" + ordersAPI + " HTTP/1.1" + host + last, []int{401}},
		"a NUL":                    {"GET /healthz\x00 HTTP/1.1" + host + last, []int{400}},
		"a broken escape":          {"GET /healthz%zz HTTP/1.1" + host + last, []int{400}},
		"other letters":            {"GET /HEALTHZ HTTP/1.1" + host + last, []int{401}},
		"another host's path":      {"GET http://evil.example" + ordersAPI + " HTTP/1.1" + host + last, []int{401}},
		"a file":                   {"GET /../../../../etc/passwd HTTP/1.1" + host + right + last, []int{301, 307, 404}},
		"a very long path":         {"GET /" + long + " HTTP/1.1" + host + last, []int{431}},
		"a very long header":       {"GET /healthz HTTP/1.1" + host + "X: " + long + "\r\n" + last, []int{431}},
		"very many headers":        {"GET /healthz HTTP/1.1" + host + strings.Repeat("X-A: b\r\n", 8<<10) + last, []int{431}},
		"headers of just 16 KiB":   {"GET /healthz HTTP/1.1" + host + "X: " + long[:16<<10-70] + "\r\n" + last, []int{200}},
		"headers of more":          {"GET /healthz HTTP/1.1" + host + "X: " + long[:16<<10] + "\r\n" + last, []int{431}},
		"a header without end":     {"GET /healthz HTTP/1.1" + host + "X: " + long, []int{431}},
		"no host":                  {"GET /healthz HTTP/1.1\r\n" + last, []int{400}},
		"two hosts":                {"GET /healthz HTTP/1.1" + host + "Host: y\r\n" + last, []int{400}},
		"a folded header":          {"GET " + ordersAPI + " HTTP/1.1" + host + "Authorization:\r\n Bearer wrong\r\n" + last, []int{400, 401}},
		"a space before the colon": {"GET " + ordersAPI + " HTTP/1.1" + host + "Authorization : Bearer " + token + "\r\n" + last, []int{400}},
		"options of all":           {"OPTIONS * HTTP/1.1" + host + last, []int{405}},
		"a proxy's connect":        {"CONNECT github.com:443 HTTP/1.1\r\nHost: github.com:443\r\n" + last, []int{405}},
		"a method in small":        {"get /healthz HTTP/1.1" + host + last, []int{405}},
		"a method with the token":  {"DELETE " + ordersAPI + "/one HTTP/1.1" + host + right + last, []int{405}},
		"HTTP/1.0":                 {"GET /healthz HTTP/1.0\r\n\r\n", []int{200}},
		"HTTP/1.0 without a token": {"GET " + ordersAPI + " HTTP/1.0\r\n\r\n", []int{401}},
		"HTTP/0.9":                 {"GET /healthz\r\n", []int{400}},
		"HTTP/2 at once":           {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 405, 505}},
		"HTTP/9.9":                 {"GET /healthz HTTP/9.9" + host + last, []int{400, 505}},
		"TLS":                      {"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + strings.Repeat("\x07", 150) + "\r\n\r\n", []int{400}},
		"garbage":                  {strings.Repeat("\xff\x00\xfe\n", 100) + "\r\n\r\n", []int{400}},
		"a header with a line end": {"GET " + ordersAPI + "\r\nAuthorization: Bearer " + token + " HTTP/1.1" + host + last, []int{400}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wellState()
			e := start(t, s, server.AuthToken)
			answer := e.raw(c.request)
			e.Expect(c.codes).To(ContainElement(code(answer)), answer)
			if code(answer) == http.StatusMethodNotAllowed {
				e.Expect(answer).To(ContainSubstring("\r\nAllow: GET, HEAD\r\n"))
			}
			e.Expect(answer).NotTo(ContainSubstring(token))
			e.Expect(s.asked.Load()).To(BeZero(), "nobody looked at the orders")
			e.Expect(e.ask("GET", "/healthz").code).To(Equal(http.StatusOK), "the server goes on")
		})
	}
}

// Of a request with a body, and of what could be another behind it, one answer comes and the connection ends.
func TestRequestsInRequests(t *testing.T) {
	hidden := "GET " + ordersAPI + " HTTP/1.1" + host + right + last
	for name, request := range map[string]string{
		"both lengths":                  "GET /healthz HTTP/1.1" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"both, the other way":           "GET /healthz HTTP/1.1" + host + "Transfer-Encoding: chunked\r\nContent-Length: 200\r\n\r\n0\r\n\r\n" + hidden,
		"two lengths":                   "GET /healthz HTTP/1.1" + host + "Content-Length: 0\r\nContent-Length: 200\r\n\r\n" + hidden,
		"a list of lengths":             "GET /healthz HTTP/1.1" + host + "Content-Length: 0, 200\r\n\r\n" + hidden,
		"a length with a sign":          "GET /healthz HTTP/1.1" + host + "Content-Length: +0\r\n\r\n" + hidden,
		"two encodings":                 "GET /healthz HTTP/1.1" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"an encoding with a space":      "GET /healthz HTTP/1.1" + host + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden,
		"an encoding, not the last":     "GET /healthz HTTP/1.1" + host + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + hidden,
		"a chunk":                       "GET /healthz HTTP/1.1" + host + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + hidden,
		"a body":                        "GET /healthz HTTP/1.1" + host + "Content-Length: 5\r\n\r\nhello" + hidden,
		"a body with a method":          "POST /healthz HTTP/1.1" + host + "Content-Length: 5\r\n\r\nhello" + hidden,
		"an encoding that is not known": "GET /healthz HTTP/1.1" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"a line feed alone":             "GET /healthz HTTP/1.1" + host + "X: a\rb\r\n\r\n" + hidden,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wellState()
			e := start(t, s, server.AuthToken)
			answer := e.raw(request)
			e.Expect([]int{200, 400, 405, 501}).To(ContainElement(code(answer)), answer)
			e.Expect(strings.Count(answer, "HTTP/1.1 ")).To(Equal(1), answer)
			e.Expect(s.asked.Load()).To(BeZero(), "the second request was taken for one")
		})
	}
}

// TestSlowRequests is silent, and drips headers and bodies: the server ends each connection, and answers others
// meanwhile. A body is not waited for.
func TestSlowRequests(t *testing.T) {
	t.Parallel()
	e := start(t, wellState(), server.AuthToken)
	var all sync.WaitGroup
	for name, c := range map[string]struct {
		begin string
		codes []int
	}{
		"nothing":         {"", []int{0}},
		"a request line":  {"GET /health", []int{0, 400}},
		"headers":         {"GET /health HTTP/1.1\r\nHost: x\r\n", []int{0, 400}},
		"a body":          {"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", []int{405}},
		"chunks":          {"GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", []int{200}},
		"expected a body": {"PUT /health HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n", []int{405}},
	} {
		conn := e.dial()
		all.Go(func() {
			answer, err := dripped(conn, c.begin)
			if errors.Is(err, os.ErrDeadlineExceeded) || !slices.Contains(c.codes, code(answer)) {
				t.Errorf("%s: not ended, or answered otherwise than it should be: %v\n%s", name, err, answer)
			}
		})
		e.Expect(e.ask("GET", "/healthz").code).To(Equal(http.StatusOK))
	}
	all.Wait()
}

// dripped sends the beginning of a request, and byte after byte for as long as the server has not ended the
// connection, and returns what came back. With no beginning nothing is sent at all.
func dripped(conn net.Conn, begin string) (answer string, err error) {
	ended := make(chan struct{})
	var drip sync.WaitGroup
	defer drip.Wait()
	defer close(ended)
	if begin != "" {
		if _, err := io.WriteString(conn, begin); err != nil {
			return "", err
		}
		drip.Go(func() { dripUntil(ended, conn) })
	}
	read, err := io.ReadAll(conn)
	return string(read), err
}

func dripUntil(ended <-chan struct{}, conn io.Writer) {
	next := time.NewTicker(200 * time.Millisecond)
	defer next.Stop()
	for {
		select {
		case <-ended:
			return
		case <-next.C:
			if _, err := io.WriteString(conn, "X"); err != nil {
				return
			}
		}
	}
}

// TestIdleConnections opens many connections that send nothing, or one request and nothing more.
func TestIdleConnections(t *testing.T) {
	s := wellState()
	e := start(t, s, server.AuthToken)
	idle := 10_000
	var limit syscall.Rlimit
	e.Expect(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)).To(Succeed())
	if room := int(limit.Cur) - 2*server.MaxConnections - 500; room < idle {
		t.Logf("only %d connections: this process may open %d files", room, limit.Cur)
		idle = room
	}
	before := descriptors(e)
	conns := make([]net.Conn, 0, idle)
	defer func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}()
	for i := range idle {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(e.url, "http://"))
		e.Expect(err).NotTo(HaveOccurred(), "connection %d", i)
		conns = append(conns, conn)
		if i%10 == 0 {
			_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		}
	}
	begun := time.Now()
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+"/healthz", http.NoBody)
	e.Expect(err).NotTo(HaveOccurred())
	resp, err := fresh.Do(req)
	e.Expect(err).NotTo(HaveOccurred())
	_ = resp.Body.Close()
	e.Expect(resp.StatusCode).To(Equal(http.StatusOK))
	t.Logf("answered in %s beside %d connections", time.Since(begun).Round(time.Millisecond), idle)
	e.Expect(server.Connected(e.server)).To(BeNumerically("<=", server.MaxConnections))
	e.Eventually(func() int { return descriptors(e) - before - idle }, 10*time.Second).Should(
		BeNumerically("<=", server.MaxConnections+50), "the server's share of the open files")
	e.Expect(s.asked.Load()).To(BeZero())
}

// descriptors is how many files this process has open.
func descriptors(e *endpoint) int {
	open, err := os.ReadDir("/proc/self/fd")
	e.Expect(err).NotTo(HaveOccurred())
	return len(open)
}
