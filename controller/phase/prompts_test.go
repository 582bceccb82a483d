package phase_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/phase"
)

func TestPromptTextIsInsertedOnce(t *testing.T) {
	g := NewWithT(t)
	p, err := phase.LoadPrompts("")
	g.Expect(err).NotTo(HaveOccurred())
	odd := "$1 $2 $ARGUMENTS {{.Plan}} {{ template `x` }} <b>&amp;"
	got, err := p.Implementing(phase.PromptData{Request: odd, Plan: "use {{.Request}} and $1"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(got)).To(And(ContainSubstring(odd), ContainSubstring("use {{.Request}} and $1")))
}

func TestPromptWithoutPlanSpeaksOfNone(t *testing.T) {
	g := NewWithT(t)
	p, err := phase.LoadPrompts("")
	g.Expect(err).NotTo(HaveOccurred())
	got, err := p.Implementing(phase.PromptData{Request: "x"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(got)).NotTo(ContainSubstring("plan"))
}

func TestReplacedTemplateIsReadAnewEachTime(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "planning.md")
	write := func(text string) { g.Expect(os.WriteFile(file, []byte(text), 0o644)).To(Succeed()) }
	p, err := phase.LoadPrompts(dir)
	g.Expect(err).NotTo(HaveOccurred())
	ask := func() string {
		got, err := p.Planning(phase.PromptData{Request: "q"})
		g.Expect(err).NotTo(HaveOccurred())
		return string(got)
	}
	write("one {{.Request}}")
	g.Expect(ask()).To(Equal("one q"))
	write("two {{.Request}}")
	g.Expect(ask()).To(Equal("two q"))
	g.Expect(p.Problem()).NotTo(HaveOccurred())

	for _, broken := range []string{"{{.Request", "{{.Nothing}}", "", "{{template \"x\"}}"} {
		write(broken)
		g.Expect(ask()).To(Equal("two q"), "the last good one is used")
		g.Expect(p.Problem()).To(MatchError(ContainSubstring(file)))
	}
	g.Expect(os.Remove(file)).To(Succeed())
	g.Expect(unix.Mkfifo(file, 0o644)).To(Succeed())
	g.Expect(ask()).To(Equal("two q"), "nobody waits for a pipe")
	g.Expect(p.Problem()).To(MatchError(ContainSubstring("no regular file")))
	g.Expect(os.Remove(file)).To(Succeed())
	g.Expect(ask()).To(ContainSubstring("You are planning"))
	g.Expect(p.Problem()).NotTo(HaveOccurred())
}

func TestBrokenTemplateEndsTheStart(t *testing.T) {
	for _, text := range []string{"{{.Arguments}}", "{{if .Plan}}x{{else}}{{.Arguments}}{{end}}", "{{if not .Plan}}x{{else}}{{.Arguments}}{{end}}"} {
		g := NewWithT(t)
		dir := t.TempDir()
		g.Expect(os.WriteFile(filepath.Join(dir, "implementing.md"), []byte(text), 0o644)).To(Succeed())
		_, err := phase.LoadPrompts(dir)
		g.Expect(err).To(MatchError(And(ContainSubstring("implementing.md"), ContainSubstring(".Request"))), text)
	}
}
