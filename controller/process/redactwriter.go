package process

import (
	"bytes"
	"io"
)

// maxKey is how long a part of a well-known key can be, in bytes. A JSON Web Token has three, and none of them
// together is longer than a private key.
const maxKey = 8 << 10

// maxHeld is how many bytes of a line without end a RedactingWriter holds back, beside those at its end that could
// be the beginning of a secret.
const maxHeld = 64 << 10

// patience is the part of what is held by which it grows before it is looked at again.
const patience = 8

// RedactingWriter passes on what is written to it without secrets, also where one is split over several writes. It
// holds back the line that is not complete and a secret of several lines that has not ended, about 100 KiB and the
// longest known secret at most; Close passes that on.
type RedactingWriter struct {
	to       io.Writer
	redactor *Redactor
	held     []byte
	// black is how many bytes at the beginning of held belong to a secret whose replacement was passed on.
	black int
	// again is how long held has to be for another look whether the secret that seems to have begun in it has ended. A look
	// goes through all that is held, so one for each line would take the square of their number.
	again int
}

// Writer redacts on the way to w.
func (r *Redactor) Writer(w io.Writer) *RedactingWriter {
	return &RedactingWriter{to: w, redactor: r}
}

// Write passes on the complete lines.
func (w *RedactingWriter) Write(p []byte) (int, error) {
	lineEnd := bytes.LastIndexByte(p, '\n') + 1
	if lineEnd > 0 {
		lineEnd += len(w.held)
	}
	w.held = append(w.held, p...)
	// No secret that is not complete begins further from the end.
	undecided := max(maxPEM, w.redactor.Longest())
	ready := 0
	switch {
	case lineEnd > 0 && len(w.held) >= w.again:
		ready = w.redactor.decided(w.held, lineEnd)
		left := len(w.held) - ready
		w.again = left + left/patience
		if ready == lineEnd {
			w.again = 0
		}
	case len(w.held) > undecided+maxHeld:
		ready = len(w.held) - undecided
	}
	if len(w.held)-ready > undecided+maxHeld {
		ready = len(w.held) - undecided
	}
	if ready == 0 {
		return len(p), nil
	}
	return len(p), w.pass(ready)
}

// pass writes the first bytes of what is held.
func (w *RedactingWriter) pass(ready int) error {
	found := w.redactor.spans(w.held)
	if w.black > 0 {
		found = merge(append(found, span{0, w.black}))
	}
	out := make([]byte, 0, ready)
	copied, black := 0, 0
	for _, s := range found {
		if s.at >= ready {
			break
		}
		out = append(out, w.held[copied:s.at]...)
		if s.at > 0 || w.black == 0 {
			out = append(out, Redacted...)
		}
		copied, black = min(s.end, ready), max(0, s.end-ready)
	}
	_, err := w.to.Write(append(out, w.held[copied:ready]...))
	w.held = append(w.held[:0], w.held[ready:]...)
	w.black = black
	return err
}

// Close passes on the rest. It does not close what is written to.
func (w *RedactingWriter) Close() error {
	err := w.pass(len(w.held))
	w.held = nil
	return err
}
