//go:build docker

package e2edocker_test

import (
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
)

// secret replaces the content of a secret's file.
func (s *stack) secret(name, value string) {
	s.t.Helper()
	for _, entry := range s.env {
		if dir, ok := strings.CutPrefix(entry, "AWO_SECRETS="); ok {
			s.g.Expect(os.WriteFile(filepath.Join(dir, name), []byte(value+"\n"), 0o644)).To(Succeed())
		}
	}
}

// reasonOf is why an order is not ready.
func reasonOf(st v1alpha1.WorkOrderStatus) string {
	for _, c := range st.Conditions {
		if c.Type == v1alpha1.ConditionReady {
			return c.Reason
		}
	}
	return ""
}

// Wrong and missing tokens are named, and the same order goes on with the right ones, without a restart.
func TestTokens(t *testing.T) {
	s := newStack(t)
	s.secret("github-token", "ghp_wrongwrongwrongwrong")
	s.up()
	s.repository("app", readme)
	s.drop("hello", manifest("hello", "app"))
	st := s.ends("hello", v1alpha1.PhaseFailed)
	s.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonAuthenticationFailed))
	s.g.Expect(st.Message).To(ContainSubstring("GITHUB_TOKEN"))
	out, err := s.awo("doctor --login")
	s.g.Expect(err).To(HaveOccurred(), out)
	s.g.Expect(out).To(MatchRegexp(`(?m)^github.* FAIL `))

	s.secret("github-token", githubToken)
	s.run("docker compose exec -T archon-awo awo doctor --login")
	s.control(http.MethodPost, "/script/refuses", "")
	s.run("docker compose exec -T archon-awo awo retry hello")
	s.g.Eventually(func() string { return reasonOf(*s.order("hello").Status) + s.order("hello").Status.Message }).
		Should(And(ContainSubstring(v1alpha1.ReasonAuthenticationFailed), ContainSubstring("ANTHROPIC_API_KEY")), s.log)

	s.control(http.MethodPost, "/script/writes", "")
	s.run("docker compose exec -T archon-awo awo retry hello")
	s.g.Eventually(func() v1alpha1.Phase { return s.order("hello").Status.Phase }).Should(Equal(v1alpha1.PhaseSucceeded), s.log)
	s.g.Expect(s.order("hello").Status.ID).To(Equal(st.ID), "it is the same run")
}

func TestNoTokens(t *testing.T) {
	s := newStack(t, "COMPOSE_FILE=docker-compose.yml:docker-compose.ca.yml:hack/e2edocker/testdata/peers.yml")
	s.up()
	s.repository("app", readme)
	s.drop("hello", manifest("hello", "app"))
	st := s.ends("hello", v1alpha1.PhaseFailed)
	s.g.Expect(reasonOf(st)).To(Equal(v1alpha1.ReasonAuthenticationFailed))
	s.g.Expect(st.Message).To(ContainSubstring("GITHUB_TOKEN"))
	s.g.Expect(s.run("docker compose exec -T archon-awo awo doctor")).To(And(
		MatchRegexp(`github token +WARN +none; set GITHUB_TOKEN`), MatchRegexp(`anthropic credential +WARN +none; set ANTHROPIC_API_KEY`)))
}

func TestSecretThatCannotBeRead(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "token")
	g.Expect(os.WriteFile(file, []byte("x"), 0o600)).To(Succeed())
	out, err := shell(t.Context(), checkout, "docker run --rm -e GITHUB_TOKEN_FILE=/run/secrets/token -v "+file+":/run/secrets/token:ro archon-awo")
	g.Expect(err).To(HaveOccurred())
	g.Expect(out).To(And(ContainSubstring("GITHUB_TOKEN_FILE"), ContainSubstring("/run/secrets/token"), ContainSubstring("permission denied")))
}

