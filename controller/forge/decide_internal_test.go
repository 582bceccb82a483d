package forge

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/failure"
)

func TestDecide(t *testing.T) {
	const (
		ourSHA   = "aaaa"
		otherSHA = "bbbb"
		ours     = "text\n<!-- awo: name=order id=wo-00000002 run=2 -->"
		earlier  = "text\n<!-- awo: name=order id=wo-00000001 run=1 -->"
		later    = "text\n<!-- awo: name=order id=wo-00000003 run=3 -->"
		sameRun  = "text\n<!-- awo: name=order id=wo-00000009 run=2 -->"
		foreign  = "text\n<!-- awo: name=other id=wo-00000001 run=1 -->"
		// A person's own words must not make theirs an earlier one of ours.
		quoted = earlier + "\nI quote the above.\n" + "<!-- awo: name=other id=wo-00000001 run=1 -->"
	)
	pr := PullRequest{Head: "awo/x", HeadSHA: ourSHA, Marker: "<!-- awo: name=order id=wo-00000002 run=2 -->"}
	at := func(state, body, sha string) listed {
		return listed{Number: 7, URL: "URL7", State: state, Body: body, HeadRefName: "awo/x", HeadRefOid: sha}
	}
	fork := at(StateOpen, ours, ourSHA)
	fork.IsCrossRepository = true
	elsewhere := at(StateOpen, ours, ourSHA)
	elsewhere.HeadRefName = "awo/x-2"
	second := at(StateOpen, ours, ourSHA)
	second.URL = "URL8"

	for name, c := range map[string]struct {
		found  []listed
		act    act
		policy failure.Policy
		says   string
		on     string
	}{
		"nothing":                          {act: create},
		"ours, open":                       {found: []listed{at(StateOpen, ours, ourSHA)}, act: adopt, on: "URL7"},
		"ours, merged":                     {found: []listed{at(StateMerged, ours, ourSHA)}, act: adopt, on: "URL7"},
		"ours, closed":                     {found: []listed{at(StateClosed, ours, ourSHA)}, act: refuse, policy: failure.Terminal, says: "was closed by a person, not opened again"},
		"ours, closed, moved on":           {found: []listed{at(StateClosed, ours, otherSHA)}, act: refuse, policy: failure.Terminal, says: "was closed by a person"},
		"ours, at another commit":          {found: []listed{at(StateOpen, ours, otherSHA)}, act: refuse, policy: failure.Retry, says: "stands at bbbb and not at our commit aaaa"},
		"ours, merged at another commit":   {found: []listed{at(StateMerged, ours, otherSHA)}, act: refuse, policy: failure.Terminal, says: "was merged at bbbb"},
		"ours, an open and a closed one":   {found: []listed{at(StateClosed, ours, ourSHA), second}, act: adopt, on: "URL8"},
		"no marker, open":                  {found: []listed{at(StateOpen, "by hand", ourSHA)}, act: refuse, policy: failure.Terminal, says: "pull request URL7 is open from branch awo/x and not of this order"},
		"no marker, closed":                {found: []listed{at(StateClosed, "by hand", ourSHA)}, act: create},
		"no marker, merged":                {found: []listed{at(StateMerged, "by hand", ourSHA)}, act: create},
		"other order, open":                {found: []listed{at(StateOpen, foreign, ourSHA)}, act: refuse, policy: failure.Terminal, says: "URL7"},
		"quotes ours, of another order":    {found: []listed{at(StateOpen, quoted, ourSHA)}, act: refuse, policy: failure.Terminal, says: "URL7"},
		"earlier run, open":                {found: []listed{at(StateOpen, earlier, ourSHA)}, act: takeOver, on: "URL7"},
		"earlier run, open, not there yet": {found: []listed{at(StateOpen, earlier, otherSHA)}, act: refuse, policy: failure.Retry, says: "earlier run"},
		"earlier run, closed":              {found: []listed{at(StateClosed, earlier, ourSHA)}, act: create},
		"earlier run, merged":              {found: []listed{at(StateMerged, earlier, ourSHA)}, act: create},
		"later run, open":                  {found: []listed{at(StateOpen, later, ourSHA)}, act: refuse, policy: failure.Terminal, says: "URL7"},
		"same run of another controller":   {found: []listed{at(StateOpen, sameRun, ourSHA)}, act: refuse, policy: failure.Terminal, says: "URL7"},
		"of a fork, with our marker":       {found: []listed{fork}, act: create},
		"of another branch":                {found: []listed{elsewhere}, act: create},
		"ours beside one of a fork":        {found: []listed{fork, at(StateOpen, ours, ourSHA)}, act: adopt, on: "URL7"},
		"ours closed, a person opened one": {found: []listed{at(StateOpen, "by hand", ourSHA), at(StateClosed, ours, ourSHA)}, act: refuse, policy: failure.Terminal, says: "closed by a person"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			d := decide(pr, c.found)
			g.Expect(d.act).To(Equal(c.act))
			if c.act != refuse {
				g.Expect(d.err).NotTo(HaveOccurred())
				g.Expect(d.on.URL).To(Equal(c.on))
				return
			}
			typed := failure.Of(d.err, "none")
			g.Expect(typed.Policy).To(Equal(c.policy))
			g.Expect(typed.Reason).To(Equal("PullRequestFailed"))
			g.Expect(d.err.Error()).To(ContainSubstring(c.says))
		})
	}
}

