package github_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/hack/scripted/github"
)

// token is what the server lets in.
const token = "ghp_scripted"

// start returns a server that knows acme/app, with a label, a user and a team.
func start(t *testing.T, o github.Options) *github.Server {
	t.Helper()
	o.Token = token
	s, err := github.New(o)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = s.Close() })
	s.AddRepository(github.Repository{
		Owner: "acme", Name: "app", DefaultBranch: "trunk",
		Labels: []string{"bug", "good, first"}, Users: []string{"alice"}, Teams: []string{"core"},
	})
	return s
}

// answer is what gh left behind.
type answer struct {
	code           int
	stdout, stderr string
}

// gh runs the real gh against a server.
func gh(t *testing.T, s *github.Server, withToken string, args ...string) answer {
	t.Helper()
	path := os.Getenv("GH_CLI_PATH")
	if path == "" {
		path = "gh"
	}
	path, err := exec.LookPath(path)
	if err != nil {
		if os.Getenv("AWO_E2E_REQUIRED") == "1" {
			t.Fatalf("AWO_E2E_REQUIRED=1 and there is no gh: %v", err)
		}
		t.Skipf("left out, for there is no gh: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(s.Environment(), "PATH="+os.Getenv("PATH"), "HOME="+cmd.Dir, "GH_TOKEN="+withToken,
		"GH_PROMPT_DISABLED=1", "NO_COLOR=1", "GH_NO_UPDATE_NOTIFIER=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run()
	return answer{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// create runs `gh pr create` on acme/app.
func create(t *testing.T, s *github.Server, more ...string) answer {
	t.Helper()
	return gh(t, s, token, append([]string{
		"pr", "create", "--repo", "github.localhost/acme/app", "--head=awo/x", "--base=trunk", "--title=A title", "--body=The text",
	}, more...)...)
}

func TestCreateAndList(t *testing.T) {
	g := NewWithT(t)
	s := start(t, github.Options{})

	a := create(t, s, "--draft", "--label=bug", `--label="good, first"`, "--reviewer=alice", "--reviewer=acme/core")
	g.Expect(a.code).To(Equal(0), a.stderr)
	g.Expect(strings.TrimSpace(a.stdout)).To(Equal("http://github.localhost/acme/app/pull/1"))

	pulls := s.PullRequests("ACME", "App")
	g.Expect(pulls).To(HaveLen(1))
	g.Expect(pulls[0]).To(Equal(github.PullRequest{
		Owner: "acme", Name: "app", Number: 1, URL: "http://github.localhost/acme/app/pull/1", State: github.Open,
		Title: "A title", Body: "The text", Head: "awo/x", Base: "trunk", HeadSHA: github.MadeUpSHA("awo/x"), Draft: true,
		Labels: []string{"bug", "good, first"}, Reviewers: []string{"alice", "acme/core"},
	}))

	g.Expect(s.ChangePullRequest("acme", "app", 1, func(p *github.PullRequest) { p.State = github.Merged })).To(Succeed())
	l := gh(t, s, token, "pr", "list", "--repo=github.localhost/acme/app", "--head=awo/x", "--state=all",
		"--json=number,url,state,body,headRefName,headRefOid,baseRefName,isDraft,isCrossRepository")
	g.Expect(l.code).To(Equal(0), l.stderr)
	var listed []map[string]any
	g.Expect(json.Unmarshal([]byte(l.stdout), &listed)).To(Succeed())
	g.Expect(listed).To(ConsistOf(HaveKeyWithValue("headRefOid", github.MadeUpSHA("awo/x"))))
	g.Expect(listed[0]).To(And(HaveKeyWithValue("state", "MERGED"), HaveKeyWithValue("isDraft", true), HaveKeyWithValue("body", "The text")))

	open := gh(t, s, token, "pr", "list", "--repo=github.localhost/acme/app", "--json=number")
	g.Expect(open.stdout).To(MatchJSON("[]"))
	v := gh(t, s, token, "pr", "view", "1", "--repo=github.localhost/acme/app", "--json=title")
	g.Expect(v.stdout).To(MatchJSON(`{"title":"A title"}`), v.stderr)
}

func TestRefusals(t *testing.T) {
	noBranch := func(_, _, branch string) (string, bool) { return github.MadeUpSHA(branch), branch == "trunk" }
	noBase := func(_, _, branch string) (string, bool) { return github.MadeUpSHA(branch), branch != "trunk" }
	same := func(string, string, string) (string, bool) { return github.MadeUpSHA("one"), true }
	for name, c := range map[string]struct {
		options github.Options
		args    []string
		stderr  string
	}{
		"unknown label":      {args: []string{"--label=nope"}, stderr: "'nope' not found"},
		"unknown reviewer":   {args: []string{"--reviewer=bob"}, stderr: "Could not resolve to a User with the login of 'bob'"},
		"unknown team":       {args: []string{"--reviewer=acme/nope"}, stderr: "not found"},
		"no head":            {options: github.Options{HeadSHA: noBranch}, stderr: "Head ref must be a branch"},
		"no base":            {options: github.Options{HeadSHA: noBase}, stderr: "Base ref must be a branch"},
		"no commits":         {options: github.Options{HeadSHA: same}, stderr: "No commits between trunk and awo/x"},
		"unknown repository": {args: []string{"--repo=github.localhost/acme/nope"}, stderr: "Could not resolve to a Repository with the name 'acme/nope'"},
		"long title":         {args: []string{"--title=" + strings.Repeat("x", 257)}, stderr: "Title is too long"},
		"long body":          {args: []string{"--body=" + strings.Repeat("x", 65537)}, stderr: "Body is too long"},
		"weak token":         {options: github.Options{Scopes: []string{"read:org"}}, stderr: "has not been granted the required scopes"},
		"no read:org":        {options: github.Options{Scopes: []string{"repo"}}, args: []string{"--reviewer=acme/core"}, stderr: "has not been granted the required scopes"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			s := start(t, c.options)
			a := create(t, s, c.args...)
			g.Expect(a.code).To(Equal(1), a.stdout)
			g.Expect(a.stderr).To(ContainSubstring(c.stderr))
			g.Expect(s.PullRequests("acme", "app")).To(BeEmpty())
		})
	}
}

func TestSecondPullRequestIsRefusedByTheServerToo(t *testing.T) {
	g := NewWithT(t)
	s := start(t, github.Options{})
	g.Expect(create(t, s).code).To(Equal(0))
	a := create(t, s)
	g.Expect(a.code).To(Equal(1))
	g.Expect(a.stderr).To(ContainSubstring("already exists:\nhttp://github.localhost/acme/app/pull/1"))

	// gh looks first; a race reaches the mutation itself.
	id := post(t, s, "bearer "+token, `{"query":"query RepositoryInfo { x }","variables":{"owner":"acme","name":"app"}}`)
	g.Expect(id).To(ContainSubstring(`"id":"R_1"`))
	body := post(t, s, "bearer "+token, `{"query":"mutation PullRequestCreate($i: X!) { x }","variables":{"input":`+
		`{"repositoryId":"R_1","headRefName":"awo/x","baseRefName":"trunk","title":"t"}}}`)
	g.Expect(body).To(ContainSubstring("A pull request already exists for acme:awo/x."))
	g.Expect(s.PullRequests("acme", "app")).To(HaveLen(1))
}

func TestTokenIsAskedFor(t *testing.T) {
	g := NewWithT(t)
	s := start(t, github.Options{})
	a := gh(t, s, "ghp_wrong", "pr", "list", "--repo=github.localhost/acme/app")
	g.Expect(a.code).To(Equal(1))
	g.Expect(a.stderr).To(ContainSubstring("HTTP 401"))
	g.Expect(s.Requests()).To(ContainElement(And(HaveField("Authorized", false), HaveField("Status", 401))))
	_, err := github.New(github.Options{})
	g.Expect(err).To(HaveOccurred())
}

func TestOrderedFailuresAndRequests(t *testing.T) {
	g := NewWithT(t)
	s := start(t, github.Options{})
	s.Fail("PullRequestCreate", http.StatusBadGateway, 1)
	a := create(t, s)
	g.Expect(a.code).To(Equal(1))
	g.Expect(a.stderr).To(ContainSubstring("502"))
	g.Expect(create(t, s).code).To(Equal(0))
	g.Expect(s.Operations()).To(Equal([]string{
		"RepositoryInfo", "PullRequestForBranch", "PullRequestCreate", "RepositoryInfo", "PullRequestForBranch", "PullRequestCreate",
	}))
}

func TestCrashWindow(t *testing.T) {
	g := NewWithT(t)
	ctx, crash := context.WithCancel(t.Context())
	var seen []github.PullRequest
	s := start(t, github.Options{OnCreate: func(p github.PullRequest) {
		seen = append(seen, p)
		crash()
		<-ctx.Done()
	}})
	g.Expect(create(t, s).code).To(Equal(0))
	g.Expect(seen).To(HaveLen(1))
	g.Expect(seen[0].Number).To(Equal(1))
}

func TestDelayEndsWithTheClient(t *testing.T) {
	g := NewWithT(t)
	s := start(t, github.Options{})
	s.Delay(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/api/v3/", http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	_, err = http.DefaultClient.Do(req) //nolint:bodyclose // there is none
	g.Expect(err).To(MatchError(context.DeadlineExceeded))
}

func TestRESTOfAnOpenOne(t *testing.T) {
	g := NewWithT(t)
	s := start(t, github.Options{})
	_, err := s.AddPullRequest(github.PullRequest{Owner: "acme", Name: "app", Head: "awo/x", Base: "trunk", Body: "old"})
	g.Expect(err).NotTo(HaveOccurred())
	api := func(args ...string) answer {
		return gh(t, s, token, append([]string{"api", "--hostname=github.localhost"}, args...)...)
	}

	g.Expect(api("--method=POST", "repos/acme/app/issues/1/labels", "-flabels[]=bug").code).To(Equal(0))
	g.Expect(api("--method=POST", "repos/acme/app/pulls/1/requested_reviewers", "-freviewers[]=alice", "-fteam_reviewers[]=core").code).To(Equal(0))
	g.Expect(api("--method=PATCH", "repos/acme/app/pulls/1", "-fbody=new", "-ftitle=New").code).To(Equal(0))
	g.Expect(api("--method=POST", "repos/acme/app/pulls/1/requested_reviewers", "-freviewers[]=bob").stderr).To(ContainSubstring("HTTP 422"))
	g.Expect(api("repos/acme/app/pulls/2").stderr).To(ContainSubstring("HTTP 404"))
	g.Expect(s.PullRequests("acme", "app")).To(ConsistOf(And(
		HaveField("Body", "new"), HaveField("Title", "New"), HaveField("Labels", []string{"bug"}),
		HaveField("Reviewers", []string{"alice", "acme/core"}))))
	_, err = s.AddPullRequest(github.PullRequest{Owner: "acme", Name: "nope"})
	g.Expect(err).To(HaveOccurred())
	g.Expect(s.ChangePullRequest("acme", "app", 9, func(*github.PullRequest) {})).NotTo(Succeed())
}

func TestUnknownOperationIsNotGuessedAt(t *testing.T) {
	g := NewWithT(t)
	s := start(t, github.Options{})
	g.Expect(post(t, s, "token "+token, `{"query":"query Nobody { x }"}`)).To(ContainSubstring("does not know the operation Nobody"))
}

func TestOtherHostsAreNotTheAPI(t *testing.T) {
	g := NewWithT(t)
	other := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "git at "+r.Host) })
	s := start(t, github.Options{Other: other})
	proxy, err := url.Parse(s.URL())
	g.Expect(err).NotTo(HaveOccurred())
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.RepositoryURL("acme", "app"), http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	resp, err := client.Do(req)
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(body)).To(Equal("git at github.localhost"))
}

// post sends a GraphQL request without gh.
func post(t *testing.T, s *github.Server, authorization, body string) string {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://api.github.localhost/graphql", strings.NewReader(body))
	req.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	return w.Body.String()
}
