package forge_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/forge"
	"github.com/agent-work-orders/awo/hack/scripted/github"
)

func TestEnsureOpensOne(t *testing.T) {
	f := setUp(t, github.Options{})
	p := f.order()
	p.Title, p.Draft = "--draft=false is\na strange title", true
	p.Labels, p.Reviewers = []string{"bug", "good, first"}, []string{"alice", "acme/core"}

	opened, err := f.ensure(p)
	f.Expect(err).NotTo(HaveOccurred())
	f.Expect(opened).To(Equal(forge.Opened{URL: "http://github.localhost/acme/app/pull/1", Number: 1, State: forge.StateOpen}))

	pulls := f.server.PullRequests("acme", "app")
	f.Expect(pulls).To(HaveLen(1))
	f.Expect(pulls[0]).To(And(
		HaveField("Title", "--draft=false is a strange title"), HaveField("Draft", true), HaveField("Head", branch), HaveField("Base", "main"),
		HaveField("Body", ContainSubstring(p.Marker)),
		HaveField("Labels", []string{"bug", "good, first"}), HaveField("Reviewers", []string{"alice", "acme/core"})))

	again, err := f.ensure(p)
	f.Expect(err).NotTo(HaveOccurred())
	f.Expect(again).To(Equal(forge.Opened{URL: opened.URL, Number: 1, State: forge.StateOpen, Adopted: true}))
	f.Expect(f.server.PullRequests("acme", "app")).To(HaveLen(1))
}

func TestEnsureKeepsTheTokenInTheEnvironmentOfGhAlone(t *testing.T) {
	f := setUp(t, github.Options{})
	_, err := f.ensure(f.order())
	f.Expect(err).NotTo(HaveOccurred())
	f.Expect(f.runner.calls).NotTo(BeEmpty())
	for _, c := range f.runner.calls {
		f.Expect(strings.Join(c.Args, " ")).NotTo(ContainSubstring(token))
		f.Expect(c.Env).To(ContainElements("GH_TOKEN="+token, "GH_HOST=github.localhost", "GH_PROMPT_DISABLED=1", "NO_COLOR=1",
			"GH_NO_UPDATE_NOTIFIER=1", "GH_CONFIG_DIR="+f.config.ConfigDir))
		for _, entry := range c.Env {
			f.Expect(entry).NotTo(Or(HavePrefix("GH_DEBUG="), HavePrefix("GH_REPO="), HavePrefix("GITHUB_TOKEN=")))
		}
		f.Expect(c.Timeout).To(BeNumerically(">", 0))
	}
}

func TestEnsureReadsTheTokenAtEachUse(t *testing.T) {
	f := setUp(t, github.Options{})
	current := "expired"
	f.config.Token = func(string) (string, error) { return current + "\n", nil }
	hub := forge.NewGitHub(f.config)
	_, err := hub.Ensure(t.Context(), f.order())
	f.fails(err, failure.Terminal, "AuthenticationFailed", "GITHUB_TOKEN")
	current = token
	_, err = hub.Ensure(t.Context(), f.order())
	f.Expect(err).NotTo(HaveOccurred())
}

func TestEachHostGetsItsOwnToken(t *testing.T) {
	f := setUp(t, github.Options{})
	f.config.Token = func(host string) (string, error) {
		return map[string]string{"github.localhost": token, "github.com": "the-token-of-github-com"}[host], nil
	}
	_, err := f.ensure(f.order())
	f.Expect(err).NotTo(HaveOccurred())
	for _, c := range f.runner.calls {
		f.Expect(c.Env).To(ContainElement("GH_TOKEN=" + token))
		f.Expect(c.Env).NotTo(ContainElement(ContainSubstring("the-token-of-github-com")))
	}
	hub := forge.NewGitHub(f.config)
	f.Expect(hub.Check(t.Context(), "https://github.com/acme/app")).To(Succeed())
	f.config.Token = func(host string) (string, error) { return map[string]string{"github.localhost": token}[host], nil }
	f.fails(forge.NewGitHub(f.config).Check(t.Context(), "https://github.com/acme/app"), failure.Terminal, "AuthenticationFailed", "github.com")
}

