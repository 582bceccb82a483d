package forge

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/crash"
	"github.com/agent-work-orders/awo/controller/failure"
)

// maxTitle is how many characters of a title GitHub takes.
const maxTitle = 256

// maxListed is how many pull requests of a branch are looked at, the newest.
const maxListed = "50"

// Ensure sees to it that exactly one pull request of this run is there, and has seen it when it returns. It may be
// called again after a crash at any moment. Failures are typed: no token or one that is refused is
// AuthenticationFailed, an unknown repository RepositoryNotFound, anything else PullRequestFailed, which is tried
// again only where that can help.
func (g *GitHub) Ensure(ctx context.Context, p PullRequest) (Opened, error) {
	at, err := g.locate(p.Repository)
	if err != nil {
		return Opened{}, err
	}
	found, err := g.find(ctx, at, p)
	if err != nil {
		return Opened{}, err
	}
	switch d := decide(p, found); d.act {
	case adopt:
		return g.adopt(ctx, at, p, d.on), nil
	case takeOver:
		return g.takeOver(ctx, at, p, d.on)
	case refuse:
		return Opened{}, d.err
	default:
		return g.create(ctx, at, p)
	}
}

// find lists the pull requests of the head branch in any state.
func (g *GitHub) find(ctx context.Context, at location, p PullRequest) ([]listed, error) {
	out, err := g.gh(ctx, at, "looking for the pull request of branch "+p.Head, "pr", "list", "--repo", at.String(),
		"--head="+p.Head, "--state=all", "--limit="+maxListed, "--json="+listedFields)
	if err != nil {
		return nil, err
	}
	var found []listed
	if err := json.Unmarshal(out, &found); err != nil {
		return nil, failure.NewRetry(v1alpha1.ReasonPullRequestFailed, fmt.Errorf("reading what gh lists in %s: %w", at, err))
	}
	return found, nil
}

// create opens it and looks it up, whatever gh says: its answer may be lost, and what it could not set on it does not
// undo it.
func (g *GitHub) create(ctx context.Context, at location, p PullRequest) (Opened, error) {
	crash.Here("about to open the pull request")
	_, failed := g.gh(ctx, at, "opening the pull request of branch "+p.Head, createArgs(at, p)...)
	crash.Here("pull request opened")
	if ctx.Err() != nil {
		return Opened{}, failed
	}
	found, err := g.find(ctx, at, p)
	switch {
	case err != nil && failed != nil:
		return Opened{}, failed
	case err != nil:
		return Opened{}, err
	}
	switch d := decide(p, found); {
	case d.act == adopt && failed == nil:
		return opened(d.on), nil
	case d.act == adopt:
		return g.adopt(ctx, at, p, d.on), nil
	case d.act == refuse:
		return Opened{}, d.err
	case failed != nil:
		return Opened{}, failed
	}
	return Opened{}, failure.NewRetry(v1alpha1.ReasonPullRequestFailed, fmt.Errorf(
		"gh opened the pull request of branch %s in %s, but GitHub does not list it yet", p.Head, at))
}

// createArgs are the arguments of `gh pr create`. Values follow their flag with "=", so that none is taken for a flag.
func createArgs(at location, p PullRequest) []string {
	args := []string{
		"pr", "create", "--repo", at.String(), "--head=" + p.Head, "--base=" + p.Base,
		"--title=" + title(p.Title), "--body-file=" + p.BodyFile,
	}
	if p.Draft {
		args = append(args, "--draft")
	}
	for _, label := range p.Labels {
		args = append(args, "--label="+listValue(label))
	}
	for _, reviewer := range p.Reviewers {
		args = append(args, "--reviewer="+listValue(reviewer))
	}
	return args
}

// listValue quotes a value of a flag that gh splits at commas.
func listValue(value string) string {
	var out strings.Builder
	w := csv.NewWriter(&out)
	// Neither can fail on a strings.Builder.
	_ = w.Write([]string{value})
	w.Flush()
	return strings.TrimSuffix(out.String(), "\n")
}

