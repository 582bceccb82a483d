package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
)

// maxOutput bounds what is kept of git's standard output, in bytes. Lists of paths go to a writer of their own.
const maxOutput = 64 << 20

// call is one call of git.
type call struct {
	// gitDir, workTree and index say on what git works; none of them is in a workspace but workTree.
	gitDir, workTree, index string
	// dir is the working directory. Default: gitDir, else the root.
	dir string
	// protocol is the only one that git may speak; "" none.
	protocol string
	// id is the run on whose behalf git works.
	id string
	// remote, when set, is the repository that git speaks to, and lets its token be used.
	remote *location
	config []string
	env    []string
	args   []string
	stdin  io.Reader
	stdout io.Writer
	// files are inherited by git and by what it starts. Not together with a remote that gets a token.
	files []*os.File
	// most bounds what text and list keep, in bytes; 0 for no limit.
	most int
	// within is a shorter limit than that of all calls; 0 for none. transfers says that it brings a repository over.
	within    time.Duration
	transfers bool
}

// run calls git. The error of a git that failed is a *process.ExitError; one that was ended because ctx ended is
// typed as an interruption.
func (c *Client) run(ctx context.Context, k call) (process.Result, error) {
	files := k.files
	if k.remote != nil {
		if err := c.checkRemote(*k.remote); err != nil {
			return process.Result{}, err
		}
		k.protocol = k.remote.scheme
		token, _, err := c.token(*k.remote)
		if err != nil {
			return process.Result{}, err
		}
		if token != "" {
			socket, err := tokenSocket(token)
			if err != nil {
				return process.Result{}, err
			}
			defer func() { _ = socket.Close() }()
			files = []*os.File{socket}
			k.config = append(k.config, "credential.helper="+helper(c.config.Self, *k.remote))
		}
	}
	res, err := c.config.Spawner.Run(ctx, process.Command{
		Path: c.config.Path, Args: arguments(k), Dir: workingDir(k), Env: environment(c.base, k),
		Stdin: k.stdin, Stdout: k.stdout, ExtraFiles: files, Timeout: c.timeout(ctx, k), MaxOutput: maxOutput,
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return res, failure.NewInterrupted(fmt.Errorf("git %s: %w", k.args[0], context.Cause(ctx)))
	case err != nil:
		return res, localFailure(fmt.Errorf("git %s: %w", k.args[0], err))
	case res.Truncated:
		return res, fmt.Errorf("git %s: it printed more than %d bytes", k.args[0], maxOutput)
	}
	return res, nil
}

type patientKey struct{}

// Patient returns a context whose end alone bounds how long a repository, of whatever size, may take to be brought over.
func Patient(ctx context.Context) context.Context { return context.WithValue(ctx, patientKey{}, true) }

// timeout is how long a call may take.
func (c *Client) timeout(ctx context.Context, k call) time.Duration {
	switch {
	case k.transfers && ctx.Value(patientKey{}) != nil:
		return transferTimeout
	case k.within > 0:
		return min(k.within, c.config.Timeout)
	}
	return c.config.Timeout
}

// localFailure types a failure that has nothing to do with what git was asked for.
func localFailure(err error) error {
	if stderr, timedOut, ok := said(err); ok && !timedOut && kindOf(stderr) == kindDiskFull {
		return diskFull(err)
	}
	return err
}

// line calls git and returns what it printed, without the newline at the end.
func (c *Client) line(ctx context.Context, k call) (string, error) {
	res, err := c.run(ctx, k)
	return strings.TrimSpace(string(res.Stdout)), err
}

// list calls git and returns the NUL-separated entries that it printed.
func (c *Client) list(ctx context.Context, k call) ([]string, error) {
	text, err := c.text(ctx, k)
	if text = strings.TrimSuffix(text, "\x00"); err != nil || text == "" {
		return nil, err
	}
	return strings.Split(text, "\x00"), nil
}

// text calls git and returns all that it printed. More than k.most bytes are an errListing.
func (c *Client) text(ctx context.Context, k call) (string, error) {
	out := capped{limit: k.most}
	k.stdout = &out
	if _, err := c.run(ctx, k); err != nil {
		return "", err
	}
	if out.over {
		return "", errListing
	}
	return out.String(), nil
}

func workingDir(k call) string {
	switch {
	case k.dir != "":
		return k.dir
	case k.gitDir != "":
		return k.gitDir
	}
	return "/"
}

// said returns what a failed git printed on stderr and whether it ran out of time; ok is false when err is not a
// failure of git itself.
func said(err error) (text string, timedOut, ok bool) {
	exit, ok := errors.AsType[*process.ExitError](err)
	if !ok {
		return "", false, false
	}
	return exit.Stderr, exit.TimedOut, true
}
