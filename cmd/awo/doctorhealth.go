package main

import (
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agent-work-orders/awo/controller/server"
	"github.com/agent-work-orders/awo/controller/store"
)

// maxHealth is more than any controller says about its health, in bytes: who answers there may be anybody.
const maxHealth = 1 << 20

// checkHealth asks the running controller how it fares, whose environment may be another than the one here.
func (d *doctor) checkHealth(ctx context.Context, layout store.Layout) []finding {
	const check = "health"
	if _, err := server.ReadAddress(filepath.Join(layout.Root, server.AddressFileName)); err != nil {
		// The check of the controller says whether one runs.
		return nil
	}
	at, err := d.endpoint("")
	if err != nil {
		return []finding{{check, verdictWarn, err.Error(), ""}}
	}
	res, err := at.get(ctx, "/health")
	if err != nil {
		return []finding{{check, verdictWarn, err.Error(), ""}}
	}
	defer func() { _ = res.Body.Close() }()
	var report server.HealthReport
	if err := json.NewDecoder(io.LimitReader(res.Body, maxHealth)).Decode(&report); err != nil || report.Service != server.ServiceName {
		return []finding{{check, verdictWarn, "something else than a controller answers at " + at.url, "see who listens there"}}
	}
	if report.Status == server.Unhealthy {
		return []finding{{check, verdictFail, strings.Join(report.Reasons, "; "), ""}}
	}
	findings := []finding{{check, verdictOK, "the controller says " + report.Status, ""}}
	if report.Status != server.Healthy {
		findings = []finding{{check, verdictWarn, strings.Join(report.Reasons, "; "), "free space there, or start the controller with a smaller --min-free-disk"}}
	}
	if differing := d.differing(report.Tokens); len(differing) > 0 {
		findings = append(findings, finding{"environment", verdictWarn,
			"the controller's is another one: " + strings.Join(differing, ", "),
			"what follows is about this one; run doctor where the controller runs, as by `docker compose exec`"})
	}
	return findings
}

// differing tells which credentials the controller has and this environment has not, or the other way round.
func (d *doctor) differing(controllers map[string]bool) []string {
	var out []string
	for credential, names := range map[string][]string{
		"github": {variableGitHubToken, variableGHToken}, "anthropic": {variableAPIKey}, "claudeOAuth": {variableOAuthToken},
	} {
		secret, err := secretFromEnvironment(d.lookup, names...)
		if credential == "github" {
			secret, err = d.githubToken(d.githubHost())
		}
		here := err == nil && secret != ""
		switch {
		case controllers[credential] && !here:
			out = append(out, "it has "+names[0]+", here it is not set")
		case !controllers[credential] && here:
			out = append(out, names[0]+" is set here, it has none")
		}
	}
	slices.Sort(out)
	return out
}
