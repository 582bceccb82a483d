//go:build docker

package e2edocker_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// refuses runs a controller that must not start, and returns what it says.
func refuses(t *testing.T, args string) string {
	t.Helper()
	out, err := shell(t.Context(), checkout, "timeout 20 docker run --rm "+args+" archon-awo")
	g := NewWithT(t)
	g.Expect(err).To(MatchError("exit status 1"), out)
	g.Expect(out).To(ContainSubstring("/var/lib/archon-awo"))
	return out
}

func TestDataDirectoryThatCannotBeUsed(t *testing.T) {
	foreign := t.TempDir()
	NewWithT(t).Expect(os.Chmod(foreign, 0o755)).To(Succeed())
	in(t, checkout, `docker run --rm --user 0 -v awo-e2e-root:/var/lib/archon-awo archon-awo sh -c 'mkdir outputs && chown -R 0:0 . && chmod 0755 .'`)
	t.Cleanup(func() { in(t, checkout, "docker volume rm awo-e2e-root awo-e2e-fresh") })
	in(t, checkout, "docker run --rm --user 0 -v "+foreign+":/data archon-awo chown 4711:4711 /data")
	for name, c := range map[string]struct{ args, says string }{
		"root's volume of an earlier image": {"-v awo-e2e-root:/var/lib/archon-awo", `belongs to 0:0 .*runs as 10001:10001.*docker run --rm --user 0 -v awo-e2e-root:`},
		"somebody's bind mount":             {"-v " + foreign + ":/var/lib/archon-awo", `belongs to 4711:4711 .*runs as 10001:10001.*chown -R 10001:10001`},
		"read-only volume":                  {"-v awo-e2e-fresh:/var/lib/archon-awo:ro", `read-only`},
		"no volume":                         {"--read-only --tmpfs /tmp", `no volume is mounted there`},
		"full volume":                       {"--tmpfs /var/lib/archon-awo:size=4k,uid=10001", `no space left on device.*free space there`},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(refuses(t, c.args)).To(MatchRegexp(c.says))
			out, err := shell(t.Context(), checkout, "docker run --rm "+c.args+" archon-awo awo doctor")
			if name != "full volume" { // doctor writes nothing
				NewWithT(t).Expect(err).To(HaveOccurred(), out)
				NewWithT(t).Expect(out).To(MatchRegexp(`data directory +FAIL .*` + c.says))
			}
		})
	}
	// The command that the message names mends it, as it stands.
	g := NewWithT(t)
	command := regexp.MustCompile(`docker run --rm --user 0 .*`).FindString(refuses(t, "-v awo-e2e-root:/var/lib/archon-awo"))
	in(t, checkout, command)
	id := strings.TrimSpace(in(t, checkout, "docker run -d -v awo-e2e-root:/var/lib/archon-awo archon-awo"))
	t.Cleanup(func() { in(t, checkout, "docker rm -f "+id) })
	g.Eventually(func() string { return in(t, checkout, "docker inspect -f '{{.State.Health.Status}}' "+id) }, 15*time.Second).Should(Equal("healthy\n"))
}

// A fresh volume and the image without one are fit for any uid.
func TestAnyUser(t *testing.T) {
	g := NewWithT(t)
	id := strings.TrimSpace(in(t, checkout, "docker run -d --user 54321 -v awo-e2e-any:/var/lib/archon-awo archon-awo"))
	t.Cleanup(func() { in(t, checkout, "docker rm -f "+id+" && docker volume rm awo-e2e-any") })
	g.Eventually(func() string { return in(t, checkout, "docker inspect -f '{{.State.Health.Status}}' "+id) }, 15*time.Second).Should(Equal("healthy\n"))
	g.Expect(in(t, checkout, "docker exec "+id+" stat -c %u /var/lib/archon-awo/outputs")).To(Equal("54321\n"))
}

// The host's ./workorders: its owner drops a manifest, reads the status in it and goes on editing it.
func TestWorkOrdersOfTheHost(t *testing.T) {
	const owner = 4711
	dir := filepath.Join(t.TempDir(), "workorders")
	s := newStack(t, "AWO_UID=4711", "AWO_GID=4711", "AWO_WORKORDERS="+dir, "COMPOSE_FILE="+composeFiles+":docker-compose.workorders.yml")
	out, err := s.try("docker compose --profile awo up -d")
	s.g.Expect(err).To(HaveOccurred())
	s.g.Expect(out).To(ContainSubstring("workorders"), "a missing folder is not made as root")

	s.g.Expect(os.Mkdir(dir, 0o755)).To(Succeed())
	s.g.Expect(os.Chown(dir, owner, owner)).To(Succeed())
	s.up()
	s.repository("app", readme)
	file := filepath.Join(dir, "hello.yaml")
	s.g.Expect(os.WriteFile(file, []byte(manifest("hello", "app")), 0o644)).To(Succeed())
	s.g.Expect(os.Chown(file, owner, owner)).To(Succeed())
	s.ends("hello", v1alpha1.PhaseSucceeded)
	text, err := os.ReadFile(file)
	s.g.Expect(err).NotTo(HaveOccurred())
	s.g.Expect(string(text)).To(ContainSubstring("phase: Succeeded"))
	info, err := os.Stat(file)
	s.g.Expect(err).NotTo(HaveOccurred())
	s.g.Expect(info.Sys()).To(And(HaveField("Uid", BeEquivalentTo(owner)), HaveField("Gid", BeEquivalentTo(owner))), "it is still its owner's")
	s.g.Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o644)))
}
