package model

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// Request is a request as it came, for scripts to decide by and for tests to assert on.
type Request struct {
	// Script is the first part of the path, the name by which the script was chosen.
	Script string
	// Number counts the requests of the script, SessionNumber those of the script in one session; both from 1.
	Number, SessionNumber int
	// Session is the agent's session.
	Session string
	// Header is the header of the request.
	Header http.Header
	// Body is the body as it came.
	Body []byte
	// Model, Stream, System, Messages and Tools are taken from the body.
	Model    string
	Stream   bool
	System   string
	Messages []Message
	Tools    []string
}

// Message is a message of the conversation.
type Message struct {
	Role   string
	Blocks []Block
}

// Block is a part of a message: text, a tool call or the result of one.
type Block struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
	ToolUseID string          `json:"tool_use_id"`
	Content   json.RawMessage `json:"content"`
	IsError   bool            `json:"is_error"`
}

// ToolResult is what a tool gave back.
type ToolResult struct {
	Text    string
	IsError bool
}

type requestBody struct {
	Model    string          `json:"model"`
	Stream   bool            `json:"stream"`
	System   json.RawMessage `json:"system"`
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
	Tools []struct {
		Name string `json:"name"`
	} `json:"tools"`
}

func parseRequest(header http.Header, body []byte) (*Request, error) {
	var in requestBody
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	r := &Request{Header: header, Body: body, Model: in.Model, Stream: in.Stream, Session: header.Get("X-Claude-Code-Session-Id")}
	r.System = textOf(parseBlocks(in.System))
	for _, m := range in.Messages {
		r.Messages = append(r.Messages, Message{Role: m.Role, Blocks: parseBlocks(m.Content)})
	}
	for _, t := range in.Tools {
		r.Tools = append(r.Tools, t.Name)
	}
	return r, nil
}

// parseBlocks reads content, which is a string or a list of blocks.
func parseBlocks(raw json.RawMessage) []Block {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []Block{{Type: "text", Text: text}}
	}
	var blocks []Block
	if json.Unmarshal(raw, &blocks) != nil {
		return nil
	}
	return blocks
}

func textOf(blocks []Block) string {
	var parts []string
	for _, b := range blocks {
		if b.Type == "text" {
			parts = append(parts, b.Text)
		}
	}
	return strings.Join(parts, "\n")
}

// HasTool tells whether the agent offered the tool.
func (r *Request) HasTool(name string) bool { return slices.Contains(r.Tools, name) }

// Answers counts the answers that the conversation holds already, those of earlier processes included.
func (r *Request) Answers() int {
	n := 0
	for _, m := range r.Messages {
		if m.Role == "assistant" {
			n++
		}
	}
	return n
}

// Prompts returns the prompts of the conversation in order: the last text block of each user message.
func (r *Request) Prompts() []string {
	var out []string
	for _, m := range r.Messages {
		if m.Role != "user" {
			continue
		}
		for _, b := range slices.Backward(m.Blocks) {
			if b.Type == "text" {
				out = append(out, b.Text)
				break
			}
		}
	}
	return out
}

// Prompt returns the first prompt of the conversation, empty if there is none.
func (r *Request) Prompt() string {
	if prompts := r.Prompts(); len(prompts) > 0 {
		return prompts[0]
	}
	return ""
}

// LastPrompt returns the newest prompt of the conversation, which after a resume is the continuation.
func (r *Request) LastPrompt() string {
	if prompts := r.Prompts(); len(prompts) > 0 {
		return prompts[len(prompts)-1]
	}
	return ""
}

// ToolResults returns the results of all tool calls in the conversation.
func (r *Request) ToolResults() []ToolResult {
	var out []ToolResult
	for _, m := range r.Messages {
		for _, b := range m.Blocks {
			if b.Type == "tool_result" {
				out = append(out, ToolResult{Text: textOf(parseBlocks(b.Content)), IsError: b.IsError})
			}
		}
	}
	return out
}

// workDirMark stands before the working directory in what the agent tells the model of its surroundings.
const workDirMark = "Primary working directory: "

// WorkDir returns the agent's working directory as it told the model, empty if it did not.
func (r *Request) WorkDir() string {
	texts := make([]string, 0, 1+len(r.Messages))
	texts = append(texts, r.System)
	for _, m := range r.Messages {
		texts = append(texts, textOf(m.Blocks))
	}
	for _, text := range texts {
		if _, after, found := strings.Cut(text, workDirMark); found {
			dir, _, _ := strings.Cut(after, "\n")
			return strings.TrimSpace(dir)
		}
	}
	return ""
}
