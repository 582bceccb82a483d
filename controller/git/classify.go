package git

import (
	"errors"
	"fmt"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
)

// kind is what went wrong between git and a remote.
type kind int

const (
	kindUnknown kind = iota
	kindNoCredentials
	kindBadCredentials
	kindForbidden
	kindNotFound
	kindNotRepository
	kindOwner
	kindRedirect
	kindTLS
	kindNetwork
	kindServer
	kindRefused
	kindProtocol
	kindDiskFull
	kindCorrupt
)

// sign is a piece of git's text and what it tells.
type sign struct {
	text string
	kind kind
}

// signs are looked for in this order. Git has exit code 128 for all of them and no structured form, so its text, fixed
// by LC_ALL=C, is all there is. What the server says (remote: ...) is left out before, or a server could
// choose the kind.
var signs = []sign{
	{"could not read Username for", kindNoCredentials},
	{"could not read Password for", kindNoCredentials},
	{"Authentication failed for", kindBadCredentials},
	{"The requested URL returned error: 401", kindBadCredentials},
	{"The requested URL returned error: 403", kindForbidden},
	{"fatal: repository '' not found", kindNotFound},
	{"The requested URL returned error: 404", kindNotFound},
	{"The requested URL returned error: 410", kindNotFound},
	{"The requested URL returned error: 30", kindRedirect},
	{"unable to update url base from redirection", kindRedirect},
	{"does not appear to be a git repository", kindNotRepository},
	{"is this a git repository?", kindNotRepository},
	{"invalid gitfile format", kindNotRepository},
	{"no path in gitfile", kindNotRepository},
	{"not a git repository: /", kindNotRepository},
	{"detected dubious ownership", kindOwner},
	{"certificate verification failed", kindTLS},
	{"SSL certificate problem", kindTLS},
	{"No space left on device", kindDiskFull},
	{"Disk quota exceeded", kindDiskFull},
	{"The requested URL returned error: 408", kindServer},
	{"The requested URL returned error: 429", kindServer},
	{"The requested URL returned error: 4", kindRefused},
	{"The requested URL returned error: ", kindServer},
	{"Could not resolve host", kindNetwork},
	{"Could not resolve proxy", kindNetwork},
	{"Failed to connect to", kindNetwork},
	{"Couldn't connect to server", kindNetwork},
	{"Connection refused", kindNetwork},
	{"Connection reset", kindNetwork},
	{"timed out", kindNetwork},
	{"Operation too slow", kindNetwork},
	{"Empty reply from server", kindNetwork},
	{"the remote end hung up", kindNetwork},
	{"early EOF", kindNetwork},
	{"unexpected disconnect", kindNetwork},
	{"RPC failed", kindNetwork},
	{"transfer closed with", kindNetwork},
	{"TLS connection was non-properly terminated", kindNetwork},
	{"gnutls_handshake() failed", kindTLS},
	{"SSL routines", kindTLS},
	{"transport '' not allowed", kindProtocol},
	{"is corrupt", kindCorrupt},
	{"bad object", kindCorrupt},
	{"unable to read tree", kindCorrupt},
	{"missing blob", kindCorrupt},
	{"unable to parse object", kindCorrupt},
	{"did not send all necessary objects", kindCorrupt},
}

// kindOf reads what git printed on stderr.
func kindOf(stderr string) kind {
	text := ownWords(stderr)
	for _, s := range signs {
		if strings.Contains(text, s.text) {
			return s.kind
		}
	}
	return kindUnknown
}

// ownWords takes out of git's stderr what it passes on from the server, and what stands in quotes: names of
// repositories and refs could hold any text.
func ownWords(stderr string) string {
	var own strings.Builder
	for line := range strings.SplitSeq(stderr, "\n") {
		line, _, _ = strings.Cut(line, "remote error:")
		if strings.HasPrefix(strings.TrimSpace(line), "remote:") {
			continue
		}
		for i, part := range strings.Split(line, "'") {
			if i%2 == 0 {
				own.WriteString(part)
			} else {
				own.WriteString("''")
			}
		}
		own.WriteByte('\n')
	}
	return own.String()
}

