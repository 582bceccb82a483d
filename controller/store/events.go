package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/agent-work-orders/awo/controller/crash"
)

// EventType says whether an event is the usual course or not, as in Kubernetes.
type EventType string

// The types of events.
const (
	Normal  EventType = "Normal"
	Warning EventType = "Warning"
)

// Event is something that happened in a run.
type Event struct {
	// Time is when; Store.Event fills it in when it is zero.
	Time    time.Time `json:"time"`
	Type    EventType `json:"type"`
	Reason  string    `json:"reason"`
	Message string    `json:"message"`
}

// Event appends an event to those of a run. It is not made durable: the record is the truth, events are its tale.
func (s *Store) Event(id string, e Event) error {
	if e.Time.IsZero() {
		e.Time = s.clock.Now().UTC()
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write event %s of run %s: %w", e.Reason, id, err)
	}
	defer s.ids.lock("events/" + id)()
	if err := appendLine(s.layout.EventsFile(id), line); err != nil {
		return fmt.Errorf("write event %s of run %s: %w", e.Reason, id, err)
	}
	if err := shorten(s.layout.EventsFile(id)); err != nil {
		return fmt.Errorf("shorten the events of run %s: %w", id, err)
	}
	return nil
}

// maxEvents is how much the events of a run may take, in bytes: an order may wait and be resumed for years.
const maxEvents = 1 << 20

// shorten takes the older half of a file's lines away when it is too long.
func shorten(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() <= maxEvents {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	newer := data[len(data)-maxEvents/2:]
	newer = newer[bytes.IndexByte(newer, '\n')+1:]
	return WriteFile(path, newer, 0o600)
}

// appendLine adds a line to a file; a last line that a crash has torn is ended first.
func appendLine(path string, line []byte) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	var last [1]byte
	if end > 0 {
		if _, err := f.ReadAt(last[:], end-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	_, err = f.Write(append(line, '\n'))
	crash.Here("event written")
	return err
}

// Events returns the events of a run, the oldest first. Lines that a crash has torn are left out.
func (s *Store) Events(id string) ([]Event, error) {
	data, err := os.ReadFile(s.layout.EventsFile(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the events of run %s: %w", id, err)
	}
	var out []Event
	for line := range bytes.Lines(data) {
		var e Event
		if json.Unmarshal(line, &e) == nil {
			out = append(out, e)
		}
	}
	return out, nil
}
