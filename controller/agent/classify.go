package agent

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
)

// maxDetail is how much of an agent's own words goes into a message, in bytes.
const maxDetail = 400

// Evidence is all that the end of a run is judged by.
type Evidence struct {
	// Order is the name for messages, Program what was run.
	Order, Program string
	// Exit is how the process ended, Cause why we ended it, Limit the time limit that struck.
	Exit  process.ExitStatus
	Cause Cause
	Limit time.Duration
	// NoSettingHelps says that no setting would have permitted the agent more than it was.
	NoSettingHelps bool
	// Result is the agent's own account, nil when there was none.
	Result *Result
	// Retry is the last repetition of a request, RateLimit the last word on the account's use, APIError the kind of the
	// last failure that the agent stated in a message of its own; each may be missing.
	Retry     *Retry
	RateLimit *RateLimit
	APIError  string
	// Stderr is the end of the standard error.
	Stderr string
	// Now is when the process ended.
	Now time.Time
}

// Classify judges the end of a run of an agent that reports a result. It returns nil for a success: a result that
// is no error, nothing denied, and exit status 0 unless we ended the process after its result. What an agent says
// when it is told to end because of a limit decides nothing. Fields decide, texts only where there is no field.
func Classify(e Evidence) error {
	switch {
	case e.Cause.limit():
		return e.ended()
	case e.Result != nil && e.Result.IsError && e.Cause != CauseInterrupted:
		return e.failedResult()
	case e.good() && len(e.Result.Denied) > 0:
		return e.denied()
	case e.good() && (e.Cause != CauseNone || e.clean()):
		return nil
	case e.Cause != CauseNone && e.Cause != CauseLinger:
		return e.ended()
	case e.Result == nil && e.clean():
		return e.terminal(v1alpha1.ReasonAgentFailed, "ended with exit status 0 but without a result"+e.stderr(), "look at `awo logs "+e.Order+"`")
	default:
		return e.crashed()
	}
}

// good tells a result that is no error.
func (e Evidence) good() bool { return e.Result != nil && !e.Result.IsError }

// clean tells an exit with status 0.
func (e Evidence) clean() bool { return e.Exit.Code == 0 && e.Exit.Signal == "" }

// crashed is an end that the agent did not account for.
func (e Evidence) crashed() error {
	how := fmt.Sprintf("exit status %d", e.Exit.Code)
	if e.Exit.Signal != "" {
		how = "signal " + e.Exit.Signal
	}
	what := "ended with " + how
	if e.Result == nil {
		what += " and without a result"
	}
	return e.retry(v1alpha1.ReasonAgentFailed, what+e.stderr())
}

// ended is an end that we brought about.
func (e Evidence) ended() error {
	switch e.Cause {
	case CauseFirstEvent:
		return e.retry(v1alpha1.ReasonStalled, fmt.Sprintf("printed no event in the first %s%s", e.Limit, e.stderr()))
	case CauseIdle:
		return e.retry(v1alpha1.ReasonStalled, fmt.Sprintf("was silent for %s; raise spec.timeouts.idle if it may be", e.Limit))
	case CauseWallClock:
		return e.terminal(v1alpha1.ReasonTimeout, fmt.Sprintf("did not end within %s", e.Limit), "raise spec.timeouts.phase")
	case CauseRefused:
		status := 0
		if e.Retry != nil {
			status = e.Retry.Status
		}
		return e.authentication(fmt.Sprintf("had its request refused with HTTP status %d", status))
	default:
		return failure.NewInterrupted(fmt.Errorf("agent %s of order %s was stopped", e.Program, e.Order))
	}
}

// failedResult is a result that says that the run failed.
func (e Evidence) failedResult() error {
	r := e.Result
	switch {
	case r.Subtype == "error_max_turns":
		// claude counts the turn that it was not given, too.
		return e.terminal(v1alpha1.ReasonMaxTurns, fmt.Sprintf("used up its turns (%d)", r.Turns-1), "raise spec.agent.maxTurns")
	case r.Subtype == "error_max_budget_usd":
		return e.terminal(v1alpha1.ReasonBudgetExceeded, "used up its budget", "raise spec.agent.maxBudgetUSD")
	case r.StopReason == "refusal":
		return e.terminal(v1alpha1.ReasonAgentFailed, "had its request refused by the model"+e.detail(), "change the request")
	case r.Subtype == "error_during_execution":
		return e.retry(v1alpha1.ReasonAgentFailed, "was interrupted"+e.detail())
	case strings.HasPrefix(r.Subtype, "error"):
		return e.terminal(v1alpha1.ReasonAgentFailed, "failed ("+r.Subtype+")"+e.detail(), "change the request")
	case r.APIStatus != 0:
		return e.byStatus()
	default:
		return e.byKind()
	}
}

