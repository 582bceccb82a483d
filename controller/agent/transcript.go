package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/agent-work-orders/awo/controller/process"
)

const (
	// maxTranscript is how much one transcript may hold, in bytes.
	maxTranscript = 256 << 20
	// maxTranscripts is how much all transcripts of a run may hold, in bytes: an order may be resumed any number of times.
	maxTranscripts = 1 << 30
	// cutNote is the last line of a transcript that reached its limit.
	cutNote = `{"type":"system","subtype":"transcript_cut","message":"the transcript reached its limit; what the agent printed after this is not kept"}` + "\n"
)

// limited passes bytes on up to a limit, then a note, then nothing more. It takes what it drops for written.
type limited struct {
	to   io.Writer
	left int64
	// open says that the last line has no end yet.
	open bool
}

// Write fails only when what is below does.
func (l *limited) Write(p []byte) (int, error) {
	if l.left <= 0 || len(p) == 0 {
		return len(p), nil
	}
	l.left -= int64(len(p))
	out := p
	if l.left <= 0 {
		out = p[:max(int64(len(p))+l.left, 0)]
		out = append(bytes.TrimSuffix(bytes.Clone(out), []byte("\n")), "\n"+cutNote...)
	}
	l.open = out[len(out)-1] != '\n'
	_, err := l.to.Write(out)
	return len(p), err
}

// transcript is a file to which an agent's output is appended, secrets redacted.
type transcript struct {
	*process.RedactingWriter
	limited limited
	file    *os.File
}

// openTranscript opens the file of this name; for an empty name everything is dropped. No name is made in a
// directory that an agent can write to, so no link is followed.
func openTranscript(name string, redact *process.Redactor) (*transcript, error) {
	t := &transcript{limited: limited{to: io.Discard, left: maxTranscript}}
	t.RedactingWriter = redact.Writer(&t.limited)
	if name == "" {
		return t, nil
	}
	// The directory goes with the transcripts of an ended run that keeps none, and a retry needs it again.
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("open the agent's transcript: %w", err)
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the agent's transcript: %w", err)
	}
	t.file, t.limited.to = f, f
	all, own := sizes(filepath.Dir(name), filepath.Base(name))
	t.limited.left = min(maxTranscript-own, maxTranscripts-all)
	return t, nil
}

// sizes returns how much the files of a directory hold, and one of them.
func sizes(dir, name string) (all, own int64) {
	// A file that cannot be looked at counts nothing: the limit is there for the disk, and a phase before another.
	entries, _ := os.ReadDir(dir)
	for _, each := range entries {
		info, err := each.Info()
		if err != nil {
			continue
		}
		all += info.Size()
		if each.Name() == name {
			own = info.Size()
		}
	}
	return all, own
}

// Close completes the last line and closes the file.
func (t *transcript) Close() error {
	err := t.RedactingWriter.Close()
	if t.limited.open {
		_, ending := t.limited.Write([]byte("\n"))
		err = errors.Join(err, ending)
	}
	if t.file != nil {
		err = errors.Join(err, t.file.Close())
	}
	return err
}
