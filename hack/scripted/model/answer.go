package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// answer sends a turn, or breaks the connection as the turn says.
func (s *Server) answer(w http.ResponseWriter, hr *http.Request, r *Request, turn Turn) {
	switch {
	case turn.Error != nil:
		sendError(w, turn.Error)
	case turn.Fault == FaultHang:
		<-hr.Context().Done()
		panic(http.ErrAbortHandler)
	case turn.Fault == FaultDrop:
		// Closes the connection without a word and without a log line.
		panic(http.ErrAbortHandler)
	case turn.Fault == FaultEmpty:
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
	case turn.Fault == FaultMalformed:
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("event: message_start\ndata: {this is not JSON\n\n"))
	default:
		s.message(w, r, turn)
	}
}

// message sends a proper answer, whole or cut.
func (s *Server) message(w http.ResponseWriter, r *Request, turn Turn) {
	seed := s.counts.next("\x00answers")
	blocks, err := turn.blocks(r, seed)
	if err != nil {
		s.fail(w, http.StatusInternalServerError, fmt.Errorf("encode the turn: %w", err))
		return
	}
	body, contentType := whole(seed, r.Model, turn, blocks), "application/json"
	if r.Stream {
		body, contentType = stream(seed, r.Model, turn, blocks), "text/event-stream"
	}
	w.Header().Set("Content-Type", contentType)
	if turn.Fault == FaultCut {
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body)
}

type message struct {
	ID           string  `json:"id"`
	Type         string  `json:"type"`
	Role         string  `json:"role"`
	Model        string  `json:"model"`
	Content      []block `json:"content"`
	StopReason   *string `json:"stop_reason"`
	StopSequence *string `json:"stop_sequence"`
	Usage        Usage   `json:"usage"`
}

func newMessage(seed int, model string, usage Usage) message {
	return message{
		ID: "msg_" + strconv.Itoa(seed), Type: "message", Role: "assistant", Model: model,
		Content: []block{}, Usage: usage,
	}
}

// whole is the answer to a request without streaming.
func whole(seed int, model string, turn Turn, blocks []block) []byte {
	m := newMessage(seed, model, turn.usage())
	reason := turn.stopReason()
	m.Content, m.StopReason = append(m.Content, blocks...), &reason
	return encode(m)
}

// stream is the answer as server-sent events.
func stream(seed int, model string, turn Turn, blocks []block) []byte {
	var out bytes.Buffer
	usage := turn.usage()
	start := usage
	start.OutputTokens = 1
	send(&out, "message_start", map[string]any{"message": newMessage(seed, model, start)})
	for i, b := range blocks {
		streamBlock(&out, i, b)
	}
	delta := map[string]any{"stop_reason": turn.stopReason(), "stop_sequence": nil}
	send(&out, "message_delta", map[string]any{"delta": delta, "usage": usage})
	send(&out, "message_stop", map[string]any{})
	return out.Bytes()
}

func streamBlock(out *bytes.Buffer, index int, b block) {
	start := map[string]any{"type": "text", "text": ""}
	delta := map[string]any{"type": "text_delta", "text": b.Text}
	if b.Type == "tool_use" {
		start = map[string]any{"type": "tool_use", "id": b.ID, "name": b.Name, "input": map[string]any{}}
		delta = map[string]any{"type": "input_json_delta", "partial_json": string(b.Input)}
	}
	send(out, "content_block_start", map[string]any{"index": index, "content_block": start})
	send(out, "content_block_delta", map[string]any{"index": index, "delta": delta})
	send(out, "content_block_stop", map[string]any{"index": index})
}

// send writes one event; its name is repeated in the data.
func send(out *bytes.Buffer, event string, data map[string]any) {
	data["type"] = event
	fmt.Fprintf(out, "event: %s\ndata: %s\n\n", event, encode(data))
}

// encode is for values made here, which always encode.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("model: a value that does not encode: " + err.Error())
	}
	return data
}

// errorTypes are the types that the real API sends.
var errorTypes = map[int][2]string{
	http.StatusBadRequest:            {"invalid_request_error", "invalid request"},
	http.StatusUnauthorized:          {"authentication_error", "invalid x-api-key"},
	http.StatusForbidden:             {"permission_error", "forbidden"},
	http.StatusNotFound:              {"not_found_error", "model: not found"},
	http.StatusRequestEntityTooLarge: {"request_too_large", "request too large"},
	http.StatusTooManyRequests:       {"rate_limit_error", "This request would exceed your rate limit"},
	http.StatusInternalServerError:   {"api_error", "Internal server error"},
	529:                              {"overloaded_error", "Overloaded"},
}

func sendError(w http.ResponseWriter, e *Error) {
	known := errorTypes[e.Status]
	kind, text := e.Type, e.Message
	if kind == "" {
		kind = known[0]
	}
	if kind == "" {
		kind = "api_error"
	}
	if text == "" {
		text = known[1]
	}
	if e.RetryAfter != "" {
		w.Header().Set("Retry-After", e.RetryAfter)
	}
	for k, v := range e.Header {
		w.Header().Set(k, v)
	}
	writeJSON(w, e.Status, map[string]any{"type": "error", "error": map[string]string{"type": kind, "message": text}})
}
