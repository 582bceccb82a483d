// Package model is a model server that answers from scripts, so that the real agent can be run without an
// account: POST /v1/messages with and without streaming, errors of the API, and connections that break.
// A script is chosen by the first part of the path, so that the agent's base URL names it.
package model

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxBody bounds a request; the agent refuses prompts above 10 MB itself.
const maxBody = 64 << 20

// Server is a running model server on the loopback interface.
type Server struct {
	listener net.Listener
	http     *http.Server
	done     chan struct{}
	stop     context.CancelFunc
	counts   counter

	mu       sync.Mutex
	scripts  map[string]Script
	requests []*Request
	failures []error
	admitted []string
}

// New starts a server on a free port of 127.0.0.1 with these scripts by name; more can be added by Handle.
func New(scripts map[string]Script) (*Server, error) {
	ctx, stop := context.WithCancel(context.Background())
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		stop()
		return nil, fmt.Errorf("start the scripted model server: %w", err)
	}
	s := &Server{listener: listener, done: make(chan struct{}), stop: stop, scripts: map[string]Script{}}
	maps.Copy(s.scripts, scripts)
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		// Requests end with the server, so that Close does not wait for one that hangs.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go s.serve()
	return s, nil
}

func (s *Server) serve() {
	defer close(s.done)
	// Serve always returns an error; after Close it says nothing.
	_ = s.http.Serve(s.listener)
}

// Close ends the server and every request that is under way.
func (s *Server) Close() error {
	s.stop()
	err := s.http.Close()
	<-s.done
	return err
}

// Handle sets the script of a name.
func (s *Server) Handle(name string, script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[name] = script
}

// Admit names the API keys and tokens that may list the models.
func (s *Server) Admit(credentials ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.admitted = append(s.admitted, credentials...)
}

// URL returns the base URL that chooses the script of this name, for ANTHROPIC_BASE_URL.
func (s *Server) URL(script string) string {
	return "http://" + s.listener.Addr().String() + "/" + script
}

// Requests returns the requests so far for the script of this name, in order; for an empty name all.
func (s *Server) Requests(script string) []*Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*Request
	for _, r := range s.requests {
		if script == "" || r.Script == script {
			out = append(out, r)
		}
	}
	return out
}

// Failures returns what came that the server could not understand: unknown scripts, paths and bodies.
func (s *Server) Failures() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]error(nil), s.failures...)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	script, path, _ := strings.Cut(strings.TrimPrefix(hr.URL.Path, "/"), "/")
	switch {
	case hr.Method == http.MethodHead:
		w.WriteHeader(http.StatusOK)
	case hr.Method == http.MethodGet && path == "v1/models":
		s.models(w, hr)
	case hr.Method == http.MethodPost && path == "v1/messages":
		s.messages(w, hr, script)
	case hr.Method == http.MethodPost && path == "v1/messages/count_tokens":
		writeJSON(w, http.StatusOK, map[string]int{"input_tokens": 1000})
	default:
		s.fail(w, http.StatusNotFound, fmt.Errorf("unknown request %s %s", hr.Method, hr.URL.Path))
	}
}

// models answers with the list of models, to those whom Admit has named. As the real service does, it refuses an
// OAuth token without the header that goes with it.
func (s *Server) models(w http.ResponseWriter, hr *http.Request) {
	s.mu.Lock()
	admitted := s.admitted
	s.mu.Unlock()
	key, bearer := hr.Header.Get("X-Api-Key"), strings.TrimPrefix(hr.Header.Get("Authorization"), "Bearer ")
	switch {
	case hr.Header.Get("Anthropic-Version") == "":
		sendError(w, &Error{Status: http.StatusBadRequest, Message: "anthropic-version: header is required"})
	case key != "" && !slices.Contains(admitted, key):
		sendError(w, &Error{Status: http.StatusUnauthorized, Message: "invalid x-api-key"})
	case key == "" && strings.HasPrefix(bearer, "sk-ant-oat") && hr.Header.Get("Anthropic-Beta") == "":
		sendError(w, &Error{Status: http.StatusUnauthorized, Message: "OAuth authentication is currently not supported."})
	case key == "" && !slices.Contains(admitted, bearer):
		sendError(w, &Error{Status: http.StatusUnauthorized, Message: "Invalid bearer token"})
	default:
		w.Header().Set("Anthropic-Organization-Id", "org-scripted")
		writeJSON(w, http.StatusOK, map[string]any{"data": []map[string]string{{"id": "claude-sonnet", "type": "model"}}, "has_more": false})
	}
}

func (s *Server) messages(w http.ResponseWriter, hr *http.Request, script string) {
	body, err := io.ReadAll(io.LimitReader(hr.Body, maxBody))
	if err != nil {
		s.fail(w, http.StatusBadRequest, fmt.Errorf("read the body: %w", err))
		return
	}
	r, err := parseRequest(hr.Header, body)
	if err != nil {
		s.fail(w, http.StatusBadRequest, fmt.Errorf("parse the body: %w", err))
		return
	}
	if hr.Header.Get("X-Api-Key") == "" && hr.Header.Get("Authorization") == "" {
		sendError(w, &Error{Status: http.StatusUnauthorized})
		return
	}
	turn, known := s.take(r, script)
	if !known {
		s.fail(w, http.StatusNotFound, fmt.Errorf("no script of the name %q", script))
		return
	}
	if turn.Hold != nil {
		select {
		case <-turn.Hold:
		case <-hr.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	s.answer(w, hr, r, turn)
}

// take records the request and asks the script for the answer, one request at a time.
func (s *Server) take(r *Request, script string) (Turn, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Script = script
	r.Number = s.counts.next(script)
	r.SessionNumber = s.counts.next(script + "\x00" + r.Session)
	s.requests = append(s.requests, r)
	decide, known := s.scripts[script]
	if !known {
		return Turn{}, false
	}
	return decide(r), true
}

func (s *Server) fail(w http.ResponseWriter, status int, err error) {
	s.mu.Lock()
	s.failures = append(s.failures, err)
	s.mu.Unlock()
	sendError(w, &Error{Status: status, Message: err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that is gone is no matter of the server's.
	_ = json.NewEncoder(w).Encode(v)
}
