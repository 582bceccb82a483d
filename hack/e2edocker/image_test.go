//go:build docker

package e2edocker_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// in runs a command line in a directory and expects it to succeed.
func in(t *testing.T, dir, line string, env ...string) string {
	t.Helper()
	out, err := shell(contextOf(t), dir, line, env...)
	NewWithT(t).Expect(err).NotTo(HaveOccurred(), "%s\n%s", line, out)
	return out
}

// pinned is what a file of the checkout says that a tool's version is.
func pinned(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(in(t, checkout, ". hack/versions.env && echo $"+name))
}

// A clean clone builds, and the image answers without a volume, for its own user and for any other.
func TestImageOfACleanClone(t *testing.T) {
	g := NewWithT(t)
	clone := filepath.Join(t.TempDir(), "clone")
	in(t, checkout, "git init -q . && git add -A && git -c user.name=T -c user.email=t@example.com commit -qm copy && git clone -q . "+clone)
	secret := ""
	if ca := os.Getenv("AWO_BUILD_CA"); ca != "" {
		secret = "--secret id=ca,src=" + ca
	}
	in(t, clone, "docker build "+secret+" -t archon-awo:test .")
	for _, user := range []string{"", "--user 54321", "--user 54321 --read-only", "--user 54321:54321 --read-only --cap-drop ALL"} {
		run := "docker run --rm " + user + " archon-awo:test "
		g.Expect(in(t, clone, run+"claude --version")).To(ContainSubstring(pinned(t, "CLAUDE_VERSION")), user)
		g.Expect(in(t, clone, run+"gh --version")).To(ContainSubstring("gh version"), user)
		g.Expect(in(t, clone, run+"git --version")).To(ContainSubstring("git version"), user)
		g.Expect(in(t, clone, run+"awo version")).To(ContainSubstring("awo version"), user)
	}
	for _, user := range []string{"", "--user 54321"} {
		out := in(t, clone, "docker run --rm "+user+" archon-awo:test awo doctor")
		g.Expect(out).To(And(ContainSubstring("claude"), Not(ContainSubstring("FAIL"))), user)
	}
	in(t, clone, "docker rmi archon-awo:test")
}

func TestImageSaysWhatItIs(t *testing.T) {
	g := NewWithT(t)
	out := in(t, checkout, "make image", "AWO_IMAGE=archon-awo:labels")
	t.Cleanup(func() { in(t, checkout, "docker rmi archon-awo:labels") })
	var images []struct {
		Size   int64
		Config struct {
			User            string
			Entrypoint, Cmd []string
			Labels          map[string]string
		}
	}
	g.Expect(json.Unmarshal([]byte(in(t, checkout, "docker inspect archon-awo:labels")), &images)).To(Succeed())
	config := images[0].Config
	g.Expect(config.User).To(Equal("awo"))
	g.Expect(config.Cmd).To(Equal([]string{"awo", "controller"}))
	version := strings.TrimSpace(in(t, checkout, `sed -n 's/^\tversion = "\(.*\)"$/\1/p' cmd/awo/version.go`))
	g.Expect(config.Labels).To(And(
		HaveKeyWithValue("org.opencontainers.image.title", "archon-awo"),
		HaveKeyWithValue("org.opencontainers.image.version", version),
		HaveKeyWithValue("org.opencontainers.image.licenses", "Apache-2.0"),
		HaveKey("org.opencontainers.image.revision"),
	))
	g.Expect(in(t, checkout, "docker run --rm archon-awo:labels awo version")).To(ContainSubstring("awo version " + version))
	in(t, checkout, "docker run --rm archon-awo:labels sh -c '! command -v node && ! command -v npm'")

	rest := regexp.MustCompile(`(?m)^ +(\d+) MB  all but the agents$`).FindStringSubmatch(out)
	g.Expect(rest).NotTo(BeNil(), out)
	t.Log(out[strings.LastIndex(out, "archon-awo:labels: "):])
	megabytes, err := strconv.Atoi(rest[1])
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(megabytes).To(BeNumerically("<", 320))
}

// For arm64, what needs no emulation is built: the binary, and claude is fetched and checked to be for that machine.
func TestArm64IsCrossBuilt(t *testing.T) {
	g := NewWithT(t)
	secret := ""
	if ca := os.Getenv("AWO_BUILD_CA"); ca != "" {
		secret = "--secret id=ca,src=" + ca
	}
	build := "docker build --platform linux/arm64 " + secret + " --target "
	in(t, checkout, build+"build -t archon-awo:arm64-build .")
	in(t, checkout, build+"agents -t archon-awo:arm64-agents .")
	t.Cleanup(func() { in(t, checkout, "docker rmi archon-awo:arm64-build archon-awo:arm64-agents") })
	const machine = " od -An -j18 -N2 -tu2 "
	g.Expect(strings.TrimSpace(in(t, checkout, "docker run --rm --entrypoint= archon-awo:arm64-build"+machine+"/out/awo 2>/dev/null"))).To(Equal("183"))
	g.Expect(strings.TrimSpace(in(t, checkout, "docker run --rm --entrypoint= archon-awo:arm64-agents"+machine+"/out/claude 2>/dev/null"))).To(Equal("183"))
	claudeForAnotherMachine(t)
}

// claudeForAnotherMachine sees what is said of a claude that cannot run here. It needs the images for arm64.
func claudeForAnotherMachine(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	dir := t.TempDir()
	g.Expect(os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM --platform=linux/arm64 archon-awo:arm64-agents AS arm64\nFROM archon-awo\n"+
		"COPY --from=arm64 /out/claude /usr/local/bin/claude\n"), 0o644)).To(Succeed())
	in(t, dir, "docker build -q -t archon-awo:wrong-claude .")
	t.Cleanup(func() { in(t, checkout, "docker rmi archon-awo:wrong-claude") })
	// A build whose last step this is ends there.
	_, err := shell(contextOf(t), dir, "docker run --rm archon-awo:wrong-claude claude --version")
	g.Expect(err).To(HaveOccurred())
	out := in(t, dir, "docker run --rm archon-awo:wrong-claude awo doctor || true")
	g.Expect(out).To(MatchRegexp(`claude +(WARN|FAIL) .*exec format error`))

	s := newStack(t, "AWO_IMAGE=archon-awo:wrong-claude")
	s.up()
	s.repository("app", readme)
	s.drop("hello", manifest("hello", "app"))
	s.g.Eventually(func() string { return s.order("hello").Status.Message }).Should(ContainSubstring("exec format error"), s.log)
	s.g.Expect(reasonOf(s.ends("hello", v1alpha1.PhaseFailed))).To(Equal(v1alpha1.ReasonAgentNotInstalled))
	s.g.Expect(s.seen().Branches).To(BeEmpty())
	t.Logf("message: %s", s.order("hello").Status.Message)
	s.g.Eventually(s.health).Should(Equal("unhealthy"), "an order needs an agent that cannot run")
	// The right image goes on with the very order.
	s.run("AWO_IMAGE=archon-awo docker compose --profile awo up -d")
	s.healthy(15 * time.Second)
	s.run("docker compose exec -T archon-awo awo retry hello")
	s.ends("hello", v1alpha1.PhaseSucceeded)
}
