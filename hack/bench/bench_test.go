package main

import (
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestPercentile(t *testing.T) {
	g := NewWithT(t)
	var values []time.Duration
	for i := 100; i > 0; i-- {
		values = append(values, time.Duration(i))
	}
	g.Expect(percentile(values, 0.50)).To(Equal(time.Duration(50)))
	g.Expect(percentile(values, 0.99)).To(Equal(time.Duration(99)))
	g.Expect(percentile(values[:1], 0.99)).To(Equal(time.Duration(100)))
	g.Expect(percentile(nil, 0.5)).To(BeZero())
}

func TestTranscriptIsLinesThatEndWithAResult(t *testing.T) {
	g := NewWithT(t)
	data, err := io.ReadAll(&transcript{ctx: t.Context(), left: 100_000})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(data)).To(BeNumerically("~", 100_000, 10_000))
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	g.Expect(lines[len(lines)-1]).To(ContainSubstring(`"type":"result"`))
	for _, line := range lines {
		g.Expect(line).To(And(HavePrefix("{"), HaveSuffix("}")))
	}
}

func TestManifestQuotesTheAgent(t *testing.T) {
	NewWithT(t).Expect(manifest("a", "/r.git", "echo 'x'")).To(ContainSubstring(`command: [sh, -c, 'echo ''x''']`))
}

// The harness measures the binary as it is now, every section of it. Figures are not looked at: a timed test is a
// test that fails on somebody else's machine.
func TestQuickRunMeasuresEverything(t *testing.T) {
	g := NewWithT(t)
	awo := filepath.Join(t.TempDir(), "awo")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", awo, "../../cmd/awo")
	out, err := build.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), string(out))

	var table, talk strings.Builder
	g.Expect(run(t.Context(), []string{"-quick", "-awo", awo, "-checkout", "../.."}, &table, &talk)).To(Succeed(), talk.String())
	for _, part := range []string{
		"orders from manifest", "a shell script", "none others", "20 others", "no orders", "20 finished orders",
		"supervisor", "second order", "memory of the whole process",
	} {
		g.Expect(table.String()).To(ContainSubstring(part))
	}
	g.Expect(strings.Count(table.String(), "\n")).To(BeNumerically(">", 15))
}

func TestUnknownBinaryIsNamed(t *testing.T) {
	err := run(t.Context(), []string{"-awo", "/no/such/awo"}, io.Discard, io.Discard)
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("make build")))
}

func TestRepositoryHoldsTheFiles(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	repo, err := repository(t.Context(), dir, "r.git", 250)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(git(t.Context(), dir, "", "clone", "--quiet", repo, dir+"/clone")).To(Succeed())
	g.Expect(dir + "/clone/folder-2/file-249.txt").To(BeAnExistingFile())
}