// The volume is full while an order runs: the container turns unhealthy and says so; with space it goes on.
func TestFullVolume(t *testing.T) {
	s := newStack(t, "COMPOSE_FILE="+composeFiles+":hack/e2edocker/testdata/small-volume.yml")
	s.up()
	s.repository("app", readme)
	s.holds()
	s.drop("hello", manifest("hello", "app"))
	s.untilHeld(1)
	s.run("docker compose exec -T archon-awo sh -c 'cat /dev/zero > /var/lib/archon-awo/fill || true'")
	s.g.Eventually(s.health).Should(Equal("unhealthy"))
	s.g.Expect(s.get("/health")).To(And(ContainSubstring(`"status":"unhealthy"`), ContainSubstring("no space left on device")))
	out, err := s.awo("doctor")
	s.g.Expect(err).To(HaveOccurred())
	s.g.Expect(out).To(MatchRegexp(`data directory +FAIL .*no space left on device.*free space there`))
	s.opens()
	s.g.Consistently(func() int { return len(s.seen("app").PullRequests) }, 3*time.Second).Should(BeZero())
	s.run("docker compose exec -T archon-awo rm /var/lib/archon-awo/fill")
	s.healthy(20 * time.Second)
	s.g.Eventually(func() v1alpha1.Phase {
		if s.order("hello").Status.Phase == v1alpha1.PhaseFailed {
			_, _ = s.awo("retry hello")
		}
		return s.order("hello").Status.Phase
	}).Should(Equal(v1alpha1.PhaseSucceeded), s.log)
	s.g.Expect(s.seen("app").PullRequests).To(HaveLen(1))
}

func TestPortTaken(t *testing.T) {
	s := newStack(t)
	in(t, checkout, "touch .env")
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(s.port))
	s.g.Expect(err).NotTo(HaveOccurred())
	out, err := s.try("make check")
	s.g.Expect(err).To(HaveOccurred())
	s.g.Expect(out).To(And(ContainSubstring("port "+strconv.Itoa(s.port)+" is in use"), ContainSubstring("ARCHON_AWO_PORT")))
	out, err = s.try("docker compose --profile awo up -d")
	s.g.Expect(err).To(HaveOccurred())
	s.g.Expect(out).To(ContainSubstring("address already in use"))
	s.g.Expect(l.Close()).To(Succeed())
	s.g.Expect(s.run("make check")).To(ContainSubstring("fine"))
	s.up()
	s.g.Expect(s.run("make check")).To(ContainSubstring("fine"), "our own container may have the port")

	in(t, checkout, "rm .env")
	out, err = s.try("make check")
	s.g.Expect(err).To(HaveOccurred())
	s.g.Expect(out).To(ContainSubstring("cp .env.example .env"))
	out, err = s.try("DOCKER_HOST=unix:///nowhere/docker.sock make check")
	s.g.Expect(err).To(HaveOccurred())
	s.g.Expect(out).To(ContainSubstring("no Docker engine answers at unix:///nowhere/docker.sock"))
}

// To a machine whose clock is late a fresh certificate is not valid yet. A file from the future is one like another.
func TestClockThatIsWrong(t *testing.T) {
	s := newStack(t)
	s.up()
	s.repository("app", readme)
	s.control(http.MethodPost, "/certificate/tomorrow", "")
	s.drop("hello", manifest("hello", "app"))
	s.run("docker compose exec -T archon-awo touch -d '2 days' /var/lib/archon-awo/workorders/hello.yaml || true")
	s.g.Eventually(func() string { return s.order("hello").Status.Message }).Should(MatchRegexp("certificate|clock"), s.log)
	t.Logf("message: %s", s.order("hello").Status.Message)
	out, err := s.awo("doctor --login")
	s.g.Expect(err).To(HaveOccurred(), out)
	t.Logf("doctor: %s", out)
	s.g.Expect(out).To(ContainSubstring("not yet valid"))
	s.control(http.MethodPost, "/certificate/now", "")
	s.g.Eventually(func() v1alpha1.Phase {
		if s.order("hello").Status.Phase == v1alpha1.PhaseFailed {
			_, _ = s.awo("retry hello")
		}
		return s.order("hello").Status.Phase
	}).Should(Equal(v1alpha1.PhaseSucceeded), s.log)
}
