package process

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// head keeps the start of an output and swallows the rest, so that the writer never blocks.
type head struct {
	kept  []byte
	limit int
	cut   bool
}

func newHead(limit int) *head {
	if limit <= 0 {
		limit = defaultMaxOutput
	}
	return &head{limit: limit}
}

// Write keeps what fits.
func (h *head) Write(p []byte) (int, error) {
	room := h.limit - len(h.kept)
	if room < len(p) {
		h.cut = true
	}
	h.kept = append(h.kept, p[:min(room, len(p))]...)
	return len(p), nil
}

// Tail keeps the end of an output.
type Tail struct {
	kept  []byte
	limit int
}

// NewTail keeps so many bytes.
func NewTail(limit int) *Tail { return &Tail{limit: limit} }

// Write keeps up to twice the limit and then forgets the older half, so that a byte is moved only once.
func (t *Tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-t.limit):]...)
	if len(t.kept) > 2*t.limit {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-t.limit:]...)
	}
	return len(p), nil
}

// Bytes returns what is kept.
func (t *Tail) Bytes() []byte { return t.kept[max(0, len(t.kept)-t.limit):] }

// lingering is how long an output may stay silent, once all who should hold it have ended, before it is taken
// for ended: its other end may have been passed to a process elsewhere.
const lingering = 2 * time.Second

// output reads an agent's output to its end.
type output struct {
	file  *os.File
	ended atomic.Bool
}

// Read reads what there is. At the end it closes the file.
func (o *output) Read(p []byte) (int, error) {
	if o.ended.Load() {
		// An error means that the file is closed, which reading says, too.
		_ = o.file.SetReadDeadline(time.Now().Add(lingering))
	}
	n, err := o.file.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, os.ErrClosed) {
		err = io.EOF
	}
	if err != nil {
		_ = o.file.Close()
	}
	return n, err
}

// finish says that nobody is left who should write.
func (o *output) finish() {
	o.ended.Store(true)
	_ = o.file.SetReadDeadline(time.Now().Add(lingering))
}
