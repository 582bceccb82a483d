package forge

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
)

// Local is the forge of repositories on disk: the branch is pushed, the text lies in pull-request.md, and that file is
// the pull request.
type Local struct{}

// NewLocal returns a Local.
func NewLocal() *Local { return &Local{} }

// Serves tells whether a repository lies on disk.
func (*Local) Serves(repository string) bool {
	parsed, err := v1alpha1.ParseRepositoryURL(repository)
	return err == nil && parsed.Scheme == v1alpha1.SchemeFile
}

// Check is always nil: nothing but the disk is needed.
func (*Local) Check(context.Context, string) error { return nil }

// Ensure returns the file URL of the text, once it is there.
func (*Local) Ensure(_ context.Context, p PullRequest) (Opened, error) {
	if _, err := os.Stat(p.BodyFile); err != nil {
		return Opened{}, failure.NewRetry(v1alpha1.ReasonPullRequestFailed, fmt.Errorf("the text of the pull request is not there: %w", err))
	}
	return Opened{URL: (&url.URL{Scheme: "file", Path: p.BodyFile}).String(), State: StateOpen}, nil
}
