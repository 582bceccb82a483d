package github

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// maxRequest bounds a request's body: more than any pull request can hold.
const maxRequest = 1 << 20

// ServeHTTP answers a proxied (absolute-form) request to the API, or one that names the API's host.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		http.Error(w, "the scripted github speaks plain HTTP only", http.StatusMethodNotAllowed)
		return
	}
	host := strings.ToLower(r.Host)
	if host != "api."+s.options.Host && !strings.HasPrefix(r.URL.Path, "/api/") {
		s.other(w, r)
		return
	}
	s.api(w, r)
}

// other answers what is not meant for the API.
func (s *Server) other(w http.ResponseWriter, r *http.Request) {
	if s.options.Other == nil {
		http.NotFound(w, r)
		return
	}
	s.options.Other.ServeHTTP(w, r)
}

// api reads, notes and answers one call.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	call := readCall(r, body)
	call.note.Authorized = s.authorized(r)
	place := s.record(call.note)
	s.wait(r.Context())
	status, answer := s.answer(call)
	s.settle(place, status)
	s.write(w, status, answer)
}

// answer decides between the ordered failure, the refusal and the real answer.
func (s *Server) answer(c call) (status int, body any) {
	if status = s.ordered(c.note.Operation); status != 0 {
		return status, message(http.StatusText(status))
	}
	if !c.note.Authorized {
		return http.StatusUnauthorized, message("Bad credentials")
	}
	if c.query != "" {
		return http.StatusOK, s.graphQL(c)
	}
	return s.rest(c)
}

// authorized compares the token; gh sends the scheme "token", others "Bearer".
func (s *Server) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return (strings.EqualFold(scheme, "token") || strings.EqualFold(scheme, "bearer")) && token == s.options.Token
}

// write sends an answer with the headers that gh looks at.
func (s *Server) write(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if s.options.Scopes != nil {
		w.Header().Set("X-Oauth-Scopes", strings.Join(s.options.Scopes, ", "))
	}
	if s.options.Clock != nil {
		w.Header().Set("Date", s.options.Clock().UTC().Format(http.TimeFormat))
	}
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// message is the body of a REST error.
func message(text string) map[string]string {
	return map[string]string{"message": text, "documentation_url": "https://docs.github.com/rest"}
}

// call is a request that was read.
type call struct {
	note  Request
	query string
}

// readCall reads what is asked for; a body that is not JSON leaves the variables empty.
func readCall(r *http.Request, body []byte) call {
	c := call{note: Request{Method: r.Method, Path: r.URL.Path}}
	if strings.HasSuffix(r.URL.Path, "/graphql") {
		var g struct {
			Query     string         `json:"query"`
			Variables map[string]any `json:"variables"`
		}
		_ = json.Unmarshal(body, &g)
		c.query, c.note.Variables, c.note.Operation = g.Query, g.Variables, operation(g.Query)
		return c
	}
	_ = json.Unmarshal(body, &c.note.Variables)
	c.note.Operation = restOperation(r.Method, r.URL.Path)
	return c
}
