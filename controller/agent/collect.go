package agent

import (
	"context"
	"io"
	"sync"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/controller/process"
)

const (
	// maxText is how much of an agent's plain text is kept, in bytes: its end.
	maxText = 1 << 20
	// maxStderr is how much of an agent's standard error is kept for messages, in bytes: its end.
	maxStderr = 4 << 10
	// maxLogged is how much of one event is logged, in characters.
	maxLogged = 200
)

// seen is what was seen of one start of a program.
type seen struct {
	Evidence
	// text is what it printed that is no event, message the last text of an assistant, used the session that it
	// named last.
	text, message, used string
	// streams says that it prints events as agents do that end with a result.
	streams bool
}

// collector gathers what matters of an agent's output.
type collector struct {
	watchdog *watchdog
	seen     seen
	text     *process.Tail
	stderr   *process.Tail
	// tell, if set, tells the log of every event.
	tell func(Event)
}

// teller logs what an agent says and does, a short line each.
func teller(log logr.Logger, redact *process.Redactor) func(Event) {
	return func(e Event) {
		if e.Type == "" {
			log.V(1).Info("Agent printed", "text", clip(redact.String(oneLine(e.Text)), maxLogged))
			return
		}
		for _, b := range e.Blocks() {
			switch b.Type {
			case blockText:
				log.Info("Agent said", "text", clip(redact.String(oneLine(b.Text)), maxLogged))
			case blockToolUse:
				log.Info("Agent uses a tool", "tool", b.Name, "input", clip(redact.String(oneLine(string(b.Input))), maxLogged))
			}
		}
	}
}

func newCollector(w *watchdog) *collector {
	return &collector{watchdog: w, text: process.NewTail(maxText), stderr: process.NewTail(maxStderr)}
}

// read reads both outputs to their ends. What goes wrong with them is logged: it does not hold up the agent.
func (c *collector) read(ctx context.Context, child *process.Child, files outputs) {
	log := logr.FromContextOrDiscard(ctx)
	var both sync.WaitGroup
	both.Go(func() {
		err := readLines(noticing{child.Stderr, c.watchdog}, files.stderr, func(line []byte, _ bool) {
			keepLine(c.stderr, string(line))
		})
		if err != nil {
			log.Error(err, "Standard error of the agent is incomplete")
		}
	})
	both.Go(func() {
		err := Read(noticing{child.Stdout, c.watchdog}, files.stdout, func(e Event) { c.event(log, e) })
		if err != nil {
			log.Error(err, "Output of the agent is incomplete")
		}
	})
	both.Wait()
}

func (c *collector) event(log logr.Logger, e Event) {
	c.watchdog.event(e)
	if c.tell != nil {
		c.tell(e)
	}
	c.seen.streams = c.seen.streams || e.streamed()
	switch {
	case e.Type == "":
		keepLine(c.text, e.Text)
	case e.Result != nil:
		c.seen.Result = e.Result
	case e.Retry != nil:
		c.seen.Retry = e.Retry
		log.V(1).Info("Agent repeats a request", "attempt", e.Retry.Attempt, "status", e.Retry.Status, "kind", e.Retry.Kind)
	case e.Limit != nil:
		c.seen.RateLimit = e.Limit
	case e.APIError != "":
		c.seen.APIError = e.APIError
	case e.Type == typeAssistant:
		c.said(e)
	}
	if e.SessionID != "" {
		c.seen.used = e.SessionID
	}
}

// said keeps the last text of the assistant and forgets a failure that it got over.
func (c *collector) said(e Event) {
	c.seen.APIError = ""
	for _, b := range e.Blocks() {
		if b.Type == blockText {
			c.seen.message = b.Text
		}
	}
}

// result returns what was gathered, secrets redacted.
func (c *collector) result(redact *process.Redactor) seen {
	out := c.seen
	out.text, out.message = redact.String(string(c.text.Bytes())), redact.String(out.message)
	out.Stderr = redact.String(string(c.stderr.Bytes()))
	if out.Result == nil {
		return out
	}
	r := *out.Result
	r.Text = redact.String(r.Text)
	r.Errors, r.Denied = redacted(redact, r.Errors), redacted(redact, r.Denied)
	out.Result = &r
	return out
}

// redacted takes secrets out of texts, also those that only show once control characters are gone.
func redacted(redact *process.Redactor, texts []string) []string {
	out := make([]string, 0, len(texts))
	for _, text := range texts {
		out = append(out, redact.String(plain(text)))
	}
	return out
}

// noticing tells the watchdog of every read.
type noticing struct {
	io.Reader
	watchdog *watchdog
}

func (n noticing) Read(p []byte) (int, error) {
	k, err := n.Reader.Read(p)
	if k > 0 {
		n.watchdog.active()
	}
	return k, err
}

// keepLine ends a text with a line break and keeps it.
func keepLine(t *process.Tail, text string) { _, _ = t.Write(append([]byte(text), '\n')) }
