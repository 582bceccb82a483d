//go:build docker

package e2edocker_test

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// project is what `docker compose config` makes of Compose files.
type project struct {
	Name     string
	Services map[string]struct {
		Profiles      []string
		ContainerName string `json:"container_name"`
		Build         struct{ Context string }
		DependsOn     map[string]struct{ Condition string } `json:"depends_on"`
		Environment   map[string]*string
		Networks      map[string]any
		Ports         []struct {
			HostIP    string `json:"host_ip"`
			Published string
			Target    int
		}
		ReadOnly bool     `json:"read_only"`
		CapDrop  []string `json:"cap_drop"`
		Volumes  []struct{ Type, Source, Target string }
	}
	Networks map[string]struct{ Name string }
	Volumes  map[string]struct{ Name string }
}

func config(t *testing.T, dir, args string, env ...string) project {
	t.Helper()
	var p project
	out := in(t, dir, "docker compose "+args+" --profile awo config --format json", env...)
	NewWithT(t).Expect(json.Unmarshal([]byte(out), &p)).To(Succeed(), out)
	return p
}

func TestComposeFile(t *testing.T) {
	g := NewWithT(t)
	p := config(t, checkout, "-f docker-compose.yml", "ARCHON_AWO_PORT=", "GITHUB_TOKEN=ghp_x")
	g.Expect(p.Name).To(Equal("archon"))
	g.Expect(p.Volumes).To(HaveKeyWithValue("awo-data", HaveField("Name", "archon_awo-data")))
	s := p.Services["archon-awo"]
	g.Expect(s.ContainerName).To(Equal("archon-awo"))
	g.Expect(s.Profiles).To(ConsistOf("awo"))
	g.Expect(s.Networks).To(HaveKey("app-network"))
	g.Expect(s.ReadOnly).To(BeTrue())
	g.Expect(s.CapDrop).To(ConsistOf("ALL"))
	g.Expect(s.Ports).To(ConsistOf(And(HaveField("HostIP", "127.0.0.1"), HaveField("Published", "8888"), HaveField("Target", 8888))))
	g.Expect(*s.Environment["GITHUB_TOKEN"]).To(Equal("ghp_x"))
	g.Expect(s.Environment).NotTo(HaveKey(HavePrefix("SUPABASE")))

	elsewhere := config(t, checkout, "-f docker-compose.yml", "AWO_PUBLISH_ADDRESS=0.0.0.0", "ARCHON_AWO_PORT=9999").Services["archon-awo"]
	g.Expect(elsewhere.Ports[0]).To(And(HaveField("HostIP", "0.0.0.0"), HaveField("Published", "9999")))

	// Without the profile there is no service.
	g.Expect(strings.TrimSpace(in(t, checkout, "docker compose -f docker-compose.yml config --services"))).To(BeEmpty())
	for _, variant := range []string{"secrets", "ca", "dev", "workorders"} {
		config(t, checkout, "-f docker-compose.yml -f docker-compose."+variant+".yml", "AWO_UID=1000", "AWO_GID=1000")
	}
	out, err := shell(t.Context(), checkout, "docker compose -f docker-compose.yml -f docker-compose.workorders.yml --profile awo config", "AWO_UID=")
	g.Expect(err).To(HaveOccurred())
	g.Expect(out).To(ContainSubstring("AWO_UID=$(id -u)"))
}

// Every variable that a Compose file asks for is explained in .env.example.
func TestEveryVariableIsExplained(t *testing.T) {
	example := in(t, checkout, "cat .env.example")
	for name := range strings.FieldsSeq(in(t, checkout, `grep -hoE '\$\{[A-Z_]+' docker-compose*.yml examples/archon/*.yml | tr -d '${' | sort -u`)) {
		NewWithT(t).Expect(example).To(MatchRegexp(`(?m)^#? ?`+name+`=`), name)
	}
	for name, value := range config(t, checkout, "-f docker-compose.yml").Services["archon-awo"].Environment {
		if value == nil || *value == "" {
			NewWithT(t).Expect(example).To(MatchRegexp(`(?m)^#? ?`+name+`=`), name)
		}
	}
}

// The files of a real project that defines archon-server and app-network take the service in.
func TestJoinsAnArchonProject(t *testing.T) {
	g := NewWithT(t)
	archon := filepath.Join(checkout, "hack", "e2edocker", "testdata", "archon")
	overlay := filepath.Join(checkout, "examples", "archon", "docker-compose.awo.yml")
	for _, env := range [][]string{
		{"AWO_SOURCE=" + checkout, "COMPOSE_FILE=docker-compose.yml:" + overlay},
		{"AWO_SOURCE=../../../..", "COMPOSE_FILE=docker-compose.yml:../../../../examples/archon/docker-compose.awo.yml"},
	} {
		p := config(t, archon, "", env...)
		g.Expect(p.Name).To(Equal("archon"))
		g.Expect(p.Services).To(And(HaveKey("archon-server"), HaveKey("archon-mcp")))
		awo := p.Services["archon-awo"]
		g.Expect(awo.Build.Context).To(Equal(checkout))
		g.Expect(awo.DependsOn["archon-server"].Condition).To(Equal("service_healthy"))
		g.Expect(awo.Networks).To(HaveKey("app-network"))
		g.Expect(p.Networks).To(HaveLen(1))
	}

	built, err := buildDev()
	g.Expect(err).NotTo(HaveOccurred(), built)
	// And it runs there: by make, with the project's own services.
	env := []string{"ARCHON=" + archon, "ARCHON_AWO_PORT=" + strconv.Itoa(freePort(t)), "ARCHON_SERVER_PORT=" + strconv.Itoa(freePort(t))}
	in(t, checkout, "touch .env")
	t.Cleanup(func() {
		in(t, checkout, "make stop; rm -f .env; docker volume rm -f archon_awo-data", env...)
	})
	out := in(t, checkout, "make dev-awo", env...)
	g.Expect(out).To(And(ContainSubstring("http://localhost:"+env[1][len("ARCHON_AWO_PORT="):]), ContainSubstring("Archon's backend: http://localhost:")))
	g.Eventually(func() string {
		return in(t, checkout, "docker inspect -f '{{.State.Health.Status}}' archon-awo")
	}, "90s").Should(Equal("healthy\n"))
	in(t, checkout, "docker exec archon-awo getent hosts archon-server")
	in(t, checkout, "make stop", env...)
	g.Expect(in(t, checkout, "docker ps -aq --filter name=archon-")).To(BeEmpty())
}
