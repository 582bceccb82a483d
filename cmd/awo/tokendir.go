package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// variableTokenDir names the folder of the hosts' own tokens.
const variableTokenDir = "AWO_GIT_TOKEN_DIR" //nolint:gosec // the name of a variable

// tokenDir is a folder with a file for each host that has a token of its own, named by it: github.com,
// ghe.example.com:8443. It is read anew at each use, so that tokens may come, change and go. Empty: there is none.
type tokenDir string

// token returns the token of a host: that of HOST:PORT, else that of HOST. found tells whether a file names the host.
func (d tokenDir) token(host string) (token string, found bool, err error) {
	if d == "" || strings.ContainsRune(host, os.PathSeparator) {
		return "", false, nil
	}
	for _, name := range []string{host, (&url.URL{Host: host}).Hostname()} {
		if name == "" || strings.HasPrefix(name, ".") {
			continue
		}
		token, err := readSecret(variableTokenDir, filepath.Join(string(d), strings.ToLower(name)))
		if !errors.Is(err, fs.ErrNotExist) {
			return token, true, err
		}
	}
	return "", false, nil
}

// hosts lists the hosts that have a token of their own. A file that is not named like a host is an error: its token
// would never be used, and nobody would know why.
func (d tokenDir) hosts() ([]string, error) {
	if d == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; name a folder with a file for each host, or unset it", variableTokenDir, err)
	}
	var out []string
	for _, each := range entries {
		name := each.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		parsed, err := v1alpha1.ParseRepositoryURL("https://" + name + "/owner/name")
		if err != nil || parsed.Host != name {
			return nil, fmt.Errorf("%s: %s is not named like a host: name it host or host:port in small letters, such as github.com",
				variableTokenDir, filepath.Join(string(d), name))
		}
		out = append(out, name)
	}
	return out, nil
}

// all reads every token. The error tells of the first that cannot be read; the others are returned all the same.
func (d tokenDir) all() (tokens []string, err error) {
	hosts, err := d.hosts()
	for _, host := range hosts {
		token, _, bad := d.token(host)
		if bad != nil && err == nil {
			err = bad
		}
		if bad == nil {
			tokens = append(tokens, token)
		}
	}
	return tokens, err
}

// learning returns the reader of a host's token that makes known whatever stands in the folder.
func (d tokenDir) learning(learn func(string)) func(host string) (string, bool, error) {
	return func(host string) (string, bool, error) {
		// One that cannot be read is told when it is asked for.
		tokens, _ := d.all()
		for _, token := range tokens {
			learn(token)
		}
		return d.token(host)
	}
}
