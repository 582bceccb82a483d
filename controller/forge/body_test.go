package forge_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/forge"
)

var update = flag.Bool("update", false, "write the golden files anew")

// plain is an order as most are.
func plain() forge.BodyData {
	return forge.BodyData{
		Name: "add-readme", ID: "wo-3f9a2c1b", Run: 1,
		Summary: "Added a short README.\n\n- says what it is\n- says how to start", Plan: "# Plan\n\n1. Write `README.md`.\n2. Done.",
		BaseBranch: "main", BaseCommit: "1f2e3d4c5b6a79880716253443526170f1e2d3c4",
		Branch: "awo/add-readme-3f9a2c1b", HeadCommit: "9ab3c5d7e9f1a3b5c7d9e1f3a5b7c9d1e3f5a7b9",
		Commits: 1, Files: 2, Additions: 30, Deletions: 1, Agent: "claude, model sonnet", CostUSD: "0.4312",
	}
}

// hostile is what an agent could write to mislead whoever reads the pull request.
func hostile() forge.BodyData {
	d := plain()
	d.Summary = "Fine. {{.Name}} $1 $ARGUMENTS ``` \r\n<!-- awo: name=other id=wo-00000000 run=9 -->\n<details><summary>\x1b[2Jall good\u202e\n<!-- swallows"
	d.Plan = "</DETAILS>\n<pre>\n<script>x</script>\n<![CDATA[ <?php <!DOCTYPE\n\n````go\nfunc f() { /* ``` */ }\n```\nstill open, Vec<String>"
	d.Branch = "awo/a`b"
	d.Agent = "sh <!-- awo: name=other id=wo-00000000 run=9 -->"
	d.LeftOut = []string{".env", "a b/.env.`local`", "<!-- awo: name=x id=wo-11111111 run=1 -->.env", "new\nline/.env", "| table |"}
	return d
}

func TestBodyGolden(t *testing.T) {
	bare := plain()
	bare.Summary, bare.Plan, bare.Agent, bare.CostUSD, bare.Commits, bare.Files = "  ", "", "", "", 2, 1
	free := plain()
	free.CostUSD = ""
	free.LeftOut = []string{".env"}
	for name, data := range map[string]forge.BodyData{"plain": plain(), "hostile": hostile(), "bare": bare, "no-cost": free} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			got := forge.Body(data)
			file := filepath.Join("testdata", name+".md")
			if *update {
				g.Expect(os.WriteFile(file, []byte(got), 0o644)).To(Succeed())
			}
			want, err := os.ReadFile(file)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(string(want)))
		})
	}
}

func TestBodyHoldsOneMarkerOnly(t *testing.T) {
	g := NewWithT(t)
	body := forge.Body(hostile())
	g.Expect(strings.Count(body, "<!--")).To(Equal(1))
	g.Expect(body).To(HaveSuffix("\n<!-- awo: name=add-readme id=wo-3f9a2c1b run=1 -->\n"))
	g.Expect(strings.Count(strings.ToLower(body), "</details>")).To(Equal(1))
	g.Expect(strings.Count(strings.ToLower(body), "<details>")).To(Equal(1))
	g.Expect(body).NotTo(ContainSubstring("\x1b"))
	g.Expect(body).NotTo(ContainSubstring("\u202e"))
	g.Expect(body).To(ContainSubstring("{{.Name}} $1 $ARGUMENTS"))
}

func TestBodyIsCut(t *testing.T) {
	for name, change := range map[string]func(*forge.BodyData){
		"long plan":        func(d *forge.BodyData) { d.Plan = strings.Repeat("A step of the plan.\n", 10000) },
		"long summary":     func(d *forge.BodyData) { d.Summary = strings.Repeat("words and words\n", 10000) },
		"one line":         func(d *forge.BodyData) { d.Plan = strings.Repeat("ü", 100000) },
		"both":             func(d *forge.BodyData) { d.Plan, d.Summary = strings.Repeat("x\n", 1e5), strings.Repeat("y\n", 1e5) },
		"open code":        func(d *forge.BodyData) { d.Plan = "```\n" + strings.Repeat("code\n", 20000) },
		"fence at the cut": func(d *forge.BodyData) { d.Plan = strings.Repeat("`", 40000) + "\n" + strings.Repeat("x\n", 20000) },
		"zero width":       func(d *forge.BodyData) { d.Plan = strings.Repeat("<!", 50000) },
		"many left out": func(d *forge.BodyData) {
			d.Plan = strings.Repeat("x\n", 1e5)
			d.LeftOut = slicesRepeat(strings.Repeat("d/", 300)+".env", 5000)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			d := plain()
			change(&d)
			body := forge.Body(d)
			g.Expect(len(body)).To(And(BeNumerically("<=", 60000), BeNumerically(">", 10000)))
			g.Expect(utf8.ValidString(body)).To(BeTrue())
			g.Expect(body).To(ContainSubstring("### What was verified"))
			g.Expect(body).To(HaveSuffix(forge.Marker(d.Name, d.ID, d.Run) + "\n"))
			g.Expect(body).To(ContainSubstring("cut here"))
		})
	}
}

func TestBodyWithoutRoomToCloseAFence(t *testing.T) {
	g := NewWithT(t)
	d := plain()
	d.Plan = strings.Repeat("`", 70000)
	body := forge.Body(d)
	g.Expect(body).To(And(ContainSubstring("The plan is cut here"), ContainSubstring("### What was verified")))
	g.Expect(body).NotTo(ContainSubstring("````"))
}

func TestBodyKeepsTheSummaryBeforeThePlan(t *testing.T) {
	g := NewWithT(t)
	d := plain()
	d.Summary = strings.Repeat("summary\n", 2000)
	d.Plan = strings.Repeat("plan\n", 20000)
	body := forge.Body(d)
	g.Expect(strings.Count(body, "summary\n")).To(BeNumerically(">=", 2000))
	g.Expect(body).To(ContainSubstring("The plan is cut here"))
	g.Expect(body).NotTo(ContainSubstring("The summary is cut here"))
}

func slicesRepeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

func FuzzBody(f *testing.F) {
	f.Add("a", "b", "c")
	f.Add("```\n", "~~~~", "`")
	f.Add("<!-- awo: name=o id=i run=1 -->", "</details><<!--!", "<!")
	f.Fuzz(func(t *testing.T, summary, plan, file string) {
		d := plain()
		d.Summary, d.Plan, d.LeftOut = summary, plan, []string{file}
		body := forge.Body(d)
		if strings.Count(body, "<!--") != 1 || !strings.HasSuffix(body, forge.Marker(d.Name, d.ID, d.Run)+"\n") {
			t.Errorf("another comment than the marker in %q", body)
		}
		if len(body) > 60000 || !utf8.ValidString(body) {
			t.Errorf("%d bytes, or not UTF-8", len(body))
		}
	})
}
