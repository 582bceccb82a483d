//go:build docker

package e2edocker_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/hack/scripted/github"
)

// The Compose files of most tests: tokens come as files, and the servers' authority is mounted.
const composeFiles = "docker-compose.yml:docker-compose.ca.yml:docker-compose.secrets.yml:hack/e2edocker/testdata/peers.yml"

// stack is a project of Compose with the container under test and the servers that it speaks to.
type stack struct {
	t    *testing.T
	g    *WithT
	port int
	env  []string
}

// newStack prepares a project in which nothing runs yet. Everything of it goes when the test ends.
func newStack(t *testing.T, env ...string) *stack {
	t.Helper()
	s := &stack{t: t, g: NewWithT(t), port: freePort(t)}
	secrets := filepath.Join(t.TempDir(), "secrets")
	s.g.Expect(os.MkdirAll(secrets, 0o700)).To(Succeed())
	for name, value := range map[string]string{"github-token": githubToken, "anthropic-api-key": apiKey} {
		s.g.Expect(os.WriteFile(filepath.Join(secrets, name), []byte(value+"\n"), 0o644)).To(Succeed())
	}
	s.env = append([]string{
		"COMPOSE_FILE=" + composeFiles, "ARCHON_AWO_PORT=" + strconv.Itoa(s.port), "AWO_SECRETS=" + secrets,
		"PEERS_TOKEN=" + githubToken, "PEERS_KEY=" + apiKey, "PEERS_CERTIFICATES=" + certificates(),
		"GITHUB_TOKEN=", "ANTHROPIC_API_KEY=", "CLAUDE_CODE_OAUTH_TOKEN=", "ANTHROPIC_BASE_URL=",
	}, env...)
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := s.try("docker compose --profile awo logs --no-log-prefix --tail 60 archon-awo; docker ps -a")
			t.Log(out)
		}
		s.run("docker compose --profile '*' down --volumes --remove-orphans --timeout 2")
	})
	return s
}

// freePort finds a port that nobody has.
func freePort(t *testing.T) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	number, err := strconv.Atoi(port)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return number
}

// try runs a command line in the checkout.
func (s *stack) try(line string) (string, error) {
	return shell(contextOf(s.t), checkout, line, s.env...)
}

// run runs a command line that has to succeed, and returns what it prints.
func (s *stack) run(format string, args ...any) string {
	s.t.Helper()
	line := fmt.Sprintf(format, args...)
	out, err := s.try(line)
	s.g.Expect(err).NotTo(HaveOccurred(), "%s\n%s", line, out)
	return out
}

// up starts the project and waits until the container is healthy.
func (s *stack) up() {
	s.t.Helper()
	s.run("docker compose --profile awo up -d")
	s.healthy(10 * time.Second)
}

func (s *stack) health() string {
	out, _ := s.try("docker inspect -f '{{.State.Health.Status}}' archon-awo")
	return strings.TrimSpace(out)
}

func (s *stack) healthy(within time.Duration) {
	s.t.Helper()
	s.g.Eventually(s.health, within).Should(Equal("healthy"))
}

// log is what the container has printed.
func (s *stack) log() string {
	out, _ := s.try("docker logs archon-awo 2>&1")
	return out
}

// awo runs the command inside the container.
func (s *stack) awo(args string) (string, error) {
	return s.try("docker compose exec -T archon-awo awo " + args)
}

// order is the order as awo shows it; an empty one while there is none.
func (s *stack) order(name string) v1alpha1.WorkOrder {
	var order v1alpha1.WorkOrder
	if out, err := s.awo("get " + name + " -o json 2>/dev/null"); err == nil {
		_ = json.Unmarshal([]byte(out), &order)
	}
	if order.Status == nil {
		order.Status = &v1alpha1.WorkOrderStatus{}
	}
	return order
}

// ends waits until an order has ended, in the phase that is expected, and returns its status.
func (s *stack) ends(name string, phase v1alpha1.Phase) v1alpha1.WorkOrderStatus {
	s.t.Helper()
	var status v1alpha1.WorkOrderStatus
	s.g.Eventually(func() bool {
		status = *s.order(name).Status
		return status.Phase.Terminal()
	}, 90*time.Second).Should(BeTrue(), func() string { return s.log() })
	s.g.Expect(status.Phase).To(Equal(phase), func() string { return status.Message + "\n" + s.log() })
	return status
}

// drop copies a manifest into the volume, as the documents show it.
func (s *stack) drop(name, text string) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), name+".yaml")
	s.g.Expect(os.WriteFile(file, []byte(text), 0o644)).To(Succeed())
	s.run("docker compose cp %s archon-awo:/var/lib/archon-awo/workorders/", file)
}

// manifest is an order for claude.
func manifest(name, repository string) string {
	return "apiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\nmetadata:\n  name: " + name +
		"\nspec:\n  repository:\n    url: https://github.com/acme/" + repository + ".git\n  request: Say hello.\n"
}

// serverState is what the servers have seen of a repository and of the model.
type serverState struct {
	PullRequests      []github.PullRequest
	Branches          []string
	Sessions, Prompts []string
	Held              int
}

// control asks the servers something, or decides something about them.
func (s *stack) control(method, path, body string) []byte {
	s.t.Helper()
	address := strings.TrimSpace(s.run("docker compose --profile awo port peers 9000"))
	var data []byte
	s.g.Eventually(func() error {
		req, err := http.NewRequestWithContext(contextOf(s.t), method, "http://"+address+path, bytes.NewReader([]byte(body)))
		if err != nil {
			return err
		}
		res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if data, err = io.ReadAll(res.Body); err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", res.Status, data)
		}
		return err
	}, 10*time.Second).Should(Succeed(), path)
	return data
}

func (s *stack) repository(name string, files map[string]string) {
	s.t.Helper()
	body, err := json.Marshal(files)
	s.g.Expect(err).NotTo(HaveOccurred())
	s.control(http.MethodPost, "/repositories/"+name, string(body))
}

func (s *stack) seen(repository string) serverState {
	s.t.Helper()
	var state serverState
	s.g.Expect(json.Unmarshal(s.control(http.MethodGet, "/repositories/"+repository, ""), &state)).To(Succeed())
	return state
}

// holds lets the model wait in Implementing until opens.
func (s *stack) holds() { s.t.Helper(); s.control(http.MethodPost, "/gate/close", "") }
func (s *stack) opens() { s.t.Helper(); s.control(http.MethodPost, "/gate/open", "") }

// untilHeld waits until an agent has been held that often in Implementing.
func (s *stack) untilHeld(times int) {
	s.t.Helper()
	s.g.Eventually(func() int { return s.seen("app").Held }, 60*time.Second).Should(BeNumerically(">=", times), s.log)
}
