//go:build soak

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// setting is a number from the environment.
func setting(t *testing.T, name string, byDefault int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return byDefault
	}
	n, err := strconv.Atoi(text)
	NewWithT(t).Expect(err).NotTo(HaveOccurred(), name)
	return n
}

// TestSoak drops SOAK_ORDERS orders over SOAK_SECONDS and kills the controller every few seconds meanwhile. In the end
// every order has Succeeded with one pull request, nothing runs, and the last controller is as lean as the first.
func TestSoak(t *testing.T) {
	needs(t, "gh")
	w := newWorld(t, "AWO_MAX_CONCURRENT=4", "AWO_LOG_AGENT_EVENTS=false")
	w.g.SetDefaultEventuallyTimeout(10 * time.Minute)
	orders, seconds := setting(t, "SOAK_ORDERS", 200), setting(t, "SOAK_SECONDS", 300)
	repositories := []string{"app", "next.js", "lib"}
	urls := map[string]string{}
	for _, name := range repositories {
		urls[name] = w.repository(name, "main", map[string]string{"README.md": "x\n"})
	}
	agent := w.script(`sleep 0.$((RANDOM % 9)); [ "$AWO_PHASE" = Planning ] && { echo plan; exit; }
echo "$AWO_WORK_ORDER" > "$AWO_WORK_ORDER.txt"; sleep 0.$((RANDOM % 9)); echo did it` + "\n")
	w.start()
	first := w.usage()
	began, kills, dropped := time.Now(), 0, 0
	span := time.Duration(seconds) * time.Second
	for next := began; time.Since(began) < span; {
		for dropped < orders && time.Since(began) > span*time.Duration(dropped)/time.Duration(orders) {
			w.drop(soaked(dropped), order(strings.TrimSuffix(soaked(dropped), ".yaml"), urls[repositories[dropped%len(repositories)]], agent))
			dropped++
		}
		if time.Now().After(next) {
			w.controller.kill()
			kills++
			w.start()
			next = time.Now().Add(time.Second + rand.N(4*time.Second))
		}
		w.g.Expect(w.controller.wait(100*time.Millisecond)).To(BeFalse(), w.controller.log)
	}
	for i := range orders {
		if i >= dropped {
			w.drop(soaked(i), order(strings.TrimSuffix(soaked(i), ".yaml"), urls[repositories[i%len(repositories)]], agent))
		}
	}
	for i := range orders {
		st := w.ends(soaked(i), v1alpha1.PhaseSucceeded)
		w.g.Expect(processesOf(st.ID)).To(BeEmpty())
	}
	requests := 0
	for _, name := range repositories {
		requests += len(w.github.PullRequests("acme", name))
		w.g.Expect(w.branches(w.git.Dir("acme/" + name + ".git"))).To(HaveLen(len(w.github.PullRequests("acme", name))))
	}
	w.g.Expect(requests).To(Equal(orders), "one pull request each")
	last := w.usage()
	t.Logf("%d orders, %d kills in %s; resident %d MiB at first, %d MiB in the end; descriptors %d and %d", orders, kills,
		time.Since(began).Round(time.Second), first.resident>>20, last.resident>>20, first.descriptors, last.descriptors)
	w.g.Expect(last.resident).To(BeNumerically("<", 150<<20))
	w.g.Expect(last.descriptors).To(BeNumerically("<", first.descriptors+20))
}

func soaked(i int) string { return fmt.Sprintf("order-%03d.yaml", i) }

// used is what a controller holds.
type used struct{ resident, descriptors int }

func (w *world) usage() used {
	w.t.Helper()
	dir := filepath.Join("/proc", strconv.Itoa(w.controller.cmd.Process.Pid))
	fields := strings.Fields(w.read(filepath.Join(dir, "statm")))
	pages, err := strconv.Atoi(fields[1])
	w.g.Expect(err).NotTo(HaveOccurred())
	fds, err := os.ReadDir(filepath.Join(dir, "fd"))
	w.g.Expect(err).NotTo(HaveOccurred())
	return used{pages * os.Getpagesize(), len(fds)}
}
