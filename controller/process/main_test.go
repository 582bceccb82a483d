package process_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/tree"
)

// Variables that make the test binary something else.
const (
	// controllerScript makes it a controller that supervises this script until it is killed.
	controllerScript = "PROCESS_TEST_CONTROLLER"
	// controllerID is that controller's work order id.
	controllerID = "PROCESS_TEST_CONTROLLER_ID"
	// nested says that the tests run as an ordinary user, started by the tests that run as root.
	nested = "PROCESS_TEST_NESTED"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && attacks[os.Args[1]] != nil {
		if err := attacks[os.Args[1]](os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if script, ok := os.LookupEnv(controllerScript); ok {
		if err := beController(script, os.Getenv(controllerID)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	// As the controller does: whatever works for the tests works non-dumpable.
	if err := process.Harden(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// beController supervises a script, prints the supervisor's identity and waits to be killed.
func beController(script, id string) error {
	if err := process.Harden(); err != nil {
		return err
	}
	s, err := process.NewSpawner()
	if err != nil {
		return err
	}
	child, err := s.Supervise(context.Background(), shellAgent(id, script))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(child.Identity()); err != nil {
		return err
	}
	if _, err := io.Copy(os.Stdout, child.Stdout); err != nil {
		return err
	}
	_, err = child.Wait()
	return err
}

// shellAgent is an agent that runs a script of the shell.
func shellAgent(id, script string) process.Agent {
	return process.Agent{
		WorkOrderID: id,
		Command:     process.Command{Path: "sh", Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}},
		Grace:       300 * time.Millisecond,
	}
}

// shell is a command that runs a script of the shell.
func shell(script string) process.Command { return shellAgent("", script).Command }

// newSpawner returns a Spawner that ends with the test.
func newSpawner(tb testing.TB) *process.Spawner {
	tb.Helper()
	s, err := process.NewSpawner()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// workOrderID is one that no other test and no other run of the tests uses.
func workOrderID(t *testing.T) string {
	t.Helper()
	return "wo-test-" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
}

// marked counts the running processes that carry the id in environment or arguments.
func marked(id string) int {
	all, err := tree.List()
	if err != nil {
		return -1
	}
	count := 0
	for _, p := range tree.Running(all) {
		dir := "/proc/" + strconv.Itoa(p.PID)
		environ, _ := os.ReadFile(dir + "/environ")
		arguments, _ := os.ReadFile(dir + "/cmdline")
		supervisor := bytes.Equal(arguments, []byte("awo-supervisor\x00"+id+"\x00"))
		if supervisor || bytes.Contains(environ, []byte("AWO_WORK_ORDER_ID="+id)) {
			count++
		}
	}
	return count
}

// readUntil reads an output up to a word.
func readUntil(t *testing.T, r io.Reader, word string) string {
	t.Helper()
	var seen strings.Builder
	buffer := make([]byte, 256)
	for !strings.Contains(seen.String(), word) {
		n, err := r.Read(buffer)
		seen.Write(buffer[:n])
		if err != nil {
			t.Fatalf("output ended before %q: %q, %v", word, seen.String(), err)
		}
	}
	return seen.String()
}

// TestAsOrdinaryUser runs the tests of the boundaries once more as a user without rights.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 || os.Getenv(nested) != "" {
		t.Log("the tests run as an ordinary user already")
		return
	}
	g := NewWithT(t)
	dir, err := os.MkdirTemp("", "process-test")
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	const nobody = 65534
	g.Expect(os.Chown(dir, nobody, nobody)).To(Succeed())
	self, err := os.Executable()
	g.Expect(err).NotTo(HaveOccurred())
	// Where it lies others cannot reach it.
	reachable := filepath.Join(dir, "process.test")
	g.Expect(os.Link(self, reachable)).To(Succeed())
	cmd := exec.CommandContext(t.Context(), reachable,
		"-test.run=^Test(Capabilities|Harden|SuperviseEnd|SupervisePasses|StopBy|RunEnds|EndFormer|Controller|Supervisor|Confined)", "-test.v")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), nested+"=1", "TMPDIR="+dir, "HOME="+dir, "GOCOVERDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	output, err := cmd.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), string(output))
	g.Expect(string(output)).To(And(ContainSubstring("--- PASS: TestCapabilities"), ContainSubstring("--- PASS: TestConfinedAttacks")))
}
