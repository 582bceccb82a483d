package forge

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/agent-work-orders/awo/controller/process"
)

// Answer is what GitHub says to somebody who shows the token.
type Answer struct {
	Status int
	Header http.Header
	// Login is the user that the token belongs to; empty for the token of an app, which is nobody's.
	Login string
	// Message is what GitHub says about a refusal.
	Message string
}

// Scopes are what a classic token may do. known is false for a token of another kind: GitHub does not tell then.
func (a Answer) Scopes() (scopes []string, known bool) {
	for _, value := range a.Header.Values("X-Oauth-Scopes") {
		known = true
		for scope := range strings.SplitSeq(value, ",") {
			if scope = strings.TrimSpace(scope); scope != "" {
				scopes = append(scopes, scope)
			}
		}
	}
	return scopes, known
}

// Login asks GitHub whose the token is, by gh, as a pull request is opened. It changes nothing. An error means that
// there was no answer: it holds what gh says, and *process.ExitError.
func (g *GitHub) Login(ctx context.Context) (Answer, error) {
	answer, err := g.ask(ctx, "user")
	if err == nil && answer.Status == http.StatusForbidden {
		// The token of an app is no user's; but it has a rate limit.
		if app, appErr := g.ask(ctx, "rate_limit"); appErr == nil && app.Status == http.StatusOK {
			return Answer{Status: app.Status, Header: app.Header}, nil
		}
	}
	return answer, err
}

// ask makes one call to the API whose answer is wanted whatever its status is.
func (g *GitHub) ask(ctx context.Context, path string) (Answer, error) {
	token, err := g.token(g.config.Host)
	if err != nil {
		return Answer{}, err
	}
	result, err := g.config.Runner.Run(ctx, process.Command{
		Path: g.config.Path, Args: []string{"api", "--include", path}, Dir: "/", Env: g.environment(g.config.Host, token),
		Timeout: g.config.Timeout, MaxOutput: maxAnswer,
	})
	answer, parseErr := parseAnswer(result.Stdout)
	switch {
	case parseErr == nil:
		// gh takes a refusal for its own failure; here it is what was asked for.
		return answer, nil
	case err == nil:
		err = parseErr
	}
	return Answer{}, fmt.Errorf("asking %s who the token belongs to: %w", g.config.Host, err)
}

// parseAnswer reads what `gh api --include` prints: status line, header, body.
func parseAnswer(text []byte) (Answer, error) {
	reader := textproto.NewReader(bufio.NewReader(bytes.NewReader(text)))
	line, err := reader.ReadLine()
	if err != nil {
		return Answer{}, errors.New("gh printed no answer")
	}
	protocol, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if err != nil || !strings.HasPrefix(protocol, "HTTP/") {
		return Answer{}, errors.New("gh printed no HTTP answer")
	}
	header, err := reader.ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return Answer{}, fmt.Errorf("gh printed a torn HTTP answer: %w", err)
	}
	var body struct{ Login, Message string }
	// A body in another form tells nothing more; a proxy may have written it.
	_ = json.NewDecoder(reader.R).Decode(&body)
	return Answer{Status: status, Header: http.Header(header), Login: body.Login, Message: body.Message}, nil
}
