//go:build crashpoints

package e2e_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// crashing is awo built so that it dies at a named point; made once.
var crashing = sync.OnceValues(func() (string, error) {
	path := awo + "-crashing"
	out, err := exec.Command("go", "build", "-buildvcs=false", "-tags", "crashpoints", "-o", path, "../../cmd/awo").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building awo with crash points: %w\n%s", err, out)
	}
	return path, nil
})

// mortal is a world whose first controller dies at a point.
type mortal struct {
	*world
	// deaths counts the controllers that died.
	deaths int
}

// newMortal makes a world; variable is AWO_CRASH_AT or AWO_CRASH_TRACE.
func newMortal(t *testing.T, variable string) *mortal {
	t.Helper()
	w := newWorld(t)
	var err error
	w.binary, err = crashing()
	w.g.Expect(err).NotTo(HaveOccurred())
	env := w.env
	w.env = append(slices.Clone(env), variable)
	w.launch()
	w.env = env
	return &mortal{world: w}
}

// outlives waits for something and starts the controller again if it dies before.
func (w *mortal) outlives(what string, reached func() bool) {
	w.t.Helper()
	w.g.Eventually(func() bool {
		select {
		case <-w.controller.done:
			w.deaths++
			died := time.Now()
			w.g.Eventually(func() []string { return processesOf(w.firstID()) }, 5*time.Second).Should(BeEmpty(), "processes of the first life")
			w.t.Logf("died before: %s; nothing of it was left after %s", what, time.Since(died).Round(time.Millisecond))
			w.start()
		default:
		}
		return reached()
	}).Should(BeTrue(), func() string { return what + "\n" + w.controller.log() })
}

// life is everything that durable steps are taken for: an order with commits of the agent and a pull request, its
// deletion, an order without a pull request, and a stop.
func (w *mortal) life() (first, second v1alpha1.WorkOrderStatus) {
	w.t.Helper()
	url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
	local := w.local("lib", map[string]string{"README.md": "x\n"})
	agent := w.script(`
echo $$ >> ` + w.shared + `/runs-$AWO_PHASE-$AWO_WORK_ORDER
[ "$AWO_PHASE" = Planning ] && { echo plan; exit; }
echo one > one.txt; git add one.txt; git commit -qm "The agent's own commit" || true
echo two > two.txt; echo did it
`)
	manifest := "# mine\n" + order("a", url, agent)
	w.drop("a.yaml", manifest)
	w.outlives("a ends", func() bool { return w.statusIn("a.yaml").Phase.Terminal() })
	first = w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(w.read(w.file("a.yaml"))).To(HavePrefix(manifest), "the spec is as it was")

	out, err := w.run("delete", "a")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	workspace := filepath.Join(w.data, "repositories", first.ID)
	record := filepath.Join(w.data, "outputs", first.ID, "record.json")
	w.outlives("a is deleted", func() bool {
		_, err := os.Lstat(workspace)
		return os.IsNotExist(err) && strings.Contains(w.read(record), `"cleanedUp":true`)
	})
	w.drop("b.yaml", strings.Replace(order("b", "file://"+local, agent), "spec:\n", "spec:\n  phases: [Planning, Implementing]\n", 1))
	w.outlives("b ends", func() bool { return w.statusIn("b.yaml").Phase.Terminal() })
	second = w.ends("b.yaml", v1alpha1.PhaseSucceeded)
	w.controller.stop()
	if w.controller.cmd.ProcessState.ExitCode() != 0 {
		w.deaths++
		w.start()
		w.controller.stop()
	}
	return first, second
}

// invariants are what no death may break.
func (w *mortal) invariants(first, second v1alpha1.WorkOrderStatus) {
	w.t.Helper()
	app := w.git.Dir("acme/app.git")
	w.g.Expect(w.branches(app)).To(ConsistOf(first.Branch), "one branch")
	w.g.Expect(w.github.PullRequests("acme", "app")).To(HaveLen(1), "one pull request")
	w.g.Expect(strings.TrimSpace(w.gitOut("--git-dir="+app, "rev-parse", first.Branch))).To(Equal(first.HeadCommit))
	w.g.Expect(strings.Fields(w.gitOut("--git-dir="+app, "log", "--format=%s", "main.."+first.Branch))).NotTo(BeEmpty())
	for _, name := range []string{"one.txt", "two.txt"} {
		w.g.Expect(w.gitOut("--git-dir="+app, "show", first.Branch+":"+name)).NotTo(BeEmpty(), "no commit is lost")
	}
	bundle := filepath.Join(w.data, "outputs", second.ID, "unpushed.bundle")
	w.g.Expect(w.gitOut("--git-dir="+w.git.Dir("lib.git"), "bundle", "list-heads", bundle)).To(ContainSubstring(second.HeadCommit))
	for _, st := range []v1alpha1.WorkOrderStatus{first, second} {
		w.g.Expect(st.Conditions).NotTo(BeEmpty())
		for _, step := range st.Steps {
			w.g.Expect(step.Attempt).To(Equal(int32(1)), "a death is no attempt")
		}
		w.eventsInOrder(st.ID)
	}
	runs, err := filepath.Glob(filepath.Join(w.shared, "runs-*"))
	w.g.Expect(err).NotTo(HaveOccurred())
	w.g.Expect(runs).To(HaveLen(4))
	for _, file := range runs {
		w.g.Expect(strings.Count(w.read(file), "\n")).To(BeNumerically("<=", 1+w.deaths), file)
	}
	for _, place := range []string{"workorders/.*", "outputs/*/.awo-*", "repositories/.*.new", "repositories/.index/*.lock"} {
		left, err := filepath.Glob(filepath.Join(w.data, place))
		w.g.Expect(err).NotTo(HaveOccurred())
		w.g.Expect(left).To(BeEmpty(), "what a death left is removed")
	}
}

