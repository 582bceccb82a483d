package forge

import (
	_ "embed" // for the template
	"fmt"
	"strings"
	"text/template"
)

// maxBody bounds a body in bytes. GitHub takes 65,536 characters; what is left is for those who edit it.
const maxBody = 60000

// maxLeftOut is how many of the files that were left out are named, and maxName how long a name may be, in bytes.
const (
	maxLeftOut = 50
	maxName    = 200
)

// planCut and summaryCut stand where a text was cut.
const (
	planCut    = "\n\n*The plan is cut here; the whole of it is in the order's outputs, plan.md.*"
	summaryCut = "\n\n*The summary is cut here.*"
)

//go:embed pull-request.md
var bodyText string

// bodyTemplate is filled in one pass: a value that looks like a template stays as it is.
var bodyTemplate = template.Must(template.New("pull-request.md").Parse(bodyText))

// BodyData is what the text of a pull request tells. Secrets must have been taken out of it before.
type BodyData struct {
	// Name, ID and Run make the marker.
	Name, ID string
	Run      int64
	// Summary and Plan are the agent's texts, Markdown. Both may be empty.
	Summary, Plan string
	// BaseBranch at BaseCommit is what Branch at HeadCommit was compared with.
	BaseBranch, BaseCommit, Branch, HeadCommit string
	// The size of the difference; binary files count no lines.
	Commits, Files, Additions, Deletions int32
	// Agent names the agent, such as "claude, model sonnet". CostUSD is what it reports, such as 0.4312; empty when
	// it reports nothing.
	Agent, CostUSD string
	// LeftOut lists files that were not committed on purpose.
	LeftOut []string
}

// view is BodyData made safe to put into Markdown.
type view struct {
	Summary, Plan                              string
	Changes                                    string
	BaseBranch, BaseCommit, Branch, HeadCommit string
	Agent, Cost                                string
	LeftOut                                    []string
	Name, ID, Marker                           string
	Run                                        int64
}

// Body returns the text of a pull request: the agent's summary, its plan folded away, what was verified, what was left
// out, and the marker. It has at most 60,000 bytes; the plan is cut first, then the summary. Nothing in the agent's
// texts or in a file's name can close the fold, hide the facts or pass for a marker.
func Body(d BodyData) string {
	v := newView(d)
	room := maxBody - len(v.render()) - len("<details><summary>The plan</summary></details>") - 16
	v.Summary = fit(clean(d.Summary), room, summaryCut)
	v.Plan = fit(clean(d.Plan), room-len(v.Summary), planCut)
	return v.render()
}

// newView prepares everything but the agent's texts.
func newView(d BodyData) view {
	v := view{
		Changes: fmt.Sprintf("%s, %s changed, +%d -%d lines",
			count(d.Commits, "commit"), count(d.Files, "file"), d.Additions, d.Deletions),
		BaseBranch: code(d.BaseBranch), BaseCommit: code(d.BaseCommit),
		Branch: code(d.Branch), HeadCommit: code(d.HeadCommit),
		Agent: code(d.Agent), LeftOut: leftOut(d.LeftOut),
		Name: code(d.Name), ID: code(d.ID), Run: d.Run, Marker: Marker(d.Name, d.ID, d.Run),
	}
	if d.CostUSD != "" {
		v.Cost = code("$" + d.CostUSD)
	}
	return v
}

// render fills the template in. It writes to memory from plain fields, so it cannot fail once a test has run it.
func (v view) render() string {
	var out strings.Builder
	if err := bodyTemplate.Execute(&out, v); err != nil {
		panic("forge: the template of the pull request does not fit its data: " + err.Error())
	}
	return out.String()
}

// leftOut names the files, at most maxLeftOut.
func leftOut(files []string) []string {
	out := make([]string, 0, min(len(files), maxLeftOut+1))
	for i, f := range files {
		if i == maxLeftOut {
			return append(out, fmt.Sprintf("and %d more", len(files)-maxLeftOut))
		}
		out = append(out, code(f))
	}
	return out
}

// count puts a number before a noun.
func count(n int32, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
