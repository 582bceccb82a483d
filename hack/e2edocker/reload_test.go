//go:build docker

package e2edocker_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// get asks the published port from outside.
func (s *stack) get(path string) string {
	req, err := http.NewRequestWithContext(contextOf(s.t), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", s.port, path), http.NoBody)
	s.g.Expect(err).NotTo(HaveOccurred())
	res, err := (&http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	return string(data)
}

// buildDev builds the image for development once, where the build has to trust further authorities; what
// `make dev-awo` builds then comes from the cache.
var buildDev = sync.OnceValues(func() (string, error) {
	began := time.Now()
	out, err := shell(context.Background(), checkout, "docker compose -f docker-compose.yml -f docker-compose.ca.yml -f docker-compose.dev.yml --profile awo build") //nolint:forbidigo // for all tests, not for one
	fmt.Fprintf(os.Stderr, "e2edocker: the image for development took %s\n", time.Since(began).Round(time.Second))
	return out, err
})

// A change of the source reaches /health, and the order that runs meanwhile is not lost. After a source that
// does not build, the last one that did runs on.
func TestHotReload(t *testing.T) {
	s := newStack(t)
	out, err := buildDev()
	s.g.Expect(err).NotTo(HaveOccurred(), out)
	in(t, checkout, "touch .env")
	began := time.Now()
	out = s.run("make dev-awo")
	t.Logf("make dev-awo took %s", time.Since(began).Round(time.Second))
	s.g.Expect(out).To(ContainSubstring(fmt.Sprintf("http://localhost:%d", s.port)))
	s.healthy(90 * time.Second)
	s.repository("app", readme)
	s.holds()
	s.drop("hello", manifest("hello", "app"))
	s.untilHeld(1)

	file := filepath.Join(checkout, "cmd", "awo", "version.go")
	source, err := os.ReadFile(file)
	s.g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = os.WriteFile(file, source, 0o644) })
	s.g.Expect(os.WriteFile(file, []byte("package main\n\nthis does not build\n"), 0o644)).To(Succeed())
	s.g.Eventually(s.log).Should(ContainSubstring("failed to build"))
	s.g.Eventually(func() string { return s.get("/health") }).Should(ContainSubstring(`"status":"healthy"`))

	changed := strings.Replace(string(source), `version = "`, `version = "9.9.9-test-`, 1)
	s.g.Expect(os.WriteFile(file, []byte(changed), 0o644)).To(Succeed())
	began = time.Now()
	s.g.Eventually(func() string { return s.get("/health") }, 15*time.Second).Should(ContainSubstring(`"version":"9.9.9-test-`), s.log)
	t.Logf("/health changed %s after the edit", time.Since(began).Round(100*time.Millisecond))

	s.untilHeld(2)
	s.opens()
	st := s.ends("hello", v1alpha1.PhaseSucceeded)
	s.g.Expect(s.seen("app").PullRequests).To(HaveLen(1))
	for _, step := range st.Steps {
		s.g.Expect(step.Attempt).To(Equal(int32(1)), "%s: a reload is no attempt", step.Phase)
	}
	s.run("make awo-restart")
	s.healthy(60 * time.Second)
	s.run("timeout 5 make awo-logs > log.txt 2>&1 || [ $? = 124 -o $? = 2 ]; grep -q Listening log.txt; rm log.txt")
	s.run("make stop")
	s.g.Expect(s.run("docker ps -aq --filter name=archon-awo")).To(BeEmpty())
}