var eventTime = regexp.MustCompile(`"time":"([^"]+)"`)

func (w *world) eventsInOrder(id string) {
	w.t.Helper()
	found := eventTime.FindAllStringSubmatch(w.read(filepath.Join(w.data, "outputs", id, "events.jsonl")), -1)
	times := make([]time.Time, 0, len(found))
	for _, m := range found {
		at, err := time.Parse(time.RFC3339Nano, m[1])
		w.g.Expect(err).NotTo(HaveOccurred())
		times = append(times, at)
	}
	w.g.Expect(times).NotTo(BeEmpty())
	w.g.Expect(slices.IsSortedFunc(times, time.Time.Compare)).To(BeTrue(), "events in order")
}

// commandPoints are passed by commands, not by the controller; TestKilledCommandLosesNothing dies at them.
var commandPoints = []string{"manifest taken away", "new manifest staged"}

func TestNothingIsLostAtAnyCrashPoint(t *testing.T) {
	needs(t, "gh")
	trace := filepath.Join(t.TempDir(), "trace")
	w := newMortal(t, "AWO_CRASH_TRACE="+trace)
	w.invariants(w.life())
	w.g.Expect(w.deaths).To(BeZero())
	points := toDieAt(strings.Fields(strings.ReplaceAll(w.read(trace), " ", "_")))
	w.g.Expect(missing(t, points)).To(BeEmpty(), "crash points of the source that no scenario passes")
	for _, point := range points {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newMortal(t, "AWO_CRASH_AT="+strings.ReplaceAll(point, "_", " "))
			w.invariants(w.life())
			if strings.HasSuffix(point, "@1") {
				w.g.Expect(w.deaths).To(Equal(1), "the controller died there")
			}
		})
	}
}

// toDieAt chooses from a trace: each point once, and the record every time that it was written.
func toDieAt(trace []string) []string {
	var out []string
	for _, point := range trace {
		if strings.HasSuffix(point, "@1") || strings.HasPrefix(point, "write_record.json:_durable@") {
			out = append(out, point)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// named are the points of the source: crash.Here("NAME"), and crash.At("DOING", file, "INSTANT"), whose file is not
// known before it runs.
var named = regexp.MustCompile(`crash\.(?:Here\("([^"]+)"\)|At\("([^"]+)", [^\n]+, "([^"]+)"\))`)

// missing lists the points that are named in the source and not in the trace.
func missing(t *testing.T, points []string) []string {
	t.Helper()
	var out []string
	elsewhere := slices.Concat(commandPoints, housekeepingPoints, mendingPoints)
	for _, pattern := range inSource(t) {
		passed := regexp.MustCompile("^" + pattern + "(@1)?$").MatchString
		if !slices.ContainsFunc(points, func(p string) bool { return passed(strings.ReplaceAll(p, "_", " ")) }) && !slices.ContainsFunc(elsewhere, passed) {
			out = append(out, pattern)
		}
	}
	return out
}

// inSource lists the points of the source, wherever below the controller, as regular expressions. A call that names
// none in so many words is one that nobody could look for.
func inSource(t *testing.T) []string {
	t.Helper()
	g := NewWithT(t)
	var out []string
	g.Expect(filepath.WalkDir("../../controller", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || filepath.Base(filepath.Dir(path)) == "crash" {
			return err
		}
		text, err := os.ReadFile(path)
		found := named.FindAllStringSubmatch(string(text), -1)
		g.Expect(found).To(HaveLen(bytes.Count(text, []byte("crash.Here("))+bytes.Count(text, []byte("crash.At("))), path)
		for _, m := range found {
			if m[1] != "" {
				out = append(out, regexp.QuoteMeta(m[1]))
			} else {
				out = append(out, regexp.QuoteMeta(m[2])+" .+: "+regexp.QuoteMeta(m[3]))
			}
		}
		return err
	})).To(Succeed())
	return out
}

func TestKilledCommandLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var err error
	w.binary, err = crashing()
	w.g.Expect(err).NotTo(HaveOccurred())
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	w.start()
	text := order("a", url, w.script("echo x > x.txt\n"))
	source := filepath.Join(w.dir, "a.yaml")
	w.g.Expect(os.WriteFile(source, []byte(text), 0o600)).To(Succeed())
	env := w.env
	for i, command := range [][]string{{"apply", "-f", source}, {"delete", "a"}} {
		w.env = append(slices.Clone(env), "AWO_CRASH_AT="+[]string{"new manifest staged", "manifest taken away"}[i])
		out, err := w.run(command...)
		w.g.Expect(err).To(MatchError(ContainSubstring("killed")), out)
		w.env = env
		if command[0] == "apply" {
			w.g.Expect(w.file("a.yaml")).NotTo(BeAnExistingFile(), "all of it or nothing")
			out, err = w.run(command...)
			w.g.Expect(err).NotTo(HaveOccurred(), out)
			w.ends("a.yaml", v1alpha1.PhaseSucceeded)
		}
	}
	w.g.Eventually(func() string { out, _ := w.run("get", "wo"); return out }).Should(ContainSubstring("No resources found"))
	w.g.Eventually(func() []string {
		left, _ := filepath.Glob(filepath.Join(w.data, "workorders", "*"))
		return left
	}).Should(BeEmpty())
}
