package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// ServiceName is how the service names itself, as its predecessor did.
const ServiceName = "agent-work-orders"

// Values of HealthReport.Status. Degraded is well enough to lose nothing, but orders wait for a person.
const (
	Healthy   = "healthy"
	Degraded  = "degraded"
	Unhealthy = "unhealthy"
)

// healthTimeout bounds how long a report may take to be put together.
const healthTimeout = 5 * time.Second

// HealthReport is the body of /health. Status, Service and Reasons are filled in by the server.
type HealthReport struct {
	// Status is healthy, degraded or unhealthy, from the rest of the report.
	Status  string `json:"status"`
	Service string `json:"service"`
	Version string `json:"version"`
	// Reasons say why the status is not healthy.
	Reasons []string `json:"reasons,omitempty"`
	// Dependencies are the programs: claude, git, gh.
	Dependencies map[string]Dependency `json:"dependencies"`
	Volume       Volume                `json:"volume"`
	// Tokens tell which credentials are there, never what they are.
	Tokens map[string]bool `json:"tokens"`
	// Orders counts them by phase.
	Orders map[string]int `json:"orders"`
	// Problems counts broken manifests.
	Problems int     `json:"problems"`
	Agents   Agents  `json:"agents"`
	Sandbox  Sandbox `json:"sandbox"`
}

// Dependency is a program that the controller runs.
type Dependency struct {
	Available bool   `json:"available"`
	Version   string `json:"version,omitempty"`
	Path      string `json:"path,omitempty"`
	// Needed says that an order cannot go on without it; a missing one that nothing needs is no illness.
	Needed bool `json:"needed"`
	// Message says why it is not available and what to do.
	Message string `json:"message,omitempty"`
}

// Volume is the data directory.
type Volume struct {
	Path     string `json:"path"`
	Writable bool   `json:"writable"`
	// FreeBytes is what is left of its file system.
	FreeBytes uint64 `json:"freeBytes"`
	// Short says what it lacks for orders to go on; empty when there is room.
	Short   string `json:"short,omitempty"`
	Message string `json:"message,omitempty"`
}

// Agents counts the agents that run and that may run at once.
type Agents struct {
	Running int `json:"running"`
	Limit   int `json:"limit"`
}

// Sandbox says how agents are confined.
type Sandbox struct {
	Mode    string `json:"mode,omitempty"`
	Active  bool   `json:"active"`
	Message string `json:"message,omitempty"`
}

// judge returns the report with its verdict: unhealthy when the volume or git is unusable, or a program is missing
// that an order needs; degraded when orders wait for room on the disk.
func (h HealthReport) judge() HealthReport {
	h.Service = ServiceName
	h.Reasons = h.illnesses()
	h.Status = Healthy
	switch {
	case len(h.Reasons) > 0:
		h.Status = Unhealthy
	case h.Volume.Short != "":
		h.Status, h.Reasons = Degraded, []string{"orders wait until the disk has room: " + h.Volume.Short}
	}
	return h
}

// illnesses lists what makes the service unhealthy, in a stable order.
func (h HealthReport) illnesses() []string {
	var out []string
	if !h.Volume.Writable {
		out = append(out, reason(fmt.Sprintf("the data directory %s cannot be used", h.Volume.Path), h.Volume.Message))
	}
	var missing []string
	for name, d := range h.Dependencies {
		if !d.Available && (d.Needed || name == "git") {
			missing = append(missing, reason(name+" is not available", d.Message))
		}
	}
	if _, known := h.Dependencies["git"]; !known {
		missing = append(missing, "git is not available")
	}
	slices.Sort(missing)
	return append(out, missing...)
}

// reason joins what is wrong with its detail.
func reason(what, detail string) string {
	if detail == "" {
		return what
	}
	return what + ": " + detail
}

// health answers /health: 200, or 503 when unhealthy.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	report := s.config.Health.Health(ctx).judge()
	code := http.StatusOK
	if report.Status == Unhealthy {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, r, code, report)
}

// alive answers /healthz: that it answers is the answer.
func (s *Server) alive(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	write(w, r, http.StatusOK, []byte("ok\n"))
}

// readiness is the body of /readyz.
type readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons,omitempty"`
}

// ready answers /readyz: 200, or 503 with the reasons.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	err := s.config.Health.Ready()
	if err == nil {
		writeJSON(w, r, http.StatusOK, readiness{Ready: true})
		return
	}
	writeJSON(w, r, http.StatusServiceUnavailable, readiness{Reasons: reasonsOf(err)})
}

// reasonsOf takes joined errors apart; any other keeps its own text.
func reasonsOf(err error) []string {
	joined, ok := any(err).(interface{ Unwrap() []error })
	if !ok {
		return []string{err.Error()}
	}
	var out []string
	for _, e := range joined.Unwrap() {
		out = append(out, reasonsOf(e)...)
	}
	return out
}
