package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/agent-work-orders/awo/controller/server"
)

// How long a controller may take to be reached, and to begin its answer.
const (
	dialTimeout   = 2 * time.Second
	answerTimeout = 5 * time.Second
)

// defaultPort is where the controller listens when nothing else is said.
const defaultPort = 8888

// variableServerToken holds the token for a controller whose data directory is not here.
const variableServerToken = "AWO_SERVER_TOKEN" //nolint:gosec // the name of a variable

// endpoint is the HTTP endpoint of a controller, as a client sees it.
type endpoint struct {
	// url has no path; from says where it was found, for messages.
	url, from string
	token     string
	// noToken is why there is none; nil if there is one.
	noToken error
	// proxy chooses a proxy; nil for none, as for a controller on this machine.
	proxy func(*http.Request) (*url.URL, error)
}

// endpoint finds the controller: at the URL that is named, else where the data directory says that it listens, else
// where the variables of the controller would have it listen.
func (g *globalOptions) endpoint(named string) (endpoint, error) {
	if named != "" {
		return g.remoteEndpoint(named)
	}
	layout, err := g.layout()
	if err != nil {
		return endpoint{}, err
	}
	at := endpoint{from: filepath.Join(layout.Root, server.AddressFileName)}
	at.url, err = server.ReadAddress(at.from)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		at.url, at.from, err = g.configuredAddress()
	}
	if err != nil {
		return endpoint{}, err
	}
	at.token, at.noToken = server.ReadToken(layout.TokenFile())
	return at, nil
}

// remoteEndpoint is a controller by its URL. The token of the data directory here is not sent there: who does not run
// on this machine gets AWO_SERVER_TOKEN.
func (g *globalOptions) remoteEndpoint(named string) (endpoint, error) {
	u, err := url.Parse(named)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return endpoint{}, fmt.Errorf("--server %q: it must be a URL such as http://127.0.0.1:%d", named, defaultPort)
	}
	at := endpoint{url: strings.TrimRight(named, "/"), from: "--server", proxy: http.ProxyFromEnvironment}
	if at.token, err = secretFromEnvironment(g.lookup, variableServerToken); err != nil {
		return endpoint{}, err
	}
	if at.token == "" {
		at.noToken = fmt.Errorf("set %s or %s_FILE to what server-token in the controller's data directory holds",
			variableServerToken, variableServerToken)
	}
	return at, nil
}

// configuredAddress is where a controller of this environment listens.
func (g *globalOptions) configuredAddress() (address, source string, err error) {
	port, from := strconv.Itoa(defaultPort), "the default port"
	for _, name := range []string{"ARCHON_AWO_PORT", "AWO_PORT"} {
		if value, _ := g.lookup(name); value != "" {
			port, from = value, name
		}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", "", fmt.Errorf("%s: %q is not a port, a whole number from 0 to 65535", from, port)
	}
	return "http://" + net.JoinHostPort(g.bindAddress(), port), from, nil
}

// bindAddress is the address that a controller of this environment is reached at.
func (g *globalOptions) bindAddress() string {
	bind, _ := g.lookup("AWO_BIND_ADDRESS")
	if ip := net.ParseIP(bind); ip != nil && ip.IsUnspecified() {
		bind = ""
	}
	return cmp.Or(bind, "127.0.0.1")
}

func (e endpoint) client() *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{Proxy: e.proxy, DialContext: dialer.DialContext, ResponseHeaderTimeout: answerTimeout, DisableKeepAlives: true}
	return &http.Client{Transport: transport, CheckRedirect: stay}
}

// stay keeps a client from following where an answer leads: its secret is for one address and no other.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// get asks for a path. The body is the caller's to close.
func (e endpoint) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", path, err)
	}
	if e.token != "" {
		req.Header.Set("Authorization", "Bearer "+e.token)
	}
	res, err := e.client().Do(req)
	if err != nil {
		// The URL stands in the message already.
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return nil, fmt.Errorf("no controller answers at %s (from %s): %w; start `awo controller`, or name its data directory by --data-dir or its URL by --server",
			e.url, e.from, err)
	}
	return res, nil
}
