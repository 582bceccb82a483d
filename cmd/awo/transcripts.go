package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// transcript is what the agent left of one attempt of a phase.
type transcript struct {
	// path is the file of its events, stderr the one of what it wrote to standard error beside them. Either may be empty.
	path, stderr string
	// step counts all attempts of the run, attempt those of the phase, both from 1.
	step, attempt int
	phase         v1alpha1.Phase
}

// listTranscripts returns the transcripts in a directory in the order in which they were made.
func listTranscripts(dir string) ([]transcript, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the transcripts: %w", err)
	}
	var found []transcript
	for _, entry := range entries {
		if each, ok := parseTranscript(dir, entry.Name()); ok && entry.Type().IsRegular() {
			found = append(found, each)
		}
	}
	found = paired(found)
	attempts := map[v1alpha1.Phase]int{}
	for i := range found {
		attempts[found[i].phase]++
		found[i].attempt = attempts[found[i].phase]
	}
	return found, nil
}

// paired puts both files of each attempt together, in the order of the attempts.
func paired(found []transcript) (out []transcript) {
	slices.SortStableFunc(found, func(a, b transcript) int { return a.step - b.step })
	for _, each := range found {
		last := len(out) - 1
		if last < 0 || out[last].step != each.step || out[last].phase != each.phase {
			out = append(out, each)
			continue
		}
		out[last].path, out[last].stderr = cmp.Or(out[last].path, each.path), cmp.Or(out[last].stderr, each.stderr)
	}
	return out
}

// parseTranscript reads a name such as 2-Implementing.jsonl, or .stderr.
func parseTranscript(dir, name string) (t transcript, ok bool) {
	kind := filepath.Ext(name)
	switch kind {
	case ".jsonl":
		t.path = filepath.Join(dir, name)
	case ".stderr":
		t.stderr = filepath.Join(dir, name)
	default:
		return t, false
	}
	number, phase, _ := strings.Cut(strings.TrimSuffix(name, kind), "-")
	step, err := strconv.Atoi(number)
	t.step, t.phase = step, v1alpha1.Phase(phase)
	return t, err == nil && phase != ""
}

// transcriptChoice says which transcripts are shown; its zero value is all of them.
type transcriptChoice struct {
	phase   string
	attempt int
}

func (c transcriptChoice) has(t transcript) bool {
	return (c.phase == "" || strings.EqualFold(c.phase, string(t.phase))) && (c.attempt == 0 || c.attempt == t.attempt)
}

// title heads the lines of a transcript.
func (t transcript) title() string {
	return fmt.Sprintf("==> %s (attempt %d) <==", t.phase, t.attempt)
}
