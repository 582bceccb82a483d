package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/agent-work-orders/awo/controller/agent"
)

// parser measures the reading of an agent's stream: how fast, and that a long one takes no more memory.
func parser(ctx context.Context, s settings) ([]row, error) {
	stream := &transcript{ctx: ctx, left: s.transcript}
	events := 0
	most := peak{}
	begin := time.Now()
	err := agent.Read(stream, io.Discard, func(agent.Event) {
		events++
		if events%20_000 == 0 {
			most.look()
		}
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the stream: %w", err)
	}
	took := time.Since(begin)
	most.look()
	what := fmt.Sprintf("an agent's stream of %d MiB, %d events", s.transcript>>20, events)
	return []row{
		{what + ": speed", fmt.Sprintf("%.0f MB/s", float64(s.transcript)/1e6/took.Seconds()), ""},
		{what + ": memory of the whole process", fmt.Sprintf("%.1f MiB", float64(most.bytes)/(1<<20)), "constant"},
	}, nil
}

// peak remembers the most memory that the Go runtime had from the system.
type peak struct{ bytes uint64 }

func (p *peak) look() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p.bytes = max(p.bytes, m.Sys-m.HeapReleased)
}

// eventLines are what a run is made of, most of it text and the results of tools.
var eventLines = [][]byte{
	[]byte(`{"type":"assistant","message":{"model":"m","role":"assistant","content":[{"type":"text","text":"` +
		string(bytes.Repeat([]byte("I read the file and see. "), 12)) + `"}]},"session_id":"11111111-2222-4333-8444-555555555501"}` + "\n"),
	[]byte(`{"type":"user","message":{"role":"user","content":[{"tool_use_id":"t","type":"tool_result","content":"` +
		string(bytes.Repeat([]byte(`line of a file\n`), 400)) + `"}]},"session_id":"11111111-2222-4333-8444-555555555501"}` + "\n"),
}

// lastLine is the result, which every good stream ends with.
var lastLine = []byte(`{"type":"result","subtype":"success","is_error":false,"num_turns":3,"result":"done",` +
	`"total_cost_usd":0.1,"usage":{"input_tokens":1,"output_tokens":1},"permission_denials":[],` +
	`"session_id":"11111111-2222-4333-8444-555555555501"}` + "\n")

// transcript is a stream of that many bytes, made while it is read.
type transcript struct {
	ctx  context.Context //nolint:containedctx // a reader has no other way to be ended
	left int64
	n    int
	rest []byte
	over bool
}

// Read implements io.Reader.
func (t *transcript) Read(p []byte) (int, error) {
	if t.ctx.Err() != nil {
		return 0, t.ctx.Err()
	}
	if len(t.rest) == 0 && !t.next() {
		return 0, io.EOF
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	t.left -= int64(n)
	return n, nil
}

// next takes the following line, and says whether there is one.
func (t *transcript) next() bool {
	switch {
	case t.over:
		return false
	case t.left <= 0:
		t.rest, t.over = lastLine, true
	default:
		t.rest = eventLines[t.n%len(eventLines)]
		t.n++
	}
	return true
}
