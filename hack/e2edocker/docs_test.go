//go:build docker

package e2edocker_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// dockerBlock is a fenced block of commands that need Docker; hack/e2e runs the other ones.
var dockerBlock = regexp.MustCompile("(?s)```sh docker\n(.*?)```")

// commandsOf returns the commands of a document in their order; lines that end in a backslash are joined.
func commandsOf(t *testing.T, document string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(checkout, document))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var out []string
	for _, block := range dockerBlock.FindAllStringSubmatch(string(data), -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", "")) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				out = append(out, line)
			}
		}
	}
	return out
}

// document runs a command of a document as it stands, at a terminal. Only the port is another one.
func (s *stack) document(line string) string {
	s.t.Helper()
	line = strings.ReplaceAll(line, "localhost:8888", fmt.Sprintf("localhost:%d", s.port))
	quoted := "'" + strings.ReplaceAll(line, "'", `'\''`) + "'"
	switch {
	case strings.Contains(line, "logs") && !strings.Contains(line, "--tail"):
		return s.run("timeout 4 script -qec %s /dev/null || [ $? = 124 ]", quoted)
	case strings.Contains(line, "awo-shell"):
		return s.run("echo exit | script -qec %s /dev/null", quoted)
	case strings.ContainsAny(line, "<>"):
		return s.run("%s", line)
	}
	return s.run("script -qec %s /dev/null", quoted)
}

// Every command of the documents runs as it stands and in its order: quick start, verification, development, backup
// and restore. Orders survive all of it, and none is run twice.
func TestCommandsOfTheDocs(t *testing.T) {
	out, err := buildDev()
	g := NewWithT(t)
	g.Expect(err).NotTo(HaveOccurred(), out)
	s := newStack(t, "COMPOSE_FILE=docker-compose.yml:docker-compose.ca.yml:hack/e2edocker/testdata/peers.yml",
		"GITHUB_TOKEN="+githubToken, "ANTHROPIC_API_KEY="+apiKey)
	t.Cleanup(func() { in(t, checkout, "rm -rf .env secrets awo-backup.tar.gz") })
	ran, id := 0, ""
	for _, document := range []string{"README.md", "docs/agent-work-orders-docker.md"} {
		for _, line := range commandsOf(t, document) {
			t.Log(line)
			printed := s.document(line)
			s.g.Expect(printed).NotTo(Or(ContainSubstring(githubToken), ContainSubstring(apiKey)), line)
			ran++
			if strings.Contains(line, " up -d") && s.peersRun() && !s.known("app") {
				s.repository("app", readme)
			}
			if strings.Contains(line, "wait add-readme") {
				id = s.order("add-readme").Status.ID
			}
		}
	}
	s.g.Expect(ran).To(BeNumerically(">", 25))
	s.g.Expect(id).NotTo(BeEmpty(), "an order ran")
	st := s.ends("add-readme", v1alpha1.PhaseSucceeded)
	s.g.Expect(st.ID).To(Equal(id), "the order that was restored")
	s.g.Expect(s.seen("app").PullRequests).To(BeEmpty(), "these servers are new, and nothing was run again")
}

// peersRun tells whether the servers are part of what was started.
func (s *stack) peersRun() bool {
	out, err := s.try("docker compose --profile awo port peers 9000")
	return err == nil && strings.Contains(out, "127.0.0.1:")
}

// known tells whether the servers have a repository.
func (s *stack) known(repository string) bool {
	return len(s.control(http.MethodGet, "/repositories/"+repository+"/files/README.md?ref=main", "")) > 0
}
