package github

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// DefaultHost is the host name that gh knows as a GitHub without TLS.
const DefaultHost = "github.localhost"

// Login is the user that the token belongs to.
const Login = "octo-bot"

// Options configure a Server. Only Token is required.
type Options struct {
	// Token is the only one that is let in.
	Token string
	// Scopes of the token, as of a classic one. Nil: every scope, and they are not told, as of a fine-grained one. Without "repo" nothing can be opened, without
	// "read:org" no team be looked up.
	Scopes []string
	// App makes the token an app's, which is no user's.
	App bool
	// Clock is what the server's clock shows. Default: the time.
	Clock func() time.Time
	// Host is the GitHub's name. Default: github.localhost.
	Host string
	// HeadSHA looks up a branch, usually in the bare repository that is pushed to; ok is false when the branch does
	// not exist. Nil: every branch exists and its SHA is made up from its name.
	HeadSHA func(owner, name, branch string) (sha string, ok bool)
	// OnCreate is called after a pull request exists and before gh hears of it: the window in which a crash hurts.
	OnCreate func(PullRequest)
	// Other answers what is not meant for the API, for example git over HTTP below the same host. Nil: 404.
	Other http.Handler
}

// Request is one request as it arrived.
type Request struct {
	Method, Path string
	// Operation is the name of the GraphQL operation, or METHOD and the kind of REST call.
	Operation string
	// Variables are those of a GraphQL request, or the fields of a REST one.
	Variables map[string]any
	// Authorized tells whether the token was right.
	Authorized bool
	// Status is what was answered; 0 while it has not been.
	Status int
}

// failure is an answer that was ordered in place of the real one.
type failure struct {
	operation string
	status    int
	left      int
}

// Server is a scripted GitHub. Its methods may be called from any goroutine.
type Server struct {
	options Options
	http    *http.Server
	address string

	mu       sync.Mutex
	repos    map[string]*repository
	requests []Request
	failures []*failure
	delay    time.Duration
	nextID   int
}

// New starts a scripted GitHub on a free port of 127.0.0.1. Close ends it.
func New(o Options) (*Server, error) {
	if o.Token == "" {
		return nil, errors.New("scripted github: a token is required")
	}
	if o.Host == "" {
		o.Host = DefaultHost
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("scripted github: %w", err)
	}
	s := &Server{options: o, address: listener.Addr().String(), repos: map[string]*repository{}}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(listener) }()
	return s, nil
}

// Close ends the server and every open connection.
func (s *Server) Close() error { return s.http.Close() }

// URL is the address to use as HTTP proxy, such as http://127.0.0.1:40123.
func (s *Server) URL() string { return "http://" + s.address }

// Environment is what gh needs to speak with this server; the token is not in it.
func (s *Server) Environment() []string {
	return []string{"GH_HOST=" + s.options.Host, "HTTP_PROXY=" + s.URL()}
}

// RepositoryURL is the URL of a repository at this GitHub, as a manifest would name it.
func (s *Server) RepositoryURL(owner, name string) string {
	return fmt.Sprintf("http://%s/%s/%s.git", s.options.Host, owner, name)
}

// Fail answers the next n requests with an HTTP status in place of the real answer. An operation, such as
// PullRequestCreate, limits that to its requests; empty: any request.
func (s *Server) Fail(operation string, status, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, &failure{operation: operation, status: status, left: n})
}

// Delay makes every answer take this long; 0 ends it. A client that gives up ends the wait.
func (s *Server) Delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Requests returns the requests up to now, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Operations returns the names of the operations up to now, oldest first.
func (s *Server) Operations() []string {
	requests := s.Requests()
	names := make([]string, 0, len(requests))
	for _, r := range requests {
		names = append(names, r.Operation)
	}
	return names
}

// record notes a request and returns its place for settle.
func (s *Server) record(r Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	return len(s.requests) - 1
}

// settle notes what was answered.
func (s *Server) settle(place, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[place].Status = status
}

// ordered returns the status to fail a request with, 0 for none, and uses up one failure.
func (s *Server) ordered(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.failures {
		if f.left > 0 && (f.operation == "" || f.operation == operation) {
			f.left--
			return f.status
		}
	}
	return 0
}

// wait holds an answer back for the ordered delay, or until the client is gone.
func (s *Server) wait(ctx context.Context) {
	s.mu.Lock()
	d := s.delay
	s.mu.Unlock()
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// allows tells whether the token has a scope.
func (s *Server) allows(scope string) bool {
	if s.options.Scopes == nil {
		return true
	}
	for _, have := range s.options.Scopes {
		if strings.EqualFold(have, scope) {
			return true
		}
	}
	return false
}
