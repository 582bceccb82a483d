package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// noopAgent does what an agent must and no more: it takes in its task, and changes one file.
const noopAgent = `cat >/dev/null; [ "$AWO_PHASE" = Planning ] || echo "$AWO_WORK_ORDER" > note.txt; echo done`

// sleepingAgent stays, so that one can look at the processes around it.
const sleepingAgent = `cat >/dev/null; exec sleep 600`

// manifest is an order with a shell command for an agent.
func manifest(name, repository, agent string) string {
	return fmt.Sprintf(`apiVersion: awo.archon.dev/v1alpha1
kind: WorkOrder
metadata:
  name: %s
spec:
  repository:
    url: file://%s
  request: Write the name of this order into note.txt.
  agent:
    type: command
    command: [sh, -c, '%s']
`, name, repository, strings.ReplaceAll(agent, "'", "''"))
}

// phaseInFile finds the phase in a manifest's status.
var phaseInFile = regexp.MustCompile(`(?m)^  phase: (\w+)`)

// waitPhase waits until the status in the file at path shows a phase that reached accepts, and returns when.
func waitPhase(ctx context.Context, path string, reached func(string) bool) (time.Time, error) {
	err := poll(ctx, 500*time.Microsecond, 10*time.Minute, func() (bool, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return false, fmt.Errorf("cannot read the manifest: %w", err)
		}
		m := phaseInFile.FindSubmatch(data)
		if m == nil {
			return false, nil
		}
		if string(m[1]) == "Failed" {
			return false, fmt.Errorf("the order failed:\n%s", data)
		}
		return reached(string(m[1])), nil
	})
	return time.Now(), err
}

func begun(phase string) bool { return phase != "Pending" }

func succeeded(phase string) bool { return phase == "Succeeded" }

// prepare makes a data directory with a running controller beside a small repository.
func prepare(ctx context.Context, s settings) (c *controller, repo string, err error) {
	repo, err = repository(ctx, s.dir, "small.git", 20)
	if err != nil {
		return nil, "", err
	}
	c, err = startController(ctx, s, filepath.Join(s.dir, "data"))
	return c, repo, err
}

// percentile returns the smallest value that a share p of the values does not exceed.
func percentile(values []time.Duration, p float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := int(math.Ceil(p*float64(len(sorted)))) - 1
	return sorted[max(at, 0)]
}

// milliseconds prints a duration as people compare them.
func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
