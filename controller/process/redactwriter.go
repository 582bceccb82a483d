package process

import (
	"bytes"
	"io"
)

// maxKey is how long a well-known key can be, in bytes.
const maxKey = 4 << 10

// maxHeld is how many bytes of a line without end a RedactingWriter holds back.
const maxHeld = 64 << 10

// RedactingWriter passes on what is written to it without secrets, also where one is split over two writes.
// It holds back the line that is not complete and a private key that has not ended, 64 KiB at most; Close passes
// that on.
type RedactingWriter struct {
	to       io.Writer
	redactor *Redactor
	held     []byte
}

// Writer redacts on the way to w.
func (r *Redactor) Writer(w io.Writer) *RedactingWriter {
	return &RedactingWriter{to: w, redactor: r}
}

// Write passes on the complete lines.
func (w *RedactingWriter) Write(p []byte) (int, error) {
	ready := 0
	if lineEnd := bytes.LastIndexByte(p, '\n'); lineEnd >= 0 {
		ready = len(w.held) + lineEnd + 1
	}
	w.held = append(w.held, p...)
	if key := openPEM(w.held[:ready]); key >= 0 && len(w.held)-key < maxPEM {
		ready = key
	}
	if ready == 0 && len(w.held) > maxHeld {
		// What is redacted cannot be part of a secret any more, the last bytes can.
		w.held = bytes.Clone(w.redactor.Bytes(w.held))
		ready = max(0, len(w.held)-w.redactor.Longest()-maxKey)
	}
	if ready == 0 {
		return len(p), nil
	}
	_, err := w.to.Write(w.redactor.Bytes(w.held[:ready]))
	w.held = append(w.held[:0], w.held[ready:]...)
	return len(p), err
}

// Close passes on the rest. It does not close what is written to.
func (w *RedactingWriter) Close() error {
	_, err := w.to.Write(w.redactor.Bytes(w.held))
	w.held = nil
	return err
}
