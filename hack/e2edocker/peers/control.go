//go:build docker

package main

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/agent-work-orders/awo/hack/scripted/githttp"
	"github.com/agent-work-orders/awo/hack/scripted/github"
	"github.com/agent-work-orders/awo/hack/scripted/model"
)

// state is what has arrived.
type state struct {
	PullRequests []github.PullRequest
	Branches     []string
	// Sessions are the model's conversations in Implementing, in order of their requests; Prompts the last prompt of
	// each request.
	Sessions, Prompts []string
	// Held counts the answers of the model that wait for the gate.
	Held int
}

// control answers tests.
func (p *peers) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /repositories/{name}", p.create)
	mux.HandleFunc("GET /repositories/{name}", p.state)
	mux.HandleFunc("GET /repositories/{name}/files/{path...}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(p.gitOut("acme/"+r.PathValue("name"), "show", r.URL.Query().Get("ref")+":"+r.PathValue("path"))))
	})
	mux.HandleFunc("POST /gate/{what}", p.setGate)
	mux.HandleFunc("POST /script/{name}", p.set(&p.script))
	mux.HandleFunc("POST /certificate/{name}", p.set(&p.certificate))
	return mux
}

// create makes acme/NAME with one commit on main of the files in the body.
func (p *peers) create(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	c := githttp.Commit{Branch: "main"}
	err := json.NewDecoder(r.Body).Decode(&c.Files)
	if err == nil {
		_, err = p.git.Create(r.Context(), "acme/"+name+".git", c)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	p.github.AddRepository(github.Repository{Owner: "acme", Name: name, DefaultBranch: "main"})
}

func (p *peers) state(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	s := state{PullRequests: p.github.PullRequests("acme", name)}
	for branch := range strings.FieldsSeq(p.gitOut("acme/"+name, "for-each-ref", "--format=%(refname:short)", "refs/heads")) {
		if branch != "main" {
			s.Branches = append(s.Branches, branch)
		}
	}
	for _, request := range p.model.Requests("writes") {
		if request.HasTool("Write") {
			s.note(request)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s)
}

func (s *state) note(r *model.Request) {
	s.Sessions, s.Prompts = append(s.Sessions, r.Session), append(s.Prompts, r.LastPrompt())
	if used(r, "Write") && !used(r, "Bash") {
		s.Held++
	}
}

// setGate closes the gate, so that the model waits in Implementing, or opens it.
func (p *peers) setGate(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	open := false
	select {
	case <-p.gate:
		open = true
	default:
	}
	switch what := r.PathValue("what"); {
	case what == "close" && open:
		p.gate = make(chan struct{})
	case what == "open" && !open:
		close(p.gate)
	case what != "close" && what != "open":
		http.NotFound(w, r)
	}
}

// set lets tests choose one of what there is, by its name.
func (p *peers) set(what *string) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		*what = r.PathValue("name")
	}
}
