package main

import (
	"io"
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

func TestRepositoryHoldsTheFiles(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	repo, err := repository(t.Context(), dir, "r.git", 250)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(git(t.Context(), dir, "", "clone", "--quiet", repo, dir+"/clone")).To(Succeed())
	g.Expect(dir + "/clone/folder-2/file-249.txt").To(BeAnExistingFile())
}
