package server_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/server"
)

func TestHealth(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*server.HealthReport)
		code    int
		status  string
		reasons []string
	}{
		"well; what nothing needs may be missing": {change: func(*server.HealthReport) {}, code: 200, status: "healthy"},
		"volume": {change: func(h *server.HealthReport) { h.Volume.Writable, h.Volume.Message = false, "read-only file system" },
			code: 503, status: "unhealthy", reasons: []string{"the data directory /data cannot be used: read-only file system"}},
		"no room": {change: func(h *server.HealthReport) { h.Volume.Short = "less than 1 GiB is free" },
			code: 200, status: "degraded", reasons: []string{"orders wait until the disk has room: less than 1 GiB is free"}},
		"no room and no git": {change: func(h *server.HealthReport) {
			h.Volume.Short = "less than 1 GiB is free"
			h.Dependencies["git"] = server.Dependency{}
		}, code: 503, status: "unhealthy", reasons: []string{"git is not available"}},
		"git": {change: func(h *server.HealthReport) { h.Dependencies["git"] = server.Dependency{} },
			code: 503, status: "unhealthy", reasons: []string{"git is not available"}},
		"git never looked for": {change: func(h *server.HealthReport) { delete(h.Dependencies, "git") },
			code: 503, status: "unhealthy", reasons: []string{"git is not available"}},
		"an agent that an order needs": {change: func(h *server.HealthReport) {
			h.Dependencies["claude"] = server.Dependency{Needed: true, Message: "install it"}
		}, code: 503, status: "unhealthy", reasons: []string{"claude is not available: install it"}},
		"needed and there": {change: func(h *server.HealthReport) {
			h.Dependencies["claude"] = server.Dependency{Needed: true, Available: true}
		}, code: 200, status: "healthy"},
		"several": {change: func(h *server.HealthReport) {
			h.Volume.Writable = false
			h.Dependencies = map[string]server.Dependency{"git": {}, "gh": {Needed: true}}
		}, code: 503, status: "unhealthy", reasons: []string{"the data directory /data cannot be used", "gh is not available", "git is not available"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := wellState()
			c.change(&s.report)
			e := start(t, s, "")
			a := e.ask("GET", "/health", "")
			e.Expect(a.code).To(Equal(c.code))
			e.Expect(a.body).To(HavePrefix(`{"status":"` + c.status + `","service":"agent-work-orders","version":"0.1.0",`))
			var report server.HealthReport
			e.Expect(json.Unmarshal([]byte(a.body), &report)).To(Succeed())
			e.Expect(report.Reasons).To(Equal(c.reasons))
		})
	}
}

func TestHealthTellsWhichCredentialsAreThere(t *testing.T) {
	e := start(t, wellState(), "")
	var body map[string]any
	e.Expect(json.Unmarshal([]byte(e.ask("GET", "/health").body), &body)).To(Succeed())
	e.Expect(body["tokens"]).To(Equal(map[string]any{"github": true, "anthropic": false}))
	e.Expect(body["dependencies"]).To(HaveKeyWithValue("git",
		map[string]any{"available": true, "version": "2.39.5", "path": "/usr/bin/git", "needed": false}))
	e.Expect(body["orders"]).To(Equal(map[string]any{"Succeeded": 2.0}))
}

func TestAliveAndReady(t *testing.T) {
	s := wellState()
	e := start(t, s, "")
	e.Expect(e.ask("GET", "/healthz").body).To(Equal("ok\n"))
	e.Expect(e.ask("GET", "/readyz").body).To(MatchJSON(`{"ready":true}`))
}

func TestNotReady(t *testing.T) {
	s := wellState()
	s.ready = errors.Join(errors.New("deletions are held"), errors.Join(errors.New("not listed yet")))
	e := start(t, s, "")
	a := e.ask("GET", "/readyz", "")
	e.Expect(a.code).To(Equal(http.StatusServiceUnavailable))
	e.Expect(a.body).To(MatchJSON(`{"ready":false,"reasons":["deletions are held","not listed yet"]}`))
	e.Expect(e.ask("GET", "/healthz").code).To(Equal(http.StatusOK))
}
