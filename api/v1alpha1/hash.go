package v1alpha1

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// hashVersion tags both hashes; a change of what they cover or how they are made changes the tag, and the
// controller then compares with the function that the tag names.
const hashVersion = "v1:sha256:"

// work is what defines the work of a run. The order of its fields is part of the hash.
type work struct {
	Repository  Repository      `json:"repository"`
	Request     string          `json:"request"`
	Phases      []Phase         `json:"phases,omitempty"`
	AgentType   AgentType       `json:"agentType,omitempty"`
	Command     []string        `json:"command,omitempty"`
	Model       string          `json:"model,omitempty"`
	PullRequest PullRequestSpec `json:"pullRequest"`
}

// SpecHash covers the whole spec as written, before defaults. Its change is a new generation.
func (s *WorkOrderSpec) SpecHash() string { return hashOf(s) }

// RunHash covers what defines the work: repository, request, phases, agent type, command and model, pull
// request. Its change after the end of a run is a new run.
func (s *WorkOrderSpec) RunHash() string {
	return hashOf(work{
		Repository: s.Repository, Request: s.Request, Phases: s.Phases, AgentType: s.Agent.Type,
		Command: s.Agent.Command, Model: s.Agent.Model, PullRequest: s.PullRequest,
	})
}

// hashOf hashes the JSON of plain structs, which cannot fail to encode.
func hashOf(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic("v1alpha1: a spec that cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hashVersion + hex.EncodeToString(sum[:])
}