func TestEnsureAdoptsAfterACrashRightAfterCreation(t *testing.T) {
	ctx, crash := context.WithCancel(t.Context())
	f := setUp(t, github.Options{OnCreate: func(github.PullRequest) { crash() }})
	p := f.order()
	p.Labels, p.Reviewers = []string{"bug"}, []string{"alice", "acme/core"}
	_, err := forge.NewGitHub(f.config).Ensure(ctx, p)
	f.Expect(err).To(MatchError(context.Canceled))
	f.Expect(f.server.PullRequests("acme", "app")).To(HaveLen(1))

	opened, err := f.ensure(p)
	f.Expect(err).NotTo(HaveOccurred())
	f.Expect(opened.Adopted).To(BeTrue())
	f.Expect(opened.Incomplete).To(BeEmpty())
	f.Expect(f.server.PullRequests("acme", "app")).To(ConsistOf(And(
		HaveField("Labels", []string{"bug"}), HaveField("Reviewers", ConsistOf("alice", "acme/core")))))
}

func TestEnsureFindsWhatWasOpenedThoughTheAnswerWasLost(t *testing.T) {
	f := setUp(t, github.Options{})
	p := f.order()
	p.Reviewers = []string{"alice"}
	// The pull request is there by the time that asking for reviews fails.
	f.server.Fail("PullRequestCreateRequestReviews", http.StatusBadGateway, 1)
	opened, err := f.ensure(p)
	f.Expect(err).NotTo(HaveOccurred())
	f.Expect(opened.Number).To(BeEquivalentTo(1))
	f.Expect(opened.Incomplete).To(BeEmpty())
	f.Expect(f.server.PullRequests("acme", "app")[0].Reviewers).To(Equal([]string{"alice"}))
}

func TestEnsureSaysWhatCouldNotBeSet(t *testing.T) {
	f := setUp(t, github.Options{})
	p := f.order()
	p.Reviewers = []string{"alice"}
	f.server.Fail("PullRequestCreateRequestReviews", http.StatusBadGateway, 1)
	f.server.Fail("POST requested_reviewers", http.StatusUnprocessableEntity, 1)
	opened, err := f.ensure(p)
	f.Expect(err).NotTo(HaveOccurred())
	f.Expect(opened.URL).To(HaveSuffix("/pull/1"))
	f.Expect(opened.Incomplete).To(ContainSubstring("asking for reviews in github.localhost/acme/app"))
}

func TestEnsureMeetsWhatIsThere(t *testing.T) {
	marker := forge.Marker("order", "wo-00000002", 2)
	for name, c := range map[string]struct {
		there  github.PullRequest
		policy failure.Policy
		says   string
		state  string
	}{
		"closed by a person":          {there: github.PullRequest{State: github.Closed, Body: marker}, policy: failure.Terminal, says: "pull/1 was closed by a person, not opened again"},
		"a stranger's":                {there: github.PullRequest{Body: "mine"}, policy: failure.Terminal, says: "http://github.localhost/acme/app/pull/1"},
		"ours, somebody pushed to it": {there: github.PullRequest{Body: marker, HeadSHA: "0123"}, policy: failure.Retry, says: "stands at 0123"},
		"ours, merged":                {there: github.PullRequest{State: github.Merged, Body: "edited\n" + marker}, state: forge.StateMerged},
	} {
		t.Run(name, func(t *testing.T) {
			f := setUp(t, github.Options{})
			c.there.Owner, c.there.Name, c.there.Head, c.there.Base = "acme", "app", branch, "main"
			if c.there.HeadSHA == "" {
				c.there.HeadSHA = github.MadeUpSHA(branch)
			}
			_, err := f.server.AddPullRequest(c.there)
			f.Expect(err).NotTo(HaveOccurred())
			opened, err := f.ensure(f.order())
			f.Expect(f.server.PullRequests("acme", "app")).To(HaveLen(1))
			if c.says != "" {
				f.fails(err, c.policy, "PullRequestFailed", c.says)
				return
			}
			f.Expect(err).NotTo(HaveOccurred())
			f.Expect(opened).To(And(HaveField("Adopted", true), HaveField("State", c.state)))
		})
	}
}

