package git

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
)

// The schemes of repository URLs, which are also the names of git's protocols.
const (
	schemeHTTPS = "https"
	schemeHTTP  = "http"
	schemeFile  = "file"
)

// Bounds of the names below the mirrors' directory, in bytes; file systems end at 255 a name and 4096 a path.
const (
	maxElement = 150
	maxMirror  = 1500
)

// location is where a repository is and where its mirror goes.
type location struct {
	// url is what git is given: the path for a file repository.
	url string
	// scheme is https, http or file; host is empty for file.
	scheme, host string
	// mirror is the path of the mirror below Config.Mirrors.
	mirror string
}

// locate reads a repository URL as a manifest has it.
func (c *Client) locate(raw string) (location, error) {
	parsed, err := v1alpha1.ParseRepositoryURL(raw)
	if err != nil {
		return location{}, failure.NewTerminal(v1alpha1.ReasonInvalidSpec, fmt.Errorf("repository %q: %w", raw, err))
	}
	l, err := locationOf(raw, parsed.Scheme, parsed.Host, parsed.Path)
	if err != nil {
		return location{}, failure.NewTerminal(v1alpha1.ReasonInvalidSpec, err)
	}
	return l, nil
}

// checkRemote refuses a repository in the file system that leads into the data directory by now.
func (c *Client) checkRemote(l location) error {
	if l.scheme != schemeFile {
		return nil
	}
	if err := v1alpha1.CheckFileRepository(l.url, c.config.DataDir); err != nil {
		return failure.NewTerminal(v1alpha1.ReasonInvalidSpec, fmt.Errorf("repository %q: %w", l.url, err))
	}
	return nil
}

// locationOf works out where the mirror goes: <host>/<path>.git, for a file repository file/<path>.git, which is no host's:
// one that is called file goes elsewhere, for workspaces borrow from the mirrors that there are. Two spellings of
// an https URL (a slash or .git at the end) share a mirror. Two file paths never do, for /a and /a.git may both exist.
func locationOf(raw, scheme, host, repository string) (location, error) {
	l := location{url: raw, scheme: scheme, host: host}
	root, cut := host, strings.TrimSuffix(strings.Trim(repository, "/"), ".git")
	switch scheme {
	case schemeFile:
		l.url, l.host = path.Clean("/"+repository), ""
		root, cut = schemeFile, strings.Trim(l.url, "/")
	case schemeHTTP, schemeHTTPS:
		// The host in small letters, as it is compared with the hosts that get a token.
		authority := len(scheme) + len("://")
		l.url = raw[:authority] + host + raw[min(authority+len(host), len(raw)):]
		if host == schemeFile {
			root += "~"
		}
	default:
		return location{}, fmt.Errorf("repository %q: scheme %q is not supported; use https", raw, scheme)
	}
	if cut == "" || root == "" {
		return location{}, fmt.Errorf("repository %q: it names no repository; write it like https://github.com/acme/app", raw)
	}
	elements := strings.Split(cut, "/")
	for i, e := range elements {
		if e == "" || e == "." || e == ".." {
			return location{}, fmt.Errorf("repository %q: %q is not allowed in its path", raw, e)
		}
		elements[i] = element(e, i < len(elements)-1)
	}
	l.mirror = element(root, true) + "/" + strings.Join(elements, "/") + ".git"
	if len(l.mirror) > maxMirror {
		l.mirror = element(root, true) + "/" + digest(cut) + ".git"
	}
	return l, nil
}

// element makes a name for the file system of an element of a path. What is too long is cut; an inner element must
// not look like a mirror, or one mirror would lie within another. A digest keeps both apart from their neighbours.
func element(e string, inner bool) string {
	switch {
	case len(e) > maxElement:
		return strings.ToValidUTF8(e[:maxElement-65], "") + "~" + digest(e)
	case inner && strings.HasSuffix(e, ".git"), strings.Contains(e, "~"), strings.ContainsRune(e, 0):
		return strings.ReplaceAll(e, "\x00", "") + "~" + digest(e)
	}
	return e
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:16]
}
