//go:build docker

package e2edocker_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

var readme = map[string]string{"README.md": "# app\n"}

func TestManifestInTheVolumeBecomesAPullRequest(t *testing.T) {
	s := newStack(t)
	s.run("docker compose --profile awo up -d --build")
	began := time.Now()
	s.healthy(10 * time.Second)
	t.Logf("healthy %s after up", time.Since(began).Round(100*time.Millisecond))
	s.repository("app", readme)
	s.holds()
	s.drop("hello", "# mine\n"+manifest("hello", "app"))
	s.untilHeld(1)

	// An agent is at work now.
	t.Log(s.run("docker stats archon-awo --no-stream --format '{{.MemUsage}}, {{.PIDs}} processes and threads'"))
	top := s.run("docker top archon-awo -o uid,pid,args")
	s.g.Expect(top).To(And(ContainSubstring("awo controller"), ContainSubstring("claude")))
	for line := range strings.Lines(strings.TrimSpace(top)) {
		s.g.Expect(line).To(Or(ContainSubstring("UID"), HavePrefix("10001 ")), "nothing runs as root")
	}
	s.hardened()
	s.noSecrets()

	s.opens()
	st := s.ends("hello", v1alpha1.PhaseSucceeded)
	s.g.Expect(st.Conditions).To(ContainElement(And(
		HaveField("Type", v1alpha1.ConditionAgentConfined), HaveField("Status", metav1.ConditionTrue))), "Landlock works in the container")
	seen := s.seen()
	s.g.Expect(seen.PullRequests).To(HaveLen(1))
	s.g.Expect(seen.PullRequests[0]).To(And(HaveField("URL", st.PullRequest.URL), HaveField("HeadSHA", st.HeadCommit)))
	s.g.Expect(seen.Branches).To(ConsistOf(st.Branch))
	s.g.Expect(s.control(http.MethodGet, "/repositories/app/files/hello.txt?ref="+st.Branch, "")).To(BeEquivalentTo("hello"))
	text := s.run("docker compose exec -T archon-awo cat /var/lib/archon-awo/workorders/hello.yaml")
	s.g.Expect(text).To(And(HavePrefix("# mine\napiVersion"), ContainSubstring("phase: Succeeded")))
	s.noSecrets()
}

// hardened looks at what the container may not do.
func (s *stack) hardened() {
	s.t.Helper()
	status := s.run("docker compose exec -T archon-awo cat /proc/1/status")
	s.g.Expect(status).To(And(MatchRegexp(`CapBnd:\t0+\n`), MatchRegexp(`CapEff:\t0+\n`), ContainSubstring("NoNewPrivs:\t1")))
	out, err := s.try("docker compose exec -T archon-awo touch /usr/local/bin/planted")
	s.g.Expect(err).To(HaveOccurred())
	s.g.Expect(out).To(ContainSubstring("Read-only file system"))
	s.g.Expect(s.run("docker port archon-awo")).To(ContainSubstring("127.0.0.1:"), "it is not published to the network")
}

// noSecrets looks for tokens where everybody looks: they came as files.
func (s *stack) noSecrets() {
	s.t.Helper()
	for _, line := range []string{
		"docker inspect archon-awo", "docker history --no-trunc archon-awo", "docker compose exec -T archon-awo env",
		"docker logs archon-awo", "docker compose exec -T archon-awo cat /var/lib/archon-awo/logs/controller.log",
		"docker compose exec -T archon-awo sh -c 'tr \"\\0\" \"\\n\" </proc/1/environ'",
	} {
		out := s.run("%s", line)
		s.g.Expect(out).NotTo(Or(ContainSubstring(githubToken), ContainSubstring(apiKey)), line)
	}
}

// Given as variables, tokens are in the container's environment, and only then.
func TestTokensAsVariables(t *testing.T) {
	s := newStack(t, "COMPOSE_FILE=docker-compose.yml:docker-compose.ca.yml:hack/e2edocker/testdata/peers.yml",
		"GITHUB_TOKEN="+githubToken, "ANTHROPIC_API_KEY="+apiKey)
	s.up()
	s.g.Expect(s.run("docker compose exec -T archon-awo env")).To(And(ContainSubstring("GITHUB_TOKEN="+githubToken), ContainSubstring("ANTHROPIC_API_KEY="+apiKey)))
	s.repository("app", readme)
	s.drop("hello", manifest("hello", "app"))
	s.ends("hello", v1alpha1.PhaseSucceeded)
	s.g.Expect(s.log()).NotTo(Or(ContainSubstring(githubToken), ContainSubstring(apiKey)))
}

func TestRestartAndKillInTheMiddle(t *testing.T) {
	s := newStack(t)
	s.up()
	s.repository("app", readme)
	s.holds()
	s.drop("hello", manifest("hello", "app"))
	s.untilHeld(1)
	s.run("docker compose restart archon-awo")
	s.healthy(10 * time.Second)
	s.untilHeld(2)
	s.run("docker kill -s KILL archon-awo")
	s.run("docker compose start archon-awo")
	s.healthy(10 * time.Second)
	s.untilHeld(3)
	s.opens()
	st := s.ends("hello", v1alpha1.PhaseSucceeded)

	seen := s.seen()
	s.g.Expect(seen.PullRequests).To(HaveLen(1))
	s.g.Expect(seen.Branches).To(ConsistOf(st.Branch))
	for _, session := range seen.Sessions {
		s.g.Expect(session).To(Equal(seen.Sessions[0]), "one session over three lives")
	}
	s.g.Expect(seen.Prompts[len(seen.Prompts)-1]).To(ContainSubstring("interrupted"), "it was told to go on, not to begin")
	for _, step := range st.Steps {
		s.g.Expect(step.Attempt).To(Equal(int32(1)), "neither was an attempt")
	}
}

func TestStopRecordsAndTheVolumeStays(t *testing.T) {
	s := newStack(t)
	s.up()
	s.repository("app", readme)
	s.holds()
	s.drop("hello", manifest("hello", "app"))
	s.untilHeld(1)
	began := time.Now()
	s.run("docker stop archon-awo")
	took := time.Since(began)
	t.Logf("docker stop took %s", took.Round(100*time.Millisecond))
	s.g.Expect(took).To(BeNumerically("<", 12*time.Second), "well within the grace period of 20 s")
	s.g.Expect(s.run("docker inspect -f '{{.State.ExitCode}}' archon-awo")).To(Equal("0\n"), s.log)
	s.g.Expect(s.log()).To(ContainSubstring(`"msg":"Stopped"`))
	s.run("docker cp archon-awo:/var/lib/archon-awo/workorders/hello.yaml - | tar -xO | grep -q 'phase: Implementing'")

	// The container goes, the volume stays.
	s.run("docker compose rm -f archon-awo")
	s.run("docker compose --profile awo up -d")
	s.healthy(10 * time.Second)
	s.opens()
	st := s.ends("hello", v1alpha1.PhaseSucceeded)
	s.g.Expect(st.Steps).To(ContainElement(HaveField("Outcome", v1alpha1.StepInterrupted)))
	s.g.Expect(s.seen().PullRequests).To(HaveLen(1))

	s.run("docker compose --profile awo down")
	s.run("docker compose --profile awo up -d")
	s.healthy(10 * time.Second)
	s.g.Expect(s.ends("hello", v1alpha1.PhaseSucceeded).ID).To(Equal(st.ID))
	s.g.Expect(s.seen().PullRequests).To(BeEmpty(), "new servers, and nothing was run again")
}
