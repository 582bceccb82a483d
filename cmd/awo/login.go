package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/agent-work-orders/awo/controller/forge"
	"github.com/agent-work-orders/awo/controller/process"
)

// loginTimeout bounds one call to a service.
const loginTimeout = 20 * time.Second

// answer is what a service says to somebody who shows a credential. err means that there was none.
type answer struct {
	status int
	// who the credential belongs to, detail what the service says about a refusal.
	who, detail string
	date        string
	err         error
}

// checkLogin calls each service once with the credential that the controller would use.
func (d *doctor) checkLogin(ctx context.Context, r runner) []finding {
	found := append(d.loginGitHub(ctx, r), d.loginAnthropic(ctx)...)
	redactor := process.NewRedactor(d.secrets()...)
	for i := range found {
		found[i].detail, found[i].advice = redactor.String(found[i].detail), redactor.String(found[i].advice)
	}
	return found
}

// secrets are the values that no finding may show.
func (d *doctor) secrets() []string {
	names := []string{variableGitHubToken, variableGHToken, variableAPIKey, variableOAuthToken}
	// One that cannot be read is not known here, nor below.
	secrets, _ := d.tokenDir().all()
	token, _ := d.lookup(variableAuthToken)
	secrets = append(secrets, token)
	for _, name := range names {
		secret, _ := secretFromEnvironment(d.lookup, name)
		secrets = append(secrets, secret)
	}
	return slices.DeleteFunc(secrets, func(secret string) bool { return secret == "" })
}

// loginGitHub asks GitHub whose the token is and what it may do.
func (d *doctor) loginGitHub(ctx context.Context, r runner) []finding {
	const check = "github login"
	host := d.githubHost()
	token, err := d.githubToken(host)
	if err != nil {
		return []finding{{check, verdictFail, err.Error(), ""}}
	}
	if token == "" {
		return []finding{{check, verdictWarn, "not tried: there is no token", "set " + variableGitHubToken + " or " + variableGitHubToken + "_FILE"}}
	}
	got, err := d.githubClient(r, host, token).Login(ctx)
	a := githubAnswer(got, err)
	judged := judgeLogin(check, host, a, "make a new one at https://"+host+"/settings/tokens")
	if judged.verdict == verdictOK {
		judged = judgeScopes(judged, got)
	}
	return append([]finding{judged}, d.judgeClock(host, a.date)...)
}

// tokenDir is the folder of the hosts' own tokens.
func (d *doctor) tokenDir() tokenDir {
	dir, _ := d.lookup(variableTokenDir)
	return tokenDir(dir)
}

// githubToken is the token that the controller would use for a GitHub.
func (d *doctor) githubToken(host string) (string, error) {
	if token, found, err := d.tokenDir().token(host); found || err != nil {
		return token, err
	}
	return secretFromEnvironment(d.lookup, variableGitHubToken, variableGHToken)
}

// githubHost is where the token is tried.
func (d *doctor) githubHost() string {
	ours, _ := d.lookup("AWO_GITHUB_HOST")
	theirs, _ := d.lookup("GH_HOST")
	return cmp.Or(ours, theirs, forge.DefaultHost)
}

func (d *doctor) githubClient(r runner, host, token string) *forge.GitHub {
	configDir, _ := d.lookup("GH_CONFIG_DIR")
	return forge.NewGitHub(forge.GitHubConfig{
		Path: d.programPath("gh", "GH_CLI_PATH"), Runner: r, Environment: d.environ, Host: host, ConfigDir: configDir,
		Token: func(string) (string, error) { return token, nil }, Timeout: loginTimeout,
	})
}

// githubAnswer takes out of a failure of gh what gh said.
func githubAnswer(got forge.Answer, err error) answer {
	if exit, ok := errors.AsType[*process.ExitError](err); ok && exit.Stderr != "" {
		err = errors.New(strings.TrimSpace(exit.Stderr))
	}
	a := answer{status: got.Status, detail: got.Message, date: got.Header.Get("Date"), err: err}
	if got.Status == http.StatusOK {
		a.who = cmp.Or(got.Login, "an app's token, which is no user's")
	}
	return a
}

