package main

import (
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

// transcript is the file of one attempt of a phase.
type transcript struct {
	path string
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
		if each, ok := parseTranscript(entry.Name()); ok && entry.Type().IsRegular() {
			each.path = filepath.Join(dir, entry.Name())
			found = append(found, each)
		}
	}
	slices.SortFunc(found, func(a, b transcript) int { return a.step - b.step })
	attempts := map[v1alpha1.Phase]int{}
	for i := range found {
		attempts[found[i].phase]++
		found[i].attempt = attempts[found[i].phase]
	}
	return found, nil
}

// parseTranscript reads a name such as 2-Implementing.jsonl.
func parseTranscript(name string) (transcript, bool) {
	stem, isTranscript := strings.CutSuffix(name, ".jsonl")
	number, phase, ok := strings.Cut(stem, "-")
	step, err := strconv.Atoi(number)
	return transcript{step: step, phase: v1alpha1.Phase(phase)}, isTranscript && ok && err == nil && phase != ""
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
