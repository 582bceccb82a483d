package agent

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	casesensitive "sigs.k8s.io/json"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// Types of events, the value of their field type.
const (
	typeAssistant = "assistant"
	typeUser      = "user"
	typeSystem    = "system"
	typeResult    = "result"
	typeLimit     = "rate_limit_event"
	subtypeInit   = "init"
	subtypeRetry  = "api_retry"
)

// Types of blocks.
const (
	blockText       = "text"
	blockToolUse    = "tool_use"
	blockToolResult = "tool_result"
)

// Event is one line of an agent's output.
type Event struct {
	// Type and Subtype are those of the line; both empty for a line that is no event.
	Type, Subtype string
	// SessionID is the agent's session.
	SessionID string
	// Text is the line itself, without its end, when it is no event. A line over 1 MiB is cut to that and never an event.
	Text string
	// APIError is the kind of failure that the agent states in a message of its own making, such as billing_error.
	APIError string
	// Retry is set for system/api_retry.
	Retry *Retry
	// Limit is set for rate_limit_event.
	Limit *RateLimit
	// Result is set for result.
	Result *Result

	message        json.RawMessage
	model, version string
}

// Retry says that the agent is about to repeat a request to the model.
type Retry struct {
	Attempt    int
	MaxRetries int
	DelayMS    float64
	// Status is the HTTP status, 0 when there was no answer. Kind names the failure, such as overloaded.
	Status int
	Kind   string
}

// RateLimit is what the model's server said about the use of the account.
type RateLimit struct {
	// Status is allowed, allowed_warning or rejected.
	Status string `json:"status"`
	// ResetsAt is in seconds since 1970; 0 when unknown.
	ResetsAt int64 `json:"resetsAt"`
	// Type names the window, such as five_hour.
	Type string `json:"rateLimitType"`
}

// Result is the agent's own account of its run, its last event.
type Result struct {
	Subtype string
	IsError bool
	// Unclear says that is_error, without which there is no success, is neither true nor false, or missing.
	Unclear bool
	// Text is the final message, or what went wrong.
	Text   string
	Errors []string
	// TerminalReason, StopReason and APIStatus say why it ended; APIStatus is the HTTP status of a failed request, else 0.
	TerminalReason, StopReason string
	APIStatus                  int
	Turns                      int64
	Duration                   time.Duration
	// Denied names the tools whose use was denied, with what they were to do, once each, in order.
	Denied []string
	Usage  v1alpha1.Usage
	// CostUSD is the session's, all its runs included.
	CostUSD float64
}

// Block is a part of a message.
type Block struct {
	// Type is text, thinking, tool_use or tool_result.
	Type string `json:"type"`
	Text string `json:"text"`
	// Name and Input are those of a tool_use.
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
	// Content is a string or a list of blocks, for a tool_result.
	Content json.RawMessage `json:"content"`
	IsError bool            `json:"is_error"`
}

// wire is a line as it comes. Fields whose type differs between agents are kept raw.
type wire struct {
	Type        string          `json:"type"`
	Subtype     string          `json:"subtype"`
	SessionID   string          `json:"session_id"`
	Message     json.RawMessage `json:"message"`
	Error       json.RawMessage `json:"error"`
	IsAPIError  bool            `json:"is_api_error_message"`
	Attempt     int             `json:"attempt"`
	MaxRetries  int             `json:"max_retries"`
	DelayMS     float64         `json:"retry_delay_ms"`
	ErrorStatus int             `json:"error_status"`
	Limit       *RateLimit      `json:"rate_limit_info"`
	Model       string          `json:"model"`
	Version     string          `json:"claude_code_version"`
}

type wireResult struct {
	Subtype        string          `json:"subtype"`
	IsError        json.RawMessage `json:"is_error"`
	Result         json.RawMessage `json:"result"`
	Errors         []string        `json:"errors"`
	TerminalReason string          `json:"terminal_reason"`
	StopReason     string          `json:"stop_reason"`
	APIStatus      int             `json:"api_error_status"`
	Turns          int64           `json:"num_turns"`
	DurationMS     int64           `json:"duration_ms"`
	CostUSD        float64         `json:"total_cost_usd"`
	Denials        []wireDenial    `json:"permission_denials"`
	Usage          struct {
		Input      int64 `json:"input_tokens"`
		Output     int64 `json:"output_tokens"`
		CacheRead  int64 `json:"cache_read_input_tokens"`
		CacheWrite int64 `json:"cache_creation_input_tokens"`
	} `json:"usage"`
}