// title makes one line of printable characters of at most 256 characters.
func title(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if utf8.RuneCountInString(text) <= maxTitle {
		return text
	}
	return string([]rune(text)[:maxTitle-1]) + "…"
}

// adopt takes one that was there, and asks for what may not have been set on it before the attempt that opened it broke off.
func (g *GitHub) adopt(ctx context.Context, at location, p PullRequest, on listed) Opened {
	out := opened(on)
	out.Adopted = true
	if on.State == StateOpen {
		out.Incomplete = g.complete(ctx, at, p, on.Number)
	}
	return out
}

// takeOver gives the open pull request of an earlier run this run's title and text, and looks it up.
func (g *GitHub) takeOver(ctx context.Context, at location, p PullRequest, on listed) (Opened, error) {
	_, err := g.gh(ctx, at, "updating pull request "+on.URL, "api", "--method=PATCH", "--hostname="+at.host,
		endpoint(at, "pulls", on.Number), "--raw-field=title="+title(p.Title), "--field=body=@"+p.BodyFile)
	if err != nil {
		return Opened{}, err
	}
	found, err := g.find(ctx, at, p)
	if err != nil {
		return Opened{}, err
	}
	switch d := decide(p, found); d.act {
	case adopt:
		return g.adopt(ctx, at, p, d.on), nil
	case refuse:
		return Opened{}, d.err
	default:
		return Opened{}, failure.NewRetry(v1alpha1.ReasonPullRequestFailed, fmt.Errorf(
			"pull request %s was updated, but GitHub does not show it yet", on.URL))
	}
}

// complete adds labels and reviewers to a pull request that is there; both may be asked for twice. What fails is said, not
// fatal: the pull request stands.
func (g *GitHub) complete(ctx context.Context, at location, p PullRequest, number int32) string {
	var missing []string
	if len(p.Labels) > 0 {
		args := append(postArgs(at, endpoint(at, "issues", number)+"/labels"), fields("labels[]", p.Labels)...)
		if _, err := g.gh(ctx, at, "setting labels", args...); err != nil {
			missing = append(missing, err.Error())
		}
	}
	if len(p.Reviewers) > 0 {
		args := append(postArgs(at, endpoint(at, "pulls", number)+"/requested_reviewers"), reviewerFields(p.Reviewers)...)
		if _, err := g.gh(ctx, at, "asking for reviews", args...); err != nil {
			missing = append(missing, err.Error())
		}
	}
	if len(missing) > 0 {
		logr.FromContextOrDiscard(ctx).Info("Pull request lacks labels or reviewers", "number", number, "missing", missing)
	}
	return strings.Join(missing, "; ")
}

// postArgs are the arguments of `gh api` for a POST.
func postArgs(at location, path string) []string {
	return []string{"api", "--method=POST", "--hostname=" + at.host, "--silent", path}
}

// endpoint is the path of a pull request, or of the issue that it also is, in the REST API.
func endpoint(at location, kind string, number int32) string {
	return "repos/" + at.owner + "/" + at.name + "/" + kind + "/" + strconv.Itoa(int(number))
}

// fields are flags that send a list.
func fields(name string, values []string) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, "--raw-field="+name+"="+v)
	}
	return out
}

// reviewerFields tells users from teams, which have their organisation before them.
func reviewerFields(reviewers []string) []string {
	var users, teams []string
	for _, r := range reviewers {
		if _, slug, isTeam := strings.Cut(r, "/"); isTeam {
			teams = append(teams, slug)
		} else {
			users = append(users, r)
		}
	}
	return append(fields("reviewers[]", users), fields("team_reviewers[]", teams)...)
}

// opened is what is reported of a pull request that was seen.
func opened(f listed) Opened { return Opened{URL: f.URL, Number: f.Number, State: f.State} }
