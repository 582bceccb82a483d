package github

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of GitHub, in characters.
const (
	maxBody  = 65536
	maxTitle = 256
)

// createPullRequest opens one and calls OnCreate before it answers.
func (s *Server) createPullRequest(in values) (object, []refusal) {
	if !s.allows("repo") && !s.allows("public_repo") {
		return nil, missingScope("createPullRequest", "repo", "public_repo")
	}
	pull, refused := s.open(in)
	if refused != "" {
		return object{"createPullRequest": nil}, []refusal{{
			kind: "UNPROCESSABLE", path: []string{"createPullRequest"}, message: refused,
		}}
	}
	if s.options.OnCreate != nil {
		s.options.OnCreate(pull)
	}
	return object{"createPullRequest": object{"pullRequest": object{"id": nodeID(&pull), "url": pull.URL}}}, nil
}

// open checks and keeps a pull request, in one step with the check for another open one.
func (s *Server) open(in values) (pull PullRequest, refused string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.byID(in.text("repositoryId"))
	if repo == nil {
		return pull, "Could not resolve to a node with the global id of '" + in.text("repositoryId") + "'"
	}
	pull = PullRequest{
		Owner: repo.Owner, Name: repo.Name, State: Open, Draft: in.flag("draft"),
		Title: in.text("title"), Body: in.text("body"), Head: in.text("headRefName"), Base: in.text("baseRefName"),
	}
	if refused = s.refuse(repo, pull); refused != "" {
		return PullRequest{}, refused
	}
	return s.add(repo, pull), ""
}

// refuse says, in GitHub's words, why a pull request cannot be opened; empty when it can.
func (s *Server) refuse(repo *repository, p PullRequest) string {
	head, ok := s.branch(p.Owner, p.Name, p.Head)
	if !ok {
		return "Head sha can't be blank, Base sha can't be blank, Head ref must be a branch"
	}
	base, ok := s.branch(p.Owner, p.Name, p.Base)
	switch {
	case !ok:
		return "Base ref must be a branch"
	case base == head:
		return fmt.Sprintf("No commits between %s and %s", p.Base, p.Head)
	case repo.openFrom(p.Head, p.Base) != nil:
		return fmt.Sprintf("A pull request already exists for %s:%s.", p.Owner, p.Head)
	case strings.TrimSpace(p.Title) == "":
		return "Title can't be blank"
	case utf8.RuneCountInString(p.Title) > maxTitle:
		return fmt.Sprintf("Title is too long (maximum is %d characters)", maxTitle)
	case utf8.RuneCountInString(p.Body) > maxBody:
		return fmt.Sprintf("Body is too long (maximum is %d characters)", maxBody)
	}
	return ""
}

// updatePullRequest sets the labels of `gh pr create`.
func (s *Server) updatePullRequest(in values) (object, []refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pull := s.byNodeID(in.text("pullRequestId"))
	if pull == nil {
		return object{"updatePullRequest": nil}, unknownNode(in.text("pullRequestId"))
	}
	for _, id := range in.list("labelIds") {
		pull.Labels = appendNew(pull.Labels, strings.TrimPrefix(id, "L_"))
	}
	return object{"updatePullRequest": object{"clientMutationId": nil, "__typename": ""}}, nil
}

// requestReviews asks users and teams; teams are kept as OWNER/SLUG.
func (s *Server) requestReviews(in values) (object, []refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pull := s.byNodeID(in.text("pullRequestId"))
	if pull == nil {
		return object{"requestReviews": nil}, unknownNode(in.text("pullRequestId"))
	}
	for _, id := range in.list("userIds") {
		pull.Reviewers = appendNew(pull.Reviewers, strings.TrimPrefix(id, "U_"))
	}
	for _, id := range in.list("teamIds") {
		pull.Reviewers = appendNew(pull.Reviewers, pull.Owner+"/"+strings.TrimPrefix(id, "T_"))
	}
	return object{"requestReviews": object{"clientMutationId": nil, "__typename": ""}}, nil
}

// unknownNode is GitHub's answer to an id that it never gave out.
func unknownNode(id string) []refusal {
	return []refusal{{kind: "NOT_FOUND", message: "Could not resolve to a node with the global id of '" + id + "'"}}
}

// appendNew adds what is not there yet.
func appendNew(list []string, name string) []string {
	if containsFold(list, name) {
		return list
	}
	return append(list, name)
}
