package model

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"sync"
)

// Fault is a way for an answer to go wrong below the level of the API.
type Fault int

const (
	// FaultNone answers properly.
	FaultNone Fault = iota
	// FaultHang accepts the request and never answers; it ends with the client or the server.
	FaultHang
	// FaultDrop closes the connection before the first byte of an answer.
	FaultDrop
	// FaultCut closes the connection in the middle of the answer.
	FaultCut
	// FaultMalformed answers 200 with an event stream whose data is not JSON.
	FaultMalformed
	// FaultEmpty answers 200 with no body.
	FaultEmpty
)

// Turn is one answer of the model. The zero value is an empty answer that ends the conversation.
type Turn struct {
	// Text becomes a text block before the tool calls.
	Text string
	// Tools become tool_use blocks.
	Tools []Tool
	// StopReason is what the answer ended with. Default: tool_use when there are tools, else end_turn.
	StopReason string
	// Usage is what the answer is said to have used. Default: DefaultUsage.
	Usage *Usage
	// Error answers with an HTTP error instead.
	Error *Error
	// Fault breaks the answer.
	Fault Fault
	// Hold, when set, delays the answer until it is closed or the client is gone.
	Hold <-chan struct{}
}

// Tool is a tool call. Relative values of file_path are taken from the agent's working directory.
type Tool struct {
	Name  string
	Input map[string]any
}

// Usage counts tokens as the API does.
type Usage struct {
	InputTokens      int64 `json:"input_tokens"`
	OutputTokens     int64 `json:"output_tokens"`
	CacheWriteTokens int64 `json:"cache_creation_input_tokens"`
	CacheReadTokens  int64 `json:"cache_read_input_tokens"`
}

// DefaultUsage is the usage of a turn that names none.
func DefaultUsage() Usage {
	return Usage{InputTokens: 1200, OutputTokens: 50, CacheWriteTokens: 300, CacheReadTokens: 5000}
}

// Error is an error of the API.
type Error struct {
	// Status is the HTTP status, such as 401 or 529.
	Status int
	// Type and Message fill the error body. Default: what the real API sends for the status.
	Type, Message string
	// RetryAfter is the value of the header, in seconds; empty leaves it out.
	RetryAfter string
	// Header is added to the answer.
	Header map[string]string
}

// Say answers with text and ends.
func Say(text string) Turn { return Turn{Text: text} }

// Call answers with tool calls.
func Call(tools ...Tool) Turn { return Turn{Tools: tools} }

// Fail answers with an HTTP error.
func Fail(status int) Turn { return Turn{Error: &Error{Status: status}} }

// Write is a call of the tool that writes a file.
func Write(path, content string) Tool {
	return Tool{Name: "Write", Input: map[string]any{"file_path": path, "content": content}}
}

// Edit is a call of the tool that replaces a text in a file.
func Edit(path, before, after string) Tool {
	return Tool{Name: "Edit", Input: map[string]any{"file_path": path, "old_string": before, "new_string": after}}
}

// Bash is a call of the tool that runs a shell command.
func Bash(command string) Tool {
	return Tool{Name: "Bash", Input: map[string]any{"command": command, "description": "run"}}
}

// Script decides the answer to a request. It is called by one request at a time.
type Script func(*Request) Turn

// Turns answers every session with these turns in order, counting the requests of that session; the last one
// repeats. Errors and faults count as turns too.
func Turns(turns ...Turn) Script {
	return func(r *Request) Turn { return pick(turns, r.SessionNumber) }
}

// Sequence answers with these turns in order, counting all requests of the script; the last one repeats.
func Sequence(turns ...Turn) Script {
	return func(r *Request) Turn { return pick(turns, r.Number) }
}

func pick(turns []Turn, number int) Turn {
	if len(turns) == 0 {
		return Turn{}
	}
	return turns[min(number, len(turns))-1]
}

// counter counts by key.
type counter struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *counter) next(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[key]++
	return c.counts[key]
}

// block is a content block of an answer.
type block struct {
	Type  string          `json:"type"`
	Text  string          `json:"text,omitempty"`
	ID    string          `json:"id,omitempty"`
	Name  string          `json:"name,omitempty"`
	Input json.RawMessage `json:"input,omitempty"`
}

// blocks turns the answer into content blocks; seed makes the ids of its calls unique.
func (t Turn) blocks(r *Request, seed int) ([]block, error) {
	var out []block
	if t.Text != "" {
		out = append(out, block{Type: "text", Text: t.Text})
	}
	for i, tool := range t.Tools {
		input, err := json.Marshal(resolve(tool.Input, r.WorkDir()))
		if err != nil {
			return nil, err
		}
		id := "toolu_" + strconv.Itoa(seed) + "_" + strconv.Itoa(i)
		out = append(out, block{Type: "tool_use", ID: id, Name: tool.Name, Input: input})
	}
	return out, nil
}

// resolve makes file_path absolute, as the tools of the agent demand it.
func resolve(input map[string]any, dir string) map[string]any {
	out := make(map[string]any, len(input))
	for k, v := range input {
		if path, ok := v.(string); ok && k == "file_path" && !filepath.IsAbs(path) {
			v = filepath.Join(dir, path)
		}
		out[k] = v
	}
	return out
}

func (t Turn) stopReason() string {
	switch {
	case t.StopReason != "":
		return t.StopReason
	case len(t.Tools) > 0:
		return "tool_use"
	default:
		return "end_turn"
	}
}

func (t Turn) usage() Usage {
	if t.Usage != nil {
		return *t.Usage
	}
	return DefaultUsage()
}
