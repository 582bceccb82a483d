package github

import (
	"regexp"
	"strings"
)

// object is a JSON object.
type object = map[string]any

var operationName = regexp.MustCompile(`(?m)^\s*(?:query|mutation)\s+(\w+)`)

// operation returns the name of a GraphQL operation. An unnamed one gets a name that nothing answers to.
func operation(query string) string {
	if m := operationName.FindStringSubmatch(query); m != nil {
		return m[1]
	}
	return "unnamed"
}

// refusal is a GraphQL error, in the form that gh prints as "GraphQL: MESSAGE (PATH)".
type refusal struct {
	kind, message string
	path          []string
}

// graphQL answers an operation. A query that it does not know is refused, never guessed at.
func (s *Server) graphQL(c call) object {
	data, refusals := s.dispatch(c)
	out := object{"data": data}
	if len(refusals) > 0 {
		out["errors"] = render(refusals)
	}
	return out
}

// dispatch finds who answers. Names are those that gh gives its operations.
func (s *Server) dispatch(c call) (object, []refusal) {
	v := values(c.note.Variables)
	switch c.note.Operation {
	case "RepositoryInfo":
		return s.repositoryInfo(v)
	case "PullRequestList", "PullRequestForBranch":
		return s.pullRequestList(v)
	case "PullRequestByNumber":
		return s.pullRequestByNumber(v)
	case "RepositoryResolveMetadataIDs":
		return s.resolveMetadata(c.query)
	case "PullRequestCreate":
		return s.createPullRequest(v.object("input"))
	case "PullRequestCreateMetadata":
		return s.updatePullRequest(v.object("input"))
	case "PullRequestCreateRequestReviews":
		return s.requestReviews(v.object("input"))
	}
	return nil, []refusal{{message: "the scripted github does not know the operation " + c.note.Operation}}
}

// render puts errors in GitHub's form.
func render(refusals []refusal) []object {
	out := make([]object, 0, len(refusals))
	for _, r := range refusals {
		e := object{"message": r.message}
		if r.kind != "" {
			e["type"] = r.kind
		}
		if r.path != nil {
			e["path"] = r.path
		}
		out = append(out, e)
	}
	return out
}

// values reads typed variables; a missing one is the zero value, as a nullable one is in GraphQL.
type values map[string]any

func (v values) text(name string) string {
	t, _ := v[name].(string)
	return t
}

func (v values) flag(name string) bool {
	b, _ := v[name].(bool)
	return b
}

func (v values) number(name string) int {
	n, _ := v[name].(float64)
	return int(n)
}

func (v values) object(name string) values {
	o, _ := v[name].(map[string]any)
	return o
}

func (v values) list(name string) []string {
	raw, _ := v[name].([]any)
	out := make([]string, 0, len(raw))
	for _, e := range raw {
		if t, ok := e.(string); ok {
			out = append(out, t)
		}
	}
	return out
}

// notFound is GitHub's answer for a repository that does not exist or may not be seen.
func notFound(owner, name string) []refusal {
	return []refusal{{
		kind: "NOT_FOUND", path: []string{"repository"},
		message: "Could not resolve to a Repository with the name '" + owner + "/" + name + "'.",
	}}
}

// missingScope is GitHub's answer to a token that may not do what it asks for.
func missingScope(field string, scopes ...string) []refusal {
	return []refusal{{
		kind: "INSUFFICIENT_SCOPES",
		message: "Your token has not been granted the required scopes to execute this query. The '" + field +
			"' field requires one of the following scopes: ['" + strings.Join(scopes, "', '") + "']",
	}}
}
