// Package failure gives an error its policy: whether the order ends, waits until a time, or tries again.
// The policy is decided where the failure is understood (git, agent, forge) and carried by type up to the
// reconciler, so that nothing above ever looks at a text.
package failure

import (
	"errors"
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// Policy says what follows a failure.
type Policy int

const (
	// Retry: try again after a growing delay; counted against retryLimit. The zero value, so that an error
	// nobody classified is retried and then ends the order.
	Retry Policy = iota
	// Terminal: the order ends with the reason.
	Terminal
	// Wait: try again at a known time; not counted.
	Wait
	// Interrupted: ended by the controller's own stop, a suspend or a cancel; not counted, no delay.
	Interrupted
)

// Error is a failure with its policy.
type Error struct {
	Policy Policy
	// Reason is one of the reasons of api/v1alpha1.
	Reason string
	// Until is when to try again, for Wait.
	Until time.Time
	// Err says what was tried on which object, and what to do next.
	Err error
}

// Error returns the text of the wrapped error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the wrapped error.
func (e *Error) Unwrap() error { return e.Err }

// NewTerminal ends the order with a reason.
func NewTerminal(reason string, err error) error {
	return &Error{Policy: Terminal, Reason: reason, Err: err}
}

// NewRetry asks for another attempt; reason is what the order ends with when attempts are used up.
func NewRetry(reason string, err error) error {
	return &Error{Policy: Retry, Reason: reason, Err: err}
}

// NewWait asks for another attempt at a time, uncounted.
func NewWait(reason string, until time.Time, err error) error {
	return &Error{Policy: Wait, Reason: reason, Until: until, Err: err}
}

// NewInterrupted says that we ended it ourselves.
func NewInterrupted(err error) error {
	return &Error{Policy: Interrupted, Reason: v1alpha1.ReasonInterrupted, Err: err}
}

// Of returns the policy of an error. An error without one is a Retry with the fallback reason.
func Of(err error, fallbackReason string) *Error {
	if typed, ok := errors.AsType[*Error](err); ok {
		// The outer text, with what each layer added.
		return &Error{Policy: typed.Policy, Reason: typed.Reason, Until: typed.Until, Err: err}
	}
	return &Error{Policy: Retry, Reason: fallbackReason, Err: err}
}
