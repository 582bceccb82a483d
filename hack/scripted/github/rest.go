package github

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// restPath is what of the REST API is answered: what `gh api` is used for on a pull request that exists.
var restPath = regexp.MustCompile(`^(?:/api/v3)?/repos/([^/]+)/([^/]+)/(issues|pulls)/(\d+)(?:/(labels|requested_reviewers))?$`)

// restOperation names a REST call, such as "POST labels" or "PATCH pulls".
func restOperation(method, path string) string {
	m := restPath.FindStringSubmatch(path)
	if m == nil {
		return method + " " + path
	}
	if m[5] != "" {
		return method + " " + m[5]
	}
	return method + " " + m[3]
}

// rest answers a REST call.
func (s *Server) rest(c call) (status int, body any) {
	switch strings.TrimPrefix(c.note.Path, "/api/v3") {
	case "/user":
		return s.user()
	case "/rate_limit":
		return http.StatusOK, object{"rate": object{"limit": 5000, "remaining": 4999}}
	}
	m := restPath.FindStringSubmatch(c.note.Path)
	if m == nil {
		return http.StatusNotFound, message("Not Found")
	}
	number, err := strconv.Atoi(m[4])
	if err != nil {
		return http.StatusNotFound, message("Not Found")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pull := s.pull(m[1], m[2], number)
	if pull == nil {
		return http.StatusNotFound, message("Not Found")
	}
	return s.change(pull, c.note.Operation, c.note.Variables)
}

// user tells whose the token is. An app's is nobody's.
func (s *Server) user() (status int, body any) {
	if s.options.App {
		return http.StatusForbidden, message("Resource not accessible by integration")
	}
	return http.StatusOK, object{"login": Login, "type": "User"}
}

// change carries out a REST call on a pull request.
func (s *Server) change(pull *PullRequest, operation string, v values) (status int, body any) {
	switch operation {
	case "POST labels":
		for _, name := range v.list("labels") {
			pull.Labels = appendNew(pull.Labels, name)
		}
		return http.StatusOK, []object{}
	case "POST requested_reviewers":
		return s.ask(pull, v)
	case "PATCH pulls":
		if body := v.text("body"); body != "" {
			pull.Body = body
		}
		if title := v.text("title"); title != "" {
			pull.Title = title
		}
		return http.StatusOK, object{"number": pull.Number, "html_url": pull.URL}
	}
	return http.StatusNotFound, message("Not Found")
}

// ask requests reviews and refuses those who are no collaborators.
func (s *Server) ask(pull *PullRequest, v values) (status int, body any) {
	for _, login := range v.list("reviewers") {
		if !s.knowsUser(login) {
			return http.StatusUnprocessableEntity, message("Reviews may only be requested from collaborators. One or more of " +
				"the users or teams you specified is not a collaborator of the " + pull.Owner + "/" + pull.Name + " repository.")
		}
		pull.Reviewers = appendNew(pull.Reviewers, login)
	}
	for _, slug := range v.list("team_reviewers") {
		pull.Reviewers = appendNew(pull.Reviewers, pull.Owner+"/"+slug)
	}
	return http.StatusCreated, object{"number": pull.Number}
}
