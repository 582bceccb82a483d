package githttp

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// User is the user name with which a token is sent, as GitHub wants it.
const User = "x-access-token"

// Options configure a Server. Only Root is required.
type Options struct {
	// Root is the directory with the bare repositories. It is made when missing.
	Root string
	// Token is the password that is required with User. Empty: everything is public, pushes too.
	Token string
	// PublicReads lets fetches in without the token; pushes still need it.
	PublicReads bool
	// TLS serves https with a certificate of its own, see Server.Certificate.
	TLS bool
	// Before is called with every request after it was logged. It may block (a delay), and it answers the request
	// itself by returning true (a failure). It is also called for requests without a valid token.
	Before func(http.ResponseWriter, *http.Request) bool
	// After is called when a request was answered; after a push it is the window in which a crash hurts.
	After func(*http.Request)
}

// Request is one request as it arrived.
type Request struct {
	Method, Path, Query string
	// User and Password are what basic authentication carried.
	User, Password string
	// Service is git-upload-pack or git-receive-pack.
	Service string
}

// Server is a git server. Its methods may be called from any goroutine.
type Server struct {
	options Options
	git     string
	http    *httptest.Server

	mu       sync.Mutex
	requests []Request
	before   func(http.ResponseWriter, *http.Request) bool
}

// New starts a server on a free port of 127.0.0.1. Close ends it.
func New(o Options) (*Server, error) {
	s, err := NewHandler(o)
	if err != nil {
		return nil, err
	}
	s.http = httptest.NewUnstartedServer(s)
	if o.TLS {
		s.http.StartTLS()
	} else {
		s.http.Start()
	}
	return s, nil
}

// NewHandler returns a server that listens nowhere: an http.Handler to be put into another server. URL, Host and
// Certificate mean nothing there.
func NewHandler(o Options) (*Server, error) {
	if o.Root == "" {
		return nil, errors.New("git over http: a root directory is required")
	}
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return nil, fmt.Errorf("git over http: %w", err)
	}
	o.Root = root
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("git over http: %w", err)
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("git over http: %w", err)
	}
	return &Server{options: o, git: git, before: o.Before}, nil
}

// Close ends the server and waits for the requests under way.
func (s *Server) Close() {
	if s.http != nil {
		s.http.Close()
	}
}

// Host returns the host and port, as in 127.0.0.1:4711.
func (s *Server) Host() string { return s.http.Listener.Addr().String() }

// URL returns the URL of a repository, such as acme/app.git.
func (s *Server) URL(repository string) string {
	return s.http.URL + "/" + strings.TrimPrefix(repository, "/")
}

// Dir returns the directory of a repository.
func (s *Server) Dir(repository string) string {
	return filepath.Join(s.options.Root, filepath.FromSlash(repository))
}

// Certificate returns the server's certificate as PEM, for GIT_SSL_CAINFO; nothing without TLS.
func (s *Server) Certificate() []byte {
	if !s.options.TLS {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})
}

// Requests returns what has arrived so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Before replaces Options.Before; nil lets requests pass again.
func (s *Server) Before(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// ServeHTTP answers one request by git http-backend.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry := describe(r)
	if before := s.log(entry); before != nil && before(w, r) {
		return
	}
	if !s.allowed(entry) {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "authentication required", http.StatusUnauthorized)
		return
	}
	s.backend().ServeHTTP(w, r)
	if s.options.After != nil {
		s.options.After(r)
	}
}

// describe reads from a request what the log keeps.
func describe(r *http.Request) Request {
	user, password, _ := r.BasicAuth()
	service := r.URL.Query().Get("service")
	if service == "" {
		service = r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	}
	return Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, User: user, Password: password, Service: service,
	}
}

func (s *Server) log(r Request) func(http.ResponseWriter, *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	return s.before
}

func (s *Server) allowed(r Request) bool {
	if s.options.Token == "" || (s.options.PublicReads && r.Service != "git-receive-pack") {
		return true
	}
	return r.User == User && r.Password == s.options.Token
}

func (s *Server) backend() *cgi.Handler {
	return &cgi.Handler{
		Path: s.git, Args: []string{"http-backend"}, Dir: s.options.Root, Stderr: discard{},
		Env: append(environment(),
			"GIT_PROJECT_ROOT="+s.options.Root, "GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true",
			"GIT_CONFIG_KEY_1=safe.directory", "GIT_CONFIG_VALUE_1=*"),
	}
}

// discard swallows what http-backend says on stderr; it is the same as what the client is told.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// environment keeps the configuration of the person who runs the tests away from the server.
func environment() []string {
	return []string{"HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C"}
}

// Git runs git in a repository of the server and returns what it printed, for set-up and for assertions.
func (s *Server) Git(ctx context.Context, repository string, args ...string) (string, error) {
	return s.run(ctx, "", append([]string{"--git-dir=" + s.Dir(repository)}, args...)...)
}
