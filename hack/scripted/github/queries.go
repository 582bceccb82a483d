package github

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// repositoryInfo answers what gh asks before it creates anything.
func (s *Server) repositoryInfo(v values) (object, []refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.find(v.text("owner"), v.text("name"))
	if repo == nil {
		return object{"repository": nil}, notFound(v.text("owner"), v.text("name"))
	}
	return object{"repository": object{
		"id": repo.id, "name": repo.Name, "owner": object{"login": repo.Owner, "id": "O_" + repo.Owner},
		"description": "", "hasIssuesEnabled": true, "hasWikiEnabled": true, "viewerPermission": "WRITE",
		"defaultBranchRef":   object{"name": repo.DefaultBranch},
		"mergeCommitAllowed": true, "rebaseMergeAllowed": true, "squashMergeAllowed": true, "parent": nil,
	}}, nil
}

// pullRequestList answers `gh pr list` and the look-up that `gh pr create` begins with: newest first.
func (s *Server) pullRequestList(v values) (object, []refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.find(v.text("owner"), v.text("repo"))
	if repo == nil {
		return object{"repository": nil}, notFound(v.text("owner"), v.text("repo"))
	}
	nodes := []object{}
	for _, p := range slices.Backward(repo.pulls) {
		if p.matches(v) {
			nodes = append(nodes, s.node(p))
		}
	}
	return object{"repository": object{
		"defaultBranchRef": object{"name": repo.DefaultBranch},
		"pullRequests": object{
			"totalCount": len(nodes), "nodes": nodes, "pageInfo": object{"hasNextPage": false, "endCursor": ""},
		},
	}}, nil
}

// matches applies the filters of a list; one that is absent lets everything through.
func (p *PullRequest) matches(v values) bool {
	head := v.text("headBranch")
	if head == "" {
		head = v.text("headRefName")
	}
	states := v.list("state")
	if len(states) == 0 {
		states = v.list("states")
	}
	return (head == "" || p.Head == head) &&
		(v.text("baseBranch") == "" || p.Base == v.text("baseBranch")) &&
		(len(states) == 0 || slices.Contains(states, p.State))
}

// pullRequestByNumber answers `gh pr view NUMBER`.
func (s *Server) pullRequestByNumber(v values) (object, []refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number := v.number("pr_number")
	p := s.pull(v.text("owner"), v.text("repo"), number)
	if p == nil {
		return object{"repository": nil}, []refusal{{
			kind: "NOT_FOUND", path: []string{"repository", "pullRequest"},
			message: "Could not resolve to a PullRequest with the number of " + strconv.Itoa(number) + ".",
		}}
	}
	return object{"repository": object{"pullRequest": s.node(p)}}, nil
}

// node shows a pull request with every field that gh may ask for; gh ignores what it did not.
func (s *Server) node(p *PullRequest) object {
	owner := p.Owner
	if p.CrossRepository {
		owner = "fork"
	}
	labels := make([]object, 0, len(p.Labels))
	for _, l := range p.Labels {
		labels = append(labels, object{"id": "L_" + l, "name": l, "description": "", "color": "ededed"})
	}
	return object{
		"id": nodeID(p), "number": p.Number, "url": p.URL, "state": p.State, "title": p.Title, "body": p.Body,
		"headRefName": p.Head, "headRefOid": s.head(p), "baseRefName": p.Base, "isDraft": p.Draft,
		"isCrossRepository":   p.CrossRepository,
		"headRepositoryOwner": object{"id": "O_" + owner, "login": owner},
		"labels":              object{"nodes": labels, "totalCount": len(labels)},
	}
}

// nodeID is the opaque id of a pull request: it holds what finds it again.
func nodeID(p *PullRequest) string {
	return "PR_" + p.Owner + "/" + p.Name + "/" + strconv.Itoa(p.Number)
}

// byNodeID finds a pull request by its opaque id.
func (s *Server) byNodeID(id string) *PullRequest {
	parts := strings.Split(strings.TrimPrefix(id, "PR_"), "/")
	if len(parts) != 3 {
		return nil
	}
	number, err := strconv.Atoi(parts[2])
	if err != nil {
		return nil
	}
	return s.pull(parts[0], parts[1], number)
}

var (
	repositoryField = regexp.MustCompile(`repository\(owner:("(?:[^"\\]|\\.)*"),\s*name:("(?:[^"\\]|\\.)*")\)`)
	lookupField     = regexp.MustCompile(`(\w+): (user|label|team)\((?:login|name|slug):("(?:[^"\\]|\\.)*")\)`)
)

// resolveMetadata answers the look-up of labels and reviewers that precedes the creation. The names stand in the
// query itself, one alias each.
func (s *Server) resolveMetadata(query string) (object, []refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.named(query)
	labels, teams, data := object{}, object{}, object{}
	var refusals []refusal
	for _, m := range lookupField.FindAllStringSubmatch(query, -1) {
		alias, kind, name := m[1], m[2], unquote(m[3])
		switch {
		case kind == "user" && s.knowsUser(name):
			data[alias] = object{"login": name, "id": "U_" + name}
		case kind == "user":
			data[alias] = nil
			refusals = append(refusals, refusal{
				kind: "NOT_FOUND", path: []string{alias},
				message: "Could not resolve to a User with the login of '" + name + "'.",
			})
		case kind == "label":
			labels[alias] = known(repo != nil && containsFold(repo.Labels, name), object{"id": "L_" + name, "name": name})
		case kind == "team" && !s.allows("read:org"):
			return nil, missingScope("slug", "read:org", "read:discussion")
		case kind == "team":
			teams[alias] = known(s.knowsTeam(name), object{"id": "T_" + name, "slug": name})
		}
	}
	if len(labels) > 0 {
		data["repository"] = labels
	}
	if len(teams) > 0 {
		data["organization"] = teams
	}
	return data, refusals
}

// named returns the repository that a query names in its text, nil if it names none that exists.
func (s *Server) named(query string) *repository {
	m := repositoryField.FindStringSubmatch(query)
	if m == nil {
		return nil
	}
	return s.find(unquote(m[1]), unquote(m[2]))
}

// knowsUser tells whether any repository has this user; users belong to all of GitHub.
func (s *Server) knowsUser(login string) bool {
	for _, repo := range s.repos {
		if containsFold(repo.Users, login) {
			return true
		}
	}
	return false
}

// knowsTeam tells whether any repository has this team.
func (s *Server) knowsTeam(slug string) bool {
	for _, repo := range s.repos {
		if containsFold(repo.Teams, slug) {
			return true
		}
	}
	return false
}

// known is the object, or null for what does not exist.
func known(exists bool, o object) any {
	if !exists {
		return nil
	}
	return o
}

// containsFold compares as GitHub does: without regard to case.
func containsFold(list []string, name string) bool {
	return slices.ContainsFunc(list, func(have string) bool { return strings.EqualFold(have, name) })
}

// unquote reads a string literal of GraphQL; gh writes them as Go does.
func unquote(literal string) string {
	text, err := strconv.Unquote(literal)
	if err != nil {
		return literal
	}
	return text
}
