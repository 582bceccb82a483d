package v1alpha1

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Schemes of a RepositoryURL.
const (
	SchemeHTTPS = "https"
	SchemeHTTP  = "http"
	SchemeFile  = "file"
)

// maxURLLength is the longest repository URL in bytes; paths that are made from it stay within the file system's limits.
const maxURLLength = 1024

// allowedURLs ends every message about a URL.
const allowedURLs = "allowed are https://HOST/PATH, file:///PATH and an absolute path"

// RepositoryURL is a repository's address, taken apart.
//
// +kubebuilder:object:generate=false
type RepositoryURL struct {
	// Scheme is https, http or file; an absolute path is file.
	Scheme string
	// Host is the host in lower case, with its port where one is written. Empty for file.
	Host string
	// Path begins with a slash, is clean (no // and no slash at the end) and has its percent escapes decoded. For
	// file it is the path in the file system.
	Path string
}

var (
	hostPattern    = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$`)
	helperPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+.-]*::`)
	scpPattern     = regexp.MustCompile(`^(?:[^@/\s]*@)?([A-Za-z0-9][A-Za-z0-9.-]*):([^/].*|/.*)$`)
	schemePattern  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$`)
	plainPath      = regexp.MustCompile(`^[A-Za-z0-9._~/+-]+$`)
	windowsPattern = regexp.MustCompile(`^[A-Za-z]:[\\/]`)
)

// ParseRepositoryURL takes a repository's address apart: https, http, file:// or an absolute path. It refuses
// what git would take for an option, a remote helper or ssh, and every address that carries credentials. An
// error says what is allowed and never repeats a part of the address that could be a secret.
func ParseRepositoryURL(raw string) (RepositoryURL, error) {
	if err := checkURLText(raw); err != nil {
		return RepositoryURL{}, err
	}
	if strings.HasPrefix(raw, "/") {
		return parseFilePath(raw)
	}
	if helperPattern.MatchString(raw) {
		return RepositoryURL{}, errors.New("git's remote helpers (NAME::ADDRESS) are not supported; " + allowedURLs)
	}
	m := schemePattern.FindStringSubmatch(raw)
	if m == nil {
		return RepositoryURL{}, withoutScheme(raw)
	}
	switch scheme := m[1]; scheme {
	case SchemeHTTPS, SchemeHTTP:
		return parseWeb(scheme, m[2])
	case SchemeFile:
		return parseFileURL(m[2])
	case "ssh", "git+ssh", "ssh+git":
		return RepositoryURL{}, sshRefused(httpsForm(m[2]))
	default:
		return RepositoryURL{}, otherScheme(scheme)
	}
}

// checkURLText refuses what is wrong in any form of address.
func checkURLText(raw string) error {
	switch {
	case raw == "":
		return errors.New("is empty; " + allowedURLs)
	case len(raw) > maxURLLength:
		return fmt.Errorf("is longer than %d bytes", maxURLLength)
	case !utf8.ValidString(raw):
		return errors.New("is not valid UTF-8; " + allowedURLs)
	case strings.HasPrefix(raw, "-"):
		return errors.New("must not begin with a dash; " + allowedURLs)
	case strings.ContainsFunc(raw, unsafeRune):
		return errors.New("must not contain whitespace, control or invisible characters (write a space as %20 in a URL); " + allowedURLs)
	case strings.Contains(raw, `\`):
		return errors.New(`must not contain a backslash; ` + allowedURLs)
	}
	return nil
}

// unsafeRune tells whether a character could hide something in an address.
func unsafeRune(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsPrint(r)
}

// withoutScheme explains what is wrong with an address that is neither a URL nor an absolute path.
func withoutScheme(raw string) error {
	if windowsPattern.MatchString(raw) {
		return errors.New("is a Windows path; " + allowedURLs)
	}
	if err := schemeAlone(raw); err != nil {
		return err
	}
	if m := scpPattern.FindStringSubmatch(raw); m != nil {
		return sshRefused(httpsForm(m[1] + "/" + strings.TrimPrefix(m[2], "/")))
	}
	return errors.New("is neither a URL nor an absolute path; " + allowedURLs)
}

// schemeAlone explains what is wrong where a scheme is not followed by ://, which would else be taken for a host. It is nil
// where there is none.
func schemeAlone(raw string) error {
	scheme, rest, found := strings.Cut(raw, ":")
	scheme, rest = strings.ToLower(scheme), strings.TrimLeft(rest, "/")
	switch {
	case !found:
		return nil
	case scheme == "ssh":
		return sshRefused(httpsForm(rest))
	case scheme == SchemeHTTPS, scheme == SchemeHTTP:
		if form := httpsForm(rest); form != "" {
			return fmt.Errorf("lacks the slashes of a URL; write %s://%s", scheme, strings.TrimPrefix(form, "https://"))
		}
		return fmt.Errorf("lacks the slashes of a URL; write %s://HOST/PATH", scheme)
	case scheme == SchemeFile && plainPath.MatchString(rest):
		return errors.New("lacks the slashes of a URL; write file:///" + rest)
	case scheme == SchemeFile:
		return errors.New("lacks the slashes of a URL; write file:///PATH")
	}
	return nil
}

// otherScheme explains that a scheme is not supported.
func otherScheme(scheme string) error {
	lower := strings.ToLower(scheme)
	if lower == SchemeHTTPS || lower == SchemeHTTP || lower == SchemeFile {
		return fmt.Errorf("write the scheme in lower case: %s://", lower)
	}
	return fmt.Errorf("scheme %q is not supported; %s", lower, allowedURLs)
}

// sshRefused names the https form to use, where there is one.
func sshRefused(form string) error {
	if form == "" {
		return errors.New("ssh is not supported; use the https address of the repository: https://HOST/PATH")
	}
	return fmt.Errorf("ssh is not supported; use %s", form)
}

// httpsForm turns [USER[:PASSWORD]@]HOST[:PORT]/PATH of an ssh address into its https form. It is empty when
// a part of it is anything but plain, so that no secret is ever shown.
func httpsForm(rest string) string {
	authority, p, _ := strings.Cut(rest, "/")
	host := authority[strings.LastIndex(authority, "@")+1:]
	host, _, _ = strings.Cut(host, ":")
	if !hostPattern.MatchString(host) || !plainPath.MatchString(p) {
		return ""
	}
	return "https://" + host + "/" + p
}

// parseWeb takes the part after https:// or http:// apart.
func parseWeb(scheme, rest string) (RepositoryURL, error) {
	authority, p, _ := strings.Cut(rest, "/")
	switch {
	case strings.ContainsAny(rest, "?#"):
		return RepositoryURL{}, errors.New("must not have a query (?) or fragment (#); allowed is " + scheme + "://HOST/PATH")
	case strings.Contains(authority, "@"):
		return RepositoryURL{}, errors.New("must not contain credentials; remove the part before @ and give the controller GITHUB_TOKEN")
	}
	if err := checkAuthority(authority); err != nil {
		return RepositoryURL{}, err
	}
	decoded, err := decodePath("/" + p)
	if err != nil {
		return RepositoryURL{}, err
	}
	if strings.Trim(decoded, "/") == "" {
		return RepositoryURL{}, errors.New("has no path; allowed is " + scheme + "://HOST/PATH")
	}
	return RepositoryURL{Scheme: scheme, Host: strings.ToLower(authority), Path: path.Clean(decoded)}, nil
}

// errHost is the message about a host.
var errHost = errors.New("has no valid host; allowed is a name or address such as github.com, 192.0.2.7 or [2001:db8::7], with an optional :PORT")

// checkAuthority checks HOST[:PORT], where HOST may be an IPv6 address in brackets.
func checkAuthority(authority string) error {
	host, port, hasPort := strings.Cut(authority, ":")
	if strings.HasPrefix(authority, "[") {
		inner, after, closed := strings.Cut(authority[1:], "]")
		address, err := netip.ParseAddr(inner)
		if !closed || err != nil || !address.Is6() || address.Zone() != "" || (after != "" && !strings.HasPrefix(after, ":")) {
			return errHost
		}
		port, hasPort = strings.TrimPrefix(after, ":"), after != ""
	} else if !hostPattern.MatchString(host) || strings.Contains(host, "..") {
		return errHost
	}
	if n, err := strconv.Atoi(port); hasPort && (err != nil || n < 1 || n > 65535 || strings.HasPrefix(port, "+")) {
		return errors.New("has no valid port; allowed is 1 to 65535")
	}
	return nil
}

// parseFileURL takes the part after file:// apart.
func parseFileURL(rest string) (RepositoryURL, error) {
	switch {
	case strings.ContainsAny(rest, "?#"):
		return RepositoryURL{}, errors.New("must not have a query (?) or fragment (#); allowed is file:///PATH")
	case !strings.HasPrefix(rest, "/"):
		return RepositoryURL{}, errors.New("must not name a host or a relative path; allowed is file:///PATH with three slashes")
	}
	decoded, err := decodePath(rest)
	if err != nil {
		return RepositoryURL{}, err
	}
	return filePath(decoded)
}

// parseFilePath takes an absolute path, in which nothing is escaped.
func parseFilePath(raw string) (RepositoryURL, error) {
	if err := checkSegments(raw); err != nil {
		return RepositoryURL{}, err
	}
	return filePath(raw)
}

// filePath makes the address of a directory.
func filePath(p string) (RepositoryURL, error) {
	clean := path.Clean(p)
	if clean == "/" {
		return RepositoryURL{}, errors.New("has no path; allowed is the absolute path of a repository")
	}
	return RepositoryURL{Scheme: SchemeFile, Path: clean}, nil
}

// decodePath resolves the percent escapes of a path and refuses those that hide something.
func decodePath(p string) (string, error) {
	decoded, err := url.PathUnescape(p)
	if err != nil {
		return "", errors.New("has a broken percent escape in its path; write % as %25")
	}
	if !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, func(r rune) bool { return r != ' ' && unsafeRune(r) }) {
		return "", errors.New("must not have escaped control, invisible or non-UTF-8 characters in its path")
	}
	if strings.Count(decoded, "/") != strings.Count(p, "/") || strings.Contains(decoded, `\`) {
		return "", errors.New(`must not have an escaped slash or backslash in its path`)
	}
	return decoded, checkSegments(decoded)
}

// checkSegments refuses segments that lead elsewhere or that a program could take for an option.
func checkSegments(p string) error {
	for segment := range strings.SplitSeq(p, "/") {
		switch {
		case segment == "." || segment == "..":
			return errors.New("must not have . or .. as a part of its path; write the path out")
		case strings.HasPrefix(segment, "-"):
			return errors.New("must not have a part of its path that begins with a dash")
		}
	}
	return nil
}