// parse reads a line. It never fails: what is no event becomes a text.
func parse(line []byte) Event {
	var w wire
	if len(line) == 0 || line[0] != '{' || !decodes(line, &w) || w.Type == "" {
		return Event{Text: string(line)}
	}
	e := Event{
		Type: w.Type, Subtype: w.Subtype, SessionID: w.SessionID,
		message: w.Message, model: w.Model, version: w.Version,
	}
	switch {
	case w.Type == typeAssistant && w.IsAPIError:
		e.APIError = textOrEmpty(w.Error)
	case w.Type == typeSystem && w.Subtype == subtypeRetry:
		e.Retry = &Retry{
			Attempt: w.Attempt, MaxRetries: w.MaxRetries, DelayMS: w.DelayMS,
			Status: w.ErrorStatus, Kind: textOrEmpty(w.Error),
		}
	case w.Type == typeLimit:
		e.Limit = w.Limit
	case w.Type == typeResult:
		e.Result = parseResult(line)
	}
	return e
}

// decodes tells whether the line is JSON; a field of another type than expected is left empty. A key in other letters than
// the agent's is another key.
func decodes(line []byte, into any) bool {
	err := casesensitive.UnmarshalCaseSensitivePreserveInts(line, into)
	var mismatch *json.UnmarshalTypeError
	return err == nil || errors.As(err, &mismatch)
}

// parseResult reads a result. One that says nothing of what is asked of a result, as other programs print it
// under the same type, is none.
func parseResult(line []byte) *Result {
	var w wireResult
	if !decodes(line, &w) || (w.Subtype == "" && w.IsError == nil && w.Result == nil) {
		return nil
	}
	turns, isError := count(w.Turns), string(w.IsError)
	r := &Result{
		Subtype: w.Subtype, Text: textOrEmpty(w.Result), Errors: w.Errors,
		IsError: isError != "false" || strings.HasPrefix(w.Subtype, "error"), Unclear: isError != "false" && isError != "true",
		TerminalReason: w.TerminalReason, StopReason: w.StopReason, APIStatus: w.APIStatus,
		Turns: turns, Duration: time.Duration(min(count(w.DurationMS), maxDurationMS)) * time.Millisecond,
		CostUSD: min(max(w.CostUSD, 0), maxCostUSD),
		Usage: v1alpha1.Usage{
			InputTokens: count(w.Usage.Input), OutputTokens: count(w.Usage.Output),
			CacheReadTokens: count(w.Usage.CacheRead), CacheWriteTokens: count(w.Usage.CacheWrite), Turns: turns,
		},
	}
	seen := map[string]bool{}
	for _, d := range w.Denials {
		if denied := d.String(); !seen[denied] {
			seen[denied] = true
			r.Denied = append(r.Denied, denied)
		}
	}
	return r
}

// An agent may state anything. Within these bounds no sum over the runs of an order overflows or turns back.
const (
	maxCount      = 1 << 50
	maxDurationMS = 1 << 40
	maxCostUSD    = 1e9
)

// count is a number of tokens or turns that is believed.
func count(stated int64) int64 { return min(max(stated, 0), maxCount) }

// textOrEmpty returns a JSON string's value.
func textOrEmpty(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// beginnings are how lines of a stream of events begin, also those that are cut or broken.
var beginnings = []string{`{"type":"assistant",`, `{"type":"user",`, `{"type":"system","subtype":`, `{"type":"result","subtype":`}

// streamed tells an event as agents print it whose stream ends with a result. Other programs may print JSON, too.
func (e Event) streamed() bool {
	switch e.Type {
	case "":
		return slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(e.Text, b) })
	case typeAssistant, typeUser:
		return len(e.message) > 0
	case typeSystem:
		return e.Subtype == subtypeInit || e.Retry != nil
	default:
		return e.Limit != nil
	}
}

// Blocks returns the parts of an assistant's or user's message, nil for other events.
func (e Event) Blocks() []Block {
	var m struct {
		Content json.RawMessage `json:"content"`
	}
	if len(e.message) == 0 || !decodes(e.message, &m) {
		return nil
	}
	return blocksOf(m.Content)
}

// blocksOf reads content that is a string or a list of blocks.
func blocksOf(raw json.RawMessage) []Block {
	if text := textOrEmpty(raw); text != "" {
		return []Block{{Type: blockText, Text: text}}
	}
	var blocks []Block
	if !decodes(raw, &blocks) {
		return nil
	}
	return blocks
}