// byStatus judges a request to the model that was answered with an error.
func (e Evidence) byStatus() error {
	status := e.Result.APIStatus
	what := fmt.Sprintf("had its request answered with HTTP status %d%s", status, e.detail())
	switch {
	case e.APIError == "billing_error":
		return e.terminal(v1alpha1.ReasonAgentFailed, what, "settle the account's billing")
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return e.authentication(what)
	case status == http.StatusTooManyRequests:
		return e.limited(what)
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status >= http.StatusInternalServerError:
		return e.retry(v1alpha1.ReasonAgentFailed, what)
	default:
		return e.terminal(v1alpha1.ReasonAgentFailed, what, "change spec.agent.model or the request")
	}
}

// byKind judges a failure without an HTTP status: the connection, or one that the agent found itself.
func (e Evidence) byKind() error {
	what := "failed" + e.detail()
	switch e.APIError {
	case "authentication_failed", "oauth_org_not_allowed":
		return e.authentication(what)
	case "billing_error":
		return e.terminal(v1alpha1.ReasonAgentFailed, what, "settle the account's billing")
	case "invalid_request", "model_not_found", "max_output_tokens":
		return e.terminal(v1alpha1.ReasonAgentFailed, what, "change spec.agent.model or the request")
	case "rate_limit":
		return e.limited(what)
	}
	if e.Result.TerminalReason == "prompt_too_long" {
		return e.terminal(v1alpha1.ReasonAgentFailed, what, "shorten the request")
	}
	if e.Result.Unclear {
		return e.terminal(v1alpha1.ReasonAgentFailed, "gave a result whose is_error is neither true nor false"+e.detail(), "look at `awo logs "+e.Order+"`")
	}
	return e.retry(v1alpha1.ReasonAgentFailed, what)
}

// limited waits for the end of a usage limit where that is known; a mere rate limit is tried again soon.
func (e Evidence) limited(what string) error {
	until, known := resetTime(e.RateLimit, e.Result.Text, e.Now)
	if !known {
		return e.retry(v1alpha1.ReasonAgentFailed, what)
	}
	return failure.NewWait(v1alpha1.ReasonUsageLimit, until, e.says(what+"; it goes on at "+until.UTC().Format(time.RFC3339)))
}

func (e Evidence) authentication(what string) error {
	return e.terminal(v1alpha1.ReasonAuthenticationFailed, what, "check ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN of the controller")
}

func (e Evidence) terminal(reason, what, next string) error {
	return failure.NewTerminal(reason, e.says(fmt.Sprintf("%s; %s, then run `awo retry %s`", what, next, e.Order)))
}

func (e Evidence) retry(reason, what string) error { return failure.NewRetry(reason, e.says(what)) }

func (e Evidence) says(what string) error {
	return errors.New("agent " + e.Program + " " + what)
}

// detail is what the agent says about its failure.
func (e Evidence) detail() string {
	text := e.Result.Text
	if text == "" {
		text = strings.Join(e.Result.Errors, "; ")
	}
	return quoted(text)
}

func (e Evidence) stderr() string { return quoted(e.Stderr) }

// quoted puts the end of a text behind a colon, on one line and without control characters.
func quoted(text string) string {
	text = strings.Join(strings.Fields(plain(text)), " ")
	if text == "" {
		return ""
	}
	if len(text) > maxDetail {
		text = "..." + strings.ToValidUTF8(text[len(text)-maxDetail:], "")
	}
	return ": " + text
}

// sessionProblem is why a session cannot be used as asked.
type sessionProblem int

const (
	sessionUsable sessionProblem = iota
	// sessionMissing: there is no such conversation to resume.
	sessionMissing
	// sessionTaken: the id to begin with is in use.
	sessionTaken
)

// session tells the two problems of sessions, which cost nothing and count for nothing. Nothing but the text
// tells them, so only a run that did not get as far as a turn is looked at.
func (e Evidence) session(asked Session) sessionProblem {
	switch {
	case e.Cause != CauseNone || e.clean():
		return sessionUsable
	case asked.Resume && e.Result != nil && e.Result.IsError && e.Result.Turns == 0 &&
		strings.Contains(strings.Join(e.Result.Errors, "\n"), "No conversation found"):
		return sessionMissing
	case asked.Resume && e.Result == nil && strings.Contains(e.Stderr, "No conversation found"):
		return sessionMissing
	case !asked.Resume && e.Result == nil && strings.Contains(e.Stderr, "is already in use"):
		return sessionTaken
	default:
		return sessionUsable
	}
}
