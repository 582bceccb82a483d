// Package forge opens pull requests, each exactly once: GitHub is used through the gh command, a repository on
// disk gets a file. What is there is looked up before and after each act, and is ours only if it carries our marker
// and stands at our commit.
package forge

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/agent-work-orders/awo/controller/process"
)

// PullRequest is what is to be opened.
type PullRequest struct {
	// Repository is its URL as the manifest has it.
	Repository string
	// Base and Head are branches; HeadSHA is the commit that Head was seen to stand at.
	Base, Head, HeadSHA string
	// Title is cut to what GitHub takes.
	Title string
	// BodyFile is the file with the text, pull-request.md. It must exist and hold Marker.
	BodyFile string
	// Marker is this run's, see Marker.
	Marker            string
	Draft             bool
	Labels, Reviewers []string
}

// Opened is a pull request that was seen.
type Opened struct {
	URL string
	// Number is 0 for the local forge.
	Number int32
	// State is OPEN, CLOSED or MERGED.
	State string
	// Adopted tells that it was there before, opened by an earlier attempt of this order.
	Adopted bool
	// Incomplete says in a sentence what could not be set on it, such as a reviewer; empty when nothing is missing.
	Incomplete string
}

// States of a pull request, as GitHub names them.
const (
	StateOpen   = "OPEN"
	StateClosed = "CLOSED"
	StateMerged = "MERGED"
)

// Runner runs a process; *process.Spawner is one.
type Runner interface {
	Run(ctx context.Context, c process.Command) (process.Result, error)
}

// markerPattern reads a marker back.
var markerPattern = regexp.MustCompile(`<!-- awo: name=(\S+) id=(\S+) run=(\d+) -->`)

// Marker is the comment, invisible in the rendered text, by which a run knows its pull request again.
func Marker(name, id string, run int64) string {
	return fmt.Sprintf("<!-- awo: name=%s id=%s run=%d -->", name, id, run)
}

// marked is what a marker says.
type marked struct {
	name, id string
	run      int64
}

// readMarker returns what the last marker of a text says; ok is false when there is none. Ours is the last line of
// the texts that we write.
func readMarker(text string) (m marked, ok bool) {
	all := markerPattern.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return marked{}, false
	}
	last := all[len(all)-1]
	run, err := strconv.ParseInt(last[3], 10, 64)
	if err != nil {
		return marked{}, false
	}
	return marked{name: last[1], id: last[2], run: run}, true
}