// access is what a failure with a remote needs to be explained.
type access struct {
	url, host, scheme string
	// token says that a token was offered, own that the host has it for itself, listed that the host is one of those that
	// may get the common one.
	token, own, listed bool
}

func (c *Client) access(l location) access {
	// One that cannot be read has ended the call before.
	token, own, _ := c.token(l)
	return access{
		url: l.url, host: l.host, scheme: l.scheme,
		token: token != "", own: own, listed: v1alpha1.HostAllowed(l.host, c.config.Hosts),
	}
}

// explain turns the error of a git that spoke to a remote into a failure with its policy. fallback is the reason where
// none is more exact: CloneFailed or PushRejected.
func explain(a access, fallback string, err error) error {
	if _, typed := errors.AsType[*failure.Error](err); typed {
		return err
	}
	stderr, timedOut, ok := said(err)
	if !ok {
		return failure.NewRetry(fallback, err)
	}
	if timedOut {
		return failure.NewRetry(fallback, fmt.Errorf("%s did not answer in time: %w", a.url, err))
	}
	return verdict(a, fallback, kindOf(stderr), err)
}

// verdict is the policy, the reason and the next step for each kind.
func verdict(a access, fallback string, k kind, err error) error {
	terminal := func(reason, format string, args ...any) error {
		return failure.NewTerminal(reason, fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err))
	}
	switch k {
	case kindNoCredentials, kindBadCredentials, kindForbidden:
		return terminal(v1alpha1.ReasonAuthenticationFailed, "%s refuses access: %s", a.url, a.advice())
	case kindNotFound:
		return terminal(v1alpha1.ReasonRepositoryNotFound, "repository %s is not there or is hidden from us: check the URL; %s",
			a.url, a.advice())
	case kindNotRepository:
		return terminal(v1alpha1.ReasonRepositoryNotFound, "%s is not a git repository: check spec.repository.url", a.url)
	case kindOwner:
		return terminal(fallback, "%s belongs to another user, and git refuses to work there: "+
			"run the controller as its owner, or change its owner (chown -R)", a.url)
	case kindRedirect:
		return terminal(fallback, "%s redirects to another address, which is not followed: put the final address into spec.repository.url", a.url)
	case kindTLS:
		return terminal(fallback, "the connection to %s is not trusted: give the controller its authority's certificate in GIT_SSL_CAINFO", a.host)
	case kindProtocol:
		return terminal(v1alpha1.ReasonInvalidSpec, "git may not use the protocol of %s: use https", a.url)
	case kindDiskFull:
		return diskFull(err)
	case kindNetwork:
		return failure.NewRetry(fallback, fmt.Errorf("%s can't be reached: %w", a.host, err))
	case kindServer:
		return failure.NewRetry(fallback, fmt.Errorf("%s is in trouble or asks to wait: %w", a.host, err))
	case kindRefused:
		return terminal(fallback, "%s does not accept the request: check spec.repository.url, and a proxy in between", a.host)
	case kindUnknown, kindCorrupt:
	}
	return failure.NewRetry(fallback, err)
}

// diskFull says that the disk of the data directory has no room for what git writes.
func diskFull(err error) error {
	return failure.NewRetry(v1alpha1.ReasonDiskFull, fmt.Errorf("the disk of the data directory is full; free some space: %w", err))
}

// advice says what to do about credentials.
func (a access) advice() string {
	switch {
	case a.scheme == schemeFile:
		return "see to it that the controller's user may read and write it"
	case a.own:
		return "the token for " + a.host + " (its file in AWO_GIT_TOKEN_DIR) must be valid and allowed to read and write this repository"
	case a.token:
		return "the token for " + a.host + " (GITHUB_TOKEN) must be valid and allowed to read and write this repository (contents, pull requests)"
	case a.listed:
		return "no token is configured for " + a.host + ": start the controller with GITHUB_TOKEN or GITHUB_TOKEN_FILE"
	}
	return "no token is sent to " + a.host + ", for AWO_GIT_HOSTS does not name it: add it there and configure a token, or give it one of its own in AWO_GIT_TOKEN_DIR"
}