func TestEnsureIgnoresAFork(t *testing.T) {
	f := setUp(t, github.Options{})
	_, err := f.server.AddPullRequest(github.PullRequest{
		Owner: "acme", Name: "app", Head: branch, Base: "release", CrossRepository: true, HeadSHA: github.MadeUpSHA(branch),
		Body: forge.Marker("order", "wo-00000002", 2),
	})
	f.Expect(err).NotTo(HaveOccurred())
	opened, err := f.ensure(f.order())
	f.Expect(err).NotTo(HaveOccurred())
	f.Expect(opened.Number).To(BeEquivalentTo(2))
}

func TestEnsureTakesOverThatOfAnEarlierRun(t *testing.T) {
	f := setUp(t, github.Options{})
	_, err := f.server.AddPullRequest(github.PullRequest{
		Owner: "acme", Name: "app", Head: branch, Base: "main", Title: "Old", Body: "old\n" + forge.Marker("order", "wo-00000001", 1),
	})
	f.Expect(err).NotTo(HaveOccurred())
	p := f.order()
	opened, err := f.ensure(p)
	f.Expect(err).NotTo(HaveOccurred())
	f.Expect(opened).To(And(HaveField("Number", int32(1)), HaveField("Adopted", true)))
	f.Expect(f.server.PullRequests("acme", "app")).To(ConsistOf(And(
		HaveField("Title", p.Title), HaveField("Body", And(ContainSubstring(p.Marker), Not(ContainSubstring("wo-00000001")))))))
}

func TestEnsureFailures(t *testing.T) {
	for name, c := range map[string]struct {
		options github.Options
		change  func(*forge.PullRequest)
		fail    int
		policy  failure.Policy
		reason  string
		says    string
	}{
		"unknown label":      {change: func(p *forge.PullRequest) { p.Labels = []string{"nope"} }, policy: failure.Terminal, reason: "PullRequestFailed", says: "spec.pullRequest.labels"},
		"unknown reviewer":   {change: func(p *forge.PullRequest) { p.Reviewers = []string{"bob"} }, policy: failure.Terminal, reason: "PullRequestFailed", says: "spec.pullRequest.reviewers"},
		"unknown team":       {change: func(p *forge.PullRequest) { p.Reviewers = []string{"acme/x"} }, policy: failure.Terminal, reason: "PullRequestFailed", says: "spec.pullRequest.reviewers"},
		"unknown repository": {change: func(p *forge.PullRequest) { p.Repository = "http://github.localhost/acme/nope" }, policy: failure.Terminal, reason: "RepositoryNotFound", says: "acme/nope"},
		"weak token":         {options: github.Options{Scopes: []string{"read:org"}}, policy: failure.Terminal, reason: "AuthenticationFailed", says: "scopes repo"},
		"unavailable":        {fail: http.StatusServiceUnavailable, policy: failure.Retry, reason: "PullRequestFailed", says: "503"},
		"forbidden":          {fail: http.StatusForbidden, policy: failure.Terminal, reason: "AuthenticationFailed", says: "403"},
		"not a repository":   {change: func(p *forge.PullRequest) { p.Repository = "http://github.localhost/acme/app/sub" }, policy: failure.Terminal, reason: "RepositoryNotFound", says: "OWNER/NAME"},
		"another host":       {change: func(p *forge.PullRequest) { p.Repository = "https://gitlab.com/acme/app" }, policy: failure.Terminal, reason: "PullRequestFailed", says: "GH_HOST"},
		"not a URL":          {change: func(p *forge.PullRequest) { p.Repository = "git@github.com:acme/app" }, policy: failure.Terminal, reason: "InvalidSpec", says: "spec.repository.url"},
		"branch not seen yet": {options: github.Options{HeadSHA: func(_, _, b string) (string, bool) { return github.MadeUpSHA(b), b == "main" }},
			policy: failure.Retry, reason: "PullRequestFailed", says: "Head ref must be a branch"},
		"no commits": {options: github.Options{HeadSHA: func(string, string, string) (string, bool) { return "aaaa", true }},
			policy: failure.Terminal, reason: "PullRequestFailed", says: "already holds"},
	} {
		t.Run(name, func(t *testing.T) {
			f := setUp(t, c.options)
			p := f.order()
			if c.change != nil {
				c.change(&p)
			}
			f.server.Fail("", c.fail, c.fail)
			_, err := f.ensure(p)
			f.fails(err, c.policy, c.reason, c.says)
			f.Expect(f.server.PullRequests("acme", "app")).To(BeEmpty())
		})
	}
}

