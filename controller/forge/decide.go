package forge

import (
	"errors"
	"fmt"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
)

// listed is a pull request as `gh pr list --json` shows it.
type listed struct {
	Number            int32  `json:"number"`
	URL               string `json:"url"`
	State             string `json:"state"`
	Body              string `json:"body"`
	HeadRefName       string `json:"headRefName"`
	HeadRefOid        string `json:"headRefOid"`
	BaseRefName       string `json:"baseRefName"`
	IsDraft           bool   `json:"isDraft"`
	IsCrossRepository bool   `json:"isCrossRepository"`
}

// listedFields are the fields to ask gh for.
const listedFields = "number,url,state,body,headRefName,headRefOid,baseRefName,isDraft,isCrossRepository"

// act is what is to be done about the pull request.
type act int

const (
	// create: there is none.
	create act = iota
	// adopt: ours is there.
	adopt
	// takeOver: that of an earlier run of this order is open on the branch that this run continued; it becomes ours.
	takeOver
	// refuse: what is there forbids to go on.
	refuse
)

// decision is an act with the pull request it concerns, or the error to end with.
type decision struct {
	act act
	on  listed
	err error
}

// decide chooses what to do from what was found for the head branch, in any state. Ours has this run's marker and
// stands at our commit. One of a fork is a stranger's business and in nobody's way.
func decide(p PullRequest, found []listed) decision {
	var ours, others []listed
	for _, f := range found {
		switch {
		case f.IsCrossRepository || f.HeadRefName != p.Head:
		case p.Marker != "" && strings.Contains(f.Body, p.Marker):
			ours = append(ours, f)
		case f.State == StateOpen:
			others = append(others, f)
		}
	}
	for _, state := range []string{StateOpen, StateMerged, StateClosed} {
		for _, f := range ours {
			if f.State == state {
				return decideOurs(p, f)
			}
		}
	}
	if len(others) > 0 {
		return decideOther(p, others[0])
	}
	return decision{act: create}
}

// decideOurs decides about the one that carries our marker.
func decideOurs(p PullRequest, f listed) decision {
	switch {
	case f.State == StateClosed:
		return refusal(failure.Terminal, f, "was closed by a person, not opened again; reopen it there, or change the request for a new run")
	case f.HeadRefOid == p.HeadSHA:
		return decision{act: adopt, on: f}
	case f.State == StateMerged:
		return refusal(failure.Terminal, f, fmt.Sprintf("was merged at %s and not at our commit %s; look at what was merged", f.HeadRefOid, p.HeadSHA))
	}
	return refusal(failure.Retry, f, fmt.Sprintf("stands at %s and not at our commit %s; "+
		"if somebody pushed to %s, take those commits off it and run `awo retry`", f.HeadRefOid, p.HeadSHA, p.Head))
}

// decideOther decides about an open one from our branch that does not carry our marker.
func decideOther(p PullRequest, f listed) decision {
	if !earlierRun(p.Marker, f.Body) {
		return refusal(failure.Terminal, f, fmt.Sprintf("is open from branch %s and not of this order; "+
			"close it, or name another spec.repository.branch", p.Head))
	}
	if f.HeadRefOid != p.HeadSHA {
		return refusal(failure.Retry, f, fmt.Sprintf("of an earlier run of this order stands at %s and not at our commit %s", f.HeadRefOid, p.HeadSHA))
	}
	return decision{act: takeOver, on: f}
}

// earlierRun tells whether a body carries the marker of an earlier run of the order that marker is of.
func earlierRun(marker, body string) bool {
	mine, ok := readMarker(marker)
	if !ok {
		return false
	}
	theirs, ok := readMarker(body)
	return ok && theirs.name == mine.name && theirs.id != mine.id && theirs.run < mine.run
}

// refusal is a decision not to go on because of a pull request.
func refusal(policy failure.Policy, f listed, why string) decision {
	return decision{act: refuse, on: f, err: &failure.Error{
		Policy: policy, Reason: v1alpha1.ReasonPullRequestFailed, Err: errors.New("pull request " + f.URL + " " + why),
	}}
}
