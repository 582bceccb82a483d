package git

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// credentialUser is the user name that goes with a token, as GitHub, GitLab and Gitea take it.
	credentialUser = "x-access-token"
	// maxToken bounds a token, in bytes.
	maxToken = 16 << 10
	// credentialFD is the descriptor on which git and its helper find the token: the first of ExtraFiles.
	credentialFD = 3
)

// tokenSocket returns a socket that holds the token as one packet and whose other end is closed. Unlike a file or a
// pipe it can't be opened through /proc/PID/fd by another process of the same user.
func tokenSocket(token string) (*os.File, error) {
	if len(token) > maxToken {
		return nil, fmt.Errorf("the git token is longer than %d bytes", maxToken)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making a socket for the git token: %w", err)
	}
	err = unix.Sendto(fds[1], []byte(token), unix.MSG_NOSIGNAL, nil)
	if err = errors.Join(err, unix.Close(fds[1])); err != nil {
		return nil, fmt.Errorf("putting the git token into a socket: %w", errors.Join(err, unix.Close(fds[0])))
	}
	return os.NewFile(uintptr(fds[0]), "git token"), nil
}

// readToken reads the token without taking it out, so that git may ask more than once.
func readToken(fd uintptr) (string, error) {
	buffer := make([]byte, maxToken)
	n, _, err := unix.Recvfrom(int(fd), buffer, unix.MSG_PEEK|unix.MSG_DONTWAIT)
	if err != nil {
		return "", fmt.Errorf("reading the token from descriptor %d: %w; awo git-credential is only for the git that awo starts", fd, err)
	}
	return string(buffer[:n]), nil
}

// helper is the value of credential.helper: a shell command that runs awo for one host.
func helper(self string, l location) string {
	args := []string{
		shellQuote(self), "git-credential",
		"--fd=" + strconv.Itoa(credentialFD), "--protocol=" + l.scheme, shellQuote("--host=" + l.host),
	}
	return "!" + strings.Join(args, " ")
}

// shellQuote makes one word of the POSIX shell of any text.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// grant is what a helper was started for.
type grant struct {
	fd uint64
	// protocol is https, or http for a host that is spoken to without encryption.
	protocol, host, operation string
}

// parseGrant reads the options that helper wrote and the operation that git added.
func parseGrant(args []string) (grant, error) {
	g := grant{fd: credentialFD, protocol: schemeHTTPS}
	for _, a := range args {
		name, value, option := strings.Cut(a, "=")
		switch {
		case name == "--fd" && option:
			var err error
			if g.fd, err = strconv.ParseUint(value, 10, 16); err != nil {
				return grant{}, fmt.Errorf("awo git-credential: --fd=%s is not a descriptor", value)
			}
		case name == "--host" && option:
			g.host = value
		case name == "--protocol" && option:
			g.protocol = value
		case strings.HasPrefix(a, "-"):
			return grant{}, fmt.Errorf("awo git-credential: unknown option %q; it is started by the git that awo starts", a)
		default:
			g.operation = a
		}
	}
	return g, nil
}

// answers tells whether a question is for this host exactly, by https or by what was allowed for it.
func (g grant) answers(asked map[string]string) bool {
	protocol := asked["protocol"]
	return g.host != "" && asked["host"] == g.host && (protocol == schemeHTTPS || protocol == schemeHTTP && g.protocol == schemeHTTP)
}

// RunCredentialHelper is `awo git-credential` and speaks git's credential protocol; args are what follows that name.
// For the operation get and the host that it was started for it answers with the token that the descriptor holds. It
// answers nothing to anything else, so that git goes on without credentials.
func RunCredentialHelper(args []string, stdin io.Reader, stdout io.Writer) error {
	g, err := parseGrant(args)
	if err != nil || g.operation != "get" {
		return err
	}
	asked, err := readCredential(stdin)
	if err != nil {
		return fmt.Errorf("reading git's question for credentials: %w", err)
	}
	if !g.answers(asked) {
		return nil
	}
	token, err := readToken(uintptr(g.fd))
	if err != nil {
		return err
	}
	if token == "" || strings.ContainsAny(token, "\n\x00") {
		return errors.New("the git token is empty or holds a line break")
	}
	_, err = fmt.Fprintf(stdout, "username=%s\npassword=%s\n", credentialUser, token)
	return err
}

// readCredential reads key=value lines up to an empty one.
func readCredential(r io.Reader) (map[string]string, error) {
	out := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(r, maxToken))
	for lines.Scan() && lines.Text() != "" {
		key, value, _ := strings.Cut(lines.Text(), "=")
		out[key] = value
	}
	return out, lines.Err()
}