func TestDecideWithoutMarkerAdoptsNothing(t *testing.T) {
	d := decide(PullRequest{Head: "b", HeadSHA: "a"}, []listed{{State: StateOpen, HeadRefName: "b", HeadRefOid: "a", Body: "any"}})
	NewWithT(t).Expect(d.act).To(Equal(refuse))
}

func TestJudge(t *testing.T) {
	const terminal, retry = failure.Terminal, failure.Retry
	for name, c := range map[string]struct {
		code   int
		stderr string
		policy failure.Policy
		reason string
		advice string
	}{
		"no login":             {4, "To get started with GitHub CLI, please run:  gh auth login", terminal, "AuthenticationFailed", "GITHUB_TOKEN"},
		"401":                  {1, "HTTP 401: Bad credentials (https://api.github.com/graphql)\nTry authenticating with:  gh auth login", terminal, "AuthenticationFailed", "GITHUB_TOKEN"},
		"401, other client":    {1, "non-200 OK status code: 401 Unauthorized body: \"\"", terminal, "AuthenticationFailed", "GITHUB_TOKEN"},
		"403":                  {1, "HTTP 403: Resource protected by organization SAML enforcement. (https://api.github.com/graphql)", terminal, "AuthenticationFailed", "single sign-on"},
		"fine-grained":         {1, "pull request create failed: GraphQL: Resource not accessible by personal access token (createPullRequest)", terminal, "AuthenticationFailed", "Pull requests read and write"},
		"scopes":               {1, "GraphQL: Your token has not been granted the required scopes to execute this query.", terminal, "AuthenticationFailed", "read:org"},
		"rate limit by 403":    {1, "HTTP 403: API rate limit exceeded for user ID 1. (https://api.github.com/graphql)", retry, "PullRequestFailed", ""},
		"secondary limit":      {1, "HTTP 403: You have exceeded a secondary rate limit.", retry, "PullRequestFailed", ""},
		"too quickly":          {1, "GraphQL: was submitted too quickly (createPullRequest)", retry, "PullRequestFailed", ""},
		"no repository":        {1, "GraphQL: Could not resolve to a Repository with the name 'acme/app'. (repository)", terminal, "RepositoryNotFound", "spec.repository.url"},
		"404":                  {1, "HTTP 404: Not Found (https://api.github.com/repos/acme/app)", terminal, "RepositoryNotFound", "spec.repository.url"},
		"label":                {1, "could not add label: 'nope' not found", terminal, "PullRequestFailed", "spec.pullRequest.labels"},
		"reviewer":             {1, "GraphQL: Could not resolve to a User with the login of 'bob'. (u000)", terminal, "PullRequestFailed", "spec.pullRequest.reviewers"},
		"author as reviewer":   {1, "pull request create failed: GraphQL: Review cannot be requested from pull request author.", terminal, "PullRequestFailed", "spec.pullRequest.reviewers"},
		"head not seen yet":    {1, "GraphQL: Head sha can't be blank, Base sha can't be blank, No commits between main and b, Head ref must be a branch (createPullRequest)", retry, "PullRequestFailed", ""},
		"base gone":            {1, "GraphQL: Base ref must be a branch (createPullRequest)", terminal, "PullRequestFailed", "baseBranch"},
		"no commits":           {1, "GraphQL: No commits between main and b (createPullRequest)", terminal, "PullRequestFailed", "already holds"},
		"no drafts":            {1, "GraphQL: Draft pull requests are not supported in this repository. (createPullRequest)", terminal, "PullRequestFailed", "draft to false"},
		"old gh":               {1, `Unknown JSON field: "headRefOid"`, terminal, "PullRequestFailed", "2.23.0"},
		"422":                  {1, "HTTP 422: Validation Failed", terminal, "PullRequestFailed", ""},
		"502":                  {1, "HTTP 502: 502 Bad Gateway (https://api.github.com/graphql)", retry, "PullRequestFailed", ""},
		"no network":           {1, "error connecting to api.github.com\ncheck your internet connection or https://githubstatus.com", retry, "PullRequestFailed", ""},
		"something unforeseen": {1, "boom", retry, "PullRequestFailed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			v := judge(c.code, c.stderr)
			g.Expect(v.policy).To(Equal(c.policy))
			g.Expect(v.reason).To(Equal(c.reason))
			g.Expect(v.advice).To(ContainSubstring(c.advice))
			if c.policy == terminal {
				g.Expect(v.advice).NotTo(BeEmpty(), "a person is told what to do")
			}
		})
	}
}

func TestTitle(t *testing.T) {
	g := NewWithT(t)
	g.Expect(title("  Add\ta\nREADME\x1b  ")).To(Equal("Add a README"))
	g.Expect([]rune(title(stringOf('ü', 300)))).To(HaveLen(256))
	g.Expect([]rune(title(stringOf('ü', 256)))).To(HaveLen(256))
	g.Expect(title(stringOf('ü', 256))).NotTo(ContainSubstring("…"))
}

func TestListValue(t *testing.T) {
	g := NewWithT(t)
	g.Expect(listValue("bug")).To(Equal("bug"))
	g.Expect(listValue("good, first")).To(Equal(`"good, first"`))
	g.Expect(listValue(`a "b"`)).To(Equal(`"a ""b"""`))
}

func stringOf(r rune, n int) string {
	out := make([]rune, n)
	for i := range out {
		out[i] = r
	}
	return string(out)
}
