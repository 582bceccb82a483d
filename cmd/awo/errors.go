package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// Exit codes, as kubectl has them.
const (
	exitOK          = 0
	exitFailure     = 1
	exitInterrupted = 130
)

// resource is the plural that errors and names speak of.
const resource = "workorders"

// errReported ends a command with a failure whose text is already printed.
var errReported = errors.New("reported")

// report prints an error the way kubectl does and returns the exit code that belongs to it.
func report(err error, errOut io.Writer) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	told := map[string]bool{}
	for _, each := range flatten(err) {
		text := errorText(each)
		if !errors.Is(each, errReported) && !told[text] {
			_, _ = fmt.Fprintln(errOut, text)
		}
		told[text] = true
	}
	return exitFailure
}

// flatten takes a joined error apart, so that each failure gets its own line.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, each := range joined.Unwrap() {
		all = append(all, flatten(each)...)
	}
	return all
}

// errorText is the line for one error. What a Kubernetes API server would have answered reads as if it had.
func errorText(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return fmt.Sprintf("Error from server (%s): %s", status.Status().Reason, err)
	}
	return "error: " + err.Error()
}

// groupResource is workorders.awo.archon.dev.
func groupResource() schema.GroupResource {
	return schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: resource}
}

func notFound(name string) error { return apierrors.NewNotFound(groupResource(), name) }

func alreadyExists(name string) error { return apierrors.NewAlreadyExists(groupResource(), name) }

// usageError points to the help of the command whose flags or arguments are wrong.
func usageError(commandPath, format string, args ...any) error {
	return fmt.Errorf("%s\nSee '%s --help' for usage", fmt.Sprintf(format, args...), commandPath)
}

// unknownOutput refuses an output format and names those that exist.
func unknownOutput(format string, allowed ...string) error {
	return fmt.Errorf("unable to match a printer suitable for the output format %q, allowed formats are: %s",
		format, strings.Join(allowed, ","))
}