func TestEnsureWithoutTheServer(t *testing.T) {
	f := setUp(t, github.Options{})
	f.Expect(f.server.Close()).To(Succeed())
	_, err := f.ensure(f.order())
	f.fails(err, failure.Retry, "PullRequestFailed", "looking for the pull request of branch "+branch)
}

func TestEnsureGivesUpOnASilentServer(t *testing.T) {
	f := setUp(t, github.Options{})
	f.server.Delay(time.Hour)
	f.config.Timeout = 200 * time.Millisecond
	_, err := f.ensure(f.order())
	f.fails(err, failure.Retry, "PullRequestFailed", "timed out")
}

func TestCheck(t *testing.T) {
	f := setUp(t, github.Options{})
	f.Expect(forge.NewGitHub(f.config).Check(t.Context(), repository)).To(Succeed())
	f.Expect(f.server.Requests()).To(BeEmpty())

	missing := f.config
	missing.Path = "gh-that-is-not-there"
	f.fails(forge.NewGitHub(missing).Check(t.Context(), repository), failure.Terminal, "PullRequestFailed", "GH_CLI_PATH")
	_, err := forge.NewGitHub(missing).Ensure(t.Context(), f.order())
	f.fails(err, failure.Terminal, "PullRequestFailed", "GH_CLI_PATH")

	f.config.Token = func(string) (string, error) { return " \n", nil }
	err = forge.NewGitHub(f.config).Check(t.Context(), repository)
	f.fails(err, failure.Terminal, "AuthenticationFailed", "GITHUB_TOKEN")
	f.Expect(err.Error()).To(And(ContainSubstring("github.localhost"), ContainSubstring("scopes repo")))

	f.config.Token = func(string) (string, error) { return "", errors.New("permission denied") }
	f.fails(forge.NewGitHub(f.config).Check(t.Context(), repository), failure.Retry, "AuthenticationFailed", "permission denied")
}

func TestVersion(t *testing.T) {
	f := setUp(t, github.Options{})
	version, err := forge.NewGitHub(f.config).Version(t.Context())
	f.Expect(err).NotTo(HaveOccurred())
	f.Expect(version).NotTo(BeEmpty())
	f.Expect(f.runner.calls[0].Env).NotTo(ContainElement(HavePrefix("GH_TOKEN=")))

	f.config.Path = "/bin/true"
	_, err = forge.NewGitHub(f.config).Version(t.Context())
	f.Expect(err).To(MatchError(ContainSubstring("does not look like gh")))
	f.config.Path = "/bin/false"
	_, err = forge.NewGitHub(f.config).Version(t.Context())
	f.Expect(err).To(MatchError(ContainSubstring("version")))
}
