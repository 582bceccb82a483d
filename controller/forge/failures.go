package forge

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
)

// exitNoAuth is gh's exit code when it knows no token for the host.
const exitNoAuth = 4

// verdict is what follows a failure of gh, and what a person can do about it.
type verdict struct {
	policy failure.Policy
	reason string
	advice string
}

// The verdicts that several failures share.
var (
	retryLater = verdict{failure.Retry, v1alpha1.ReasonPullRequestFailed, ""}
	badToken   = verdict{failure.Terminal, v1alpha1.ReasonAuthenticationFailed,
		"the token was refused: give the controller a valid GITHUB_TOKEN and run `awo retry`"}
	weakToken = verdict{failure.Terminal, v1alpha1.ReasonAuthenticationFailed,
		"the token may not do this: it must be " + scopes + "; where the organisation asks for single sign-on it must be authorised for it"}
	noRepository = verdict{failure.Terminal, v1alpha1.ReasonRepositoryNotFound,
		"check spec.repository.url, and that the token may see the repository"}
)

// refused is a terminal failure of the pull request itself.
func refused(advice string) verdict {
	return verdict{failure.Terminal, v1alpha1.ReasonPullRequestFailed, advice}
}

// rule ties a text of gh or GitHub to a verdict. gh has no structured form of its failures, only exit codes and
// these texts.
type rule struct {
	texts   []string
	verdict verdict
}

// rules are asked in order; the first that matches holds.
var rules = []rule{
	{[]string{"rate limit", "abuse detection", "submitted too quickly"}, retryLater},
	{[]string{"Could not resolve to a Repository"}, noRepository},
	{[]string{"could not add label", "Could not resolve to a Label"},
		refused("create the label in the repository, or take it out of spec.pullRequest.labels")},
	{[]string{"could not request reviewer", "Could not resolve to a User", "Could not resolve to a Team", "Could not resolve to an Organization",
		"may only be requested from collaborators", "Review cannot be requested"},
		refused("correct spec.pullRequest.reviewers: users by their login, teams as ORGANISATION/TEAM, each with access to the repository")},
	{[]string{"granted the required scopes", "Resource not accessible by", "correct permissions", "must be a collaborator", "SAML enforcement"}, weakToken},
	// GitHub has not seen the push yet.
	{[]string{"Head ref must be a branch", "Head sha can't be blank"}, retryLater},
	{[]string{"Base ref must be a branch"}, refused("the base branch is not there any more: set spec.repository.baseBranch")},
	{[]string{"No commits between"}, refused("the base branch already holds these commits")},
	{[]string{"Draft pull requests are not supported"}, refused("set spec.pullRequest.draft to false")},
	{[]string{"is too long", "can't be blank"}, refused("set spec.pullRequest.title to one short line")},
	{[]string{"unknown flag", "Unknown JSON field", "unknown command"}, refused("this gh is too old: install 2.23.0 or a newer one")},
}

// statuses are the verdicts on HTTP statuses, where no text said more.
var statuses = map[string]verdict{
	"401": badToken, "403": weakToken, "404": noRepository, "410": noRepository,
	"422": refused("GitHub refuses it as it is"),
}

var statusPattern = regexp.MustCompile(`(?:HTTP |status code: )(\d{3})\b`)

// judge decides what follows a call of gh that ended with an exit code and a text on standard error. What is not
// known is tried again: it may be the network, or GitHub.
func judge(exitCode int, stderr string) verdict {
	if exitCode == exitNoAuth {
		return badToken
	}
	for _, r := range rules {
		for _, text := range r.texts {
			if strings.Contains(stderr, text) {
				return r.verdict
			}
		}
	}
	if m := statusPattern.FindStringSubmatch(stderr); m != nil {
		if v, ok := statuses[m[1]]; ok {
			return v
		}
	}
	return retryLater
}

// typed gives an error of the runner its policy.
func typed(doing string, at location, err error) error {
	var exit *process.ExitError
	switch {
	case absent(err):
		return notInstalled(err)
	case !errors.As(err, &exit):
		return failure.NewRetry(v1alpha1.ReasonPullRequestFailed, fmt.Errorf("%s in %s: %w", doing, at, err))
	}
	v := retryLater
	if !exit.TimedOut {
		v = judge(exit.ExitCode, exit.Stderr)
	}
	wrapped := fmt.Errorf("%s in %s: %w", doing, at, err)
	if v.advice != "" {
		wrapped = fmt.Errorf("%w; %s", wrapped, v.advice)
	}
	return &failure.Error{Policy: v.policy, Reason: v.reason, Err: wrapped}
}