// judgeScopes adds to a good login what the token may do.
func judgeScopes(f finding, got forge.Answer) finding {
	scopes, known := got.Scopes()
	if !known {
		f.detail += ", no classic token: GitHub does not tell what it may do; it needs Contents and Pull requests read and write, and Workflows to change workflow files"
		return f
	}
	f.detail += ", scopes " + cmp.Or(strings.Join(scopes, " "), "none")
	var missing []string
	for _, scope := range []string{"repo", "workflow"} {
		if !contains(scopes, []string{scope}) {
			missing = append(missing, scope)
		}
	}
	if len(missing) > 0 {
		f.verdict = verdictWarn
		f.advice = "it lacks " + strings.Join(missing, " and ") + ": without repo it reaches no private repository and opens no pull request, without workflow it pushes no change of workflow files"
	}
	return f
}

// Variables that choose where claude finds its models.
const (
	variableAuthToken = "ANTHROPIC_AUTH_TOKEN" //nolint:gosec // the name of a variable
	variableBaseURL   = "ANTHROPIC_BASE_URL"
	anthropicURL      = "https://api.anthropic.com"
)

// loginAnthropic asks for the list of models, which costs nothing.
func (d *doctor) loginAnthropic(ctx context.Context) []finding {
	const check = "anthropic login"
	for _, other := range []string{"CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"} {
		if value, _ := d.lookup(other); value != "" && value != "0" && value != "false" {
			return []finding{{check, verdictWarn, "not tried: " + other + " is set, and claude logs in there by the means of that cloud", ""}}
		}
	}
	header, oauth, err := d.anthropicCredential()
	if err != nil {
		return []finding{{check, verdictFail, err.Error(), ""}}
	}
	if header == nil {
		return []finding{{check, verdictWarn, "not tried: there is no credential", "set " + variableAPIKey + " or " + variableOAuthToken + ", or its _FILE"}}
	}
	base, _ := d.lookup(variableBaseURL)
	base = strings.TrimRight(cmp.Or(base, anthropicURL), "/")
	a := d.askAnthropic(ctx, base, header)
	judged := judgeLogin(check, base, a, "make a new key at https://console.anthropic.com/settings/keys, or a new token by `claude setup-token`")
	return append([]finding{judgeModels(judged, a, oauth)}, d.judgeClock(base, a.date)...)
}

// judgeModels takes back a refusal that may only concern the list of models: it is not for tokens of every kind, and
// gateways need not have it.
func judgeModels(f finding, a answer, oauth bool) finding {
	unsupported := strings.Contains(a.detail, "not supported") || strings.Contains(a.detail, "not allowed") || strings.Contains(a.detail, "scope")
	switch {
	case oauth && (a.status == http.StatusForbidden || a.status == http.StatusUnauthorized && unsupported):
		return finding{f.check, verdictWarn, "the service is reached and knows the token, but does not list models for it, so nothing more is known: " + a.detail,
			"claude itself tells: claude -p hello"}
	case a.status == http.StatusNotFound:
		return finding{f.check, verdictWarn, "the service is reached but has no /v1/models, so the credential is not tried", "claude itself tells: claude -p hello"}
	}
	return f
}

// anthropicCredential is the header by which claude would log in: the API key before tokens.
func (d *doctor) anthropicCredential() (header http.Header, oauth bool, err error) {
	header = http.Header{"Anthropic-Version": {"2023-06-01"}}
	key, err := secretFromEnvironment(d.lookup, variableAPIKey)
	if err != nil {
		return nil, false, err
	}
	if key != "" {
		header.Set("X-Api-Key", key)
		return header, false, nil
	}
	if token, _ := d.lookup(variableAuthToken); token != "" {
		header.Set("Authorization", "Bearer "+token)
		return header, false, nil
	}
	token, err := secretFromEnvironment(d.lookup, variableOAuthToken)
	if err != nil || token == "" {
		return nil, false, err
	}
	header.Set("Authorization", "Bearer "+token)
	header.Set("Anthropic-Beta", "oauth-2025-04-20")
	return header, true, nil
}

// askAnthropic makes the call, with the certificates that claude would trust.
func (d *doctor) askAnthropic(ctx context.Context, base string, header http.Header) answer {
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v1/models?limit=1", http.NoBody)
	if err != nil {
		return answer{err: err}
	}
	req.Header = header
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: d.roots, MinVersion: tls.VersionTLS12},
	}
	res, err := (&http.Client{Transport: transport, CheckRedirect: stay}).Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	return readAnswer(res)
}

func readAnswer(res *http.Response) answer {
	var body struct {
		Error struct{ Message string }
	}
	// A body in another form tells nothing more; a proxy may have written it.
	_ = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&body)
	a := answer{status: res.StatusCode, detail: body.Error.Message, date: res.Header.Get("Date")}
	if name := res.Header.Get("Anthropic-Organization-Id"); name != "" {
		a.who = "organization " + name
	}
	return a
}
