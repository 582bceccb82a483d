package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
)

func TestReport(t *testing.T) {
	tests := map[string]struct {
		err  error
		code int
		text string
	}{
		"success":         {code: 0},
		"failure":         {err: errors.New("no"), code: 1, text: "error: no\n"},
		"interrupted":     {err: fmt.Errorf("waiting: %w", context.Canceled), code: 130},
		"timed out":       {err: context.DeadlineExceeded, code: 1, text: "error: context deadline exceeded\n"},
		"not found":       {err: notFound("x"), code: 1, text: "Error from server (NotFound): workorders.awo.archon.dev \"x\" not found\n"},
		"already there":   {err: alreadyExists("x"), code: 1, text: "Error from server (AlreadyExists): workorders.awo.archon.dev \"x\" already exists\n"},
		"printed already": {err: errReported, code: 1},
		"several": {
			err: errors.Join(notFound("x"), errors.Join(errors.New("a"), errReported), errors.New("b")), code: 1,
			text: "Error from server (NotFound): workorders.awo.archon.dev \"x\" not found\nerror: a\nerror: b\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var errOut bytes.Buffer
			g.Expect(report(test.err, &errOut)).To(Equal(test.code))
			g.Expect(errOut.String()).To(Equal(test.text))
		})
	}
}
