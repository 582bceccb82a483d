package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/agent-work-orders/awo/controller/server"
)

const testToken = "0123456789abcdef0123"

// answering is a controller's endpoint: /health is open, /secret wants the token, the rest is not there.
func answering(t *testing.T, health int) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/health":
			w.WriteHeader(health)
			_, _ = fmt.Fprintln(w, "state of health")
		case r.URL.Path == "/away":
			http.Redirect(w, r, "/health", http.StatusFound)
		case r.Header.Get("Authorization") != "Bearer "+testToken:
			http.Error(w, "who are you", http.StatusUnauthorized)
		default:
			_, _ = fmt.Fprintln(w, "orders")
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestGetRaw(t *testing.T) {
	well, ill := answering(t, http.StatusOK), answering(t, http.StatusServiceUnavailable)
	port := well.URL[strings.LastIndex(well.URL, ":")+1:]
	for name, tt := range map[string]struct {
		args        []string
		address     string
		token       bool
		variables   map[string]string
		out, errOut string
		code        int
	}{
		"healthy":               {address: well.URL, out: "state of health\n"},
		"unhealthy":             {address: ill.URL, out: "state of health\n", errOut: "error: " + ill.URL + "/health answered 503 Service Unavailable\n", code: 1},
		"by the token":          {args: []string{"--raw=/secret"}, address: well.URL, token: true, out: "orders\n"},
		"without a token":       {args: []string{"--raw=/secret"}, address: well.URL, out: "who are you\n", errOut: "answered 401 Unauthorized, and no token could be sent: reading the token", code: 1},
		"redirection":           {args: []string{"--raw=/away"}, address: well.URL, errOut: "answered 302 Found", out: "/health", code: 1},
		"by variable":           {variables: map[string]string{"ARCHON_AWO_PORT": port, "AWO_BIND_ADDRESS": "0.0.0.0"}, out: "state of health\n"},
		"by our own variable":   {variables: map[string]string{"AWO_PORT": port, "ARCHON_AWO_PORT": "1"}, out: "state of health\n"},
		"bad variable":          {variables: map[string]string{"ARCHON_AWO_PORT": "x"}, errOut: `ARCHON_AWO_PORT: "x" is not a port`, code: 1},
		"nobody listens":        {variables: map[string]string{"ARCHON_AWO_PORT": "1"}, errOut: "no controller answers at http://127.0.0.1:1 (from ARCHON_AWO_PORT): dial tcp", code: 1},
		"named":                 {args: []string{"--raw=/health", "--server", well.URL + "/"}, address: ill.URL, out: "state of health\n"},
		"named gets no token":   {args: []string{"--raw=/secret", "--server", well.URL}, token: true, out: "who are you\n", errOut: "set AWO_SERVER_TOKEN", code: 1},
		"named, with its token": {args: []string{"--raw=/secret", "--server", well.URL}, variables: map[string]string{"AWO_SERVER_TOKEN": testToken}, out: "orders\n"},
		"no URL":                {args: []string{"--raw=/health", "--server", "127.0.0.1:8888"}, errOut: "it must be a URL such as", code: 1},
		"no path":               {args: []string{"--raw=health"}, errOut: "it must be a path that begins with /", code: 1},
		"empty path":            {args: []string{"--raw="}, errOut: "it must be a path that begins with /", code: 1},
		"with a name":           {args: []string{"--raw=/health", "x"}, errOut: "arguments may not be passed when --raw is specified", code: 1},
		"with -o":               {args: []string{"--raw=/health", "-o", "yaml"}, errOut: "--raw and --output may not be used together", code: 1},
		"--server alone":        {args: []string{"--server", well.URL}, errOut: "--server works with --raw alone", code: 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			dir := t.TempDir()
			if tt.address != "" {
				g.Expect(server.WriteAddress(filepath.Join(dir, server.AddressFileName), tt.address, os.WriteFile)).To(Succeed())
			}
			if tt.token {
				g.Expect(os.WriteFile(filepath.Join(dir, server.TokenFileName), []byte(testToken), 0o600)).To(Succeed())
			}
			var out, errOut bytes.Buffer
			root := rootCommand(&globalOptions{
				streams: genericiooptions.IOStreams{Out: &out, ErrOut: &errOut}, lookup: lookupIn(tt.variables),
			})
			if tt.args == nil {
				tt.args = []string{"--raw", "/health"}
			}
			root.SetArgs(append([]string{"get", "--data-dir", dir}, tt.args...))
			g.Expect(report(root.ExecuteContext(t.Context()), &errOut)).To(Equal(tt.code))
			g.Expect(out.String()).To(ContainSubstring(tt.out))
			g.Expect(errOut.String()).To(ContainSubstring(tt.errOut))
			if tt.errOut == "" {
				g.Expect(errOut.String()).To(BeEmpty())
			}
		})
	}
}
