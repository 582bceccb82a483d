package process_test

import (
	"io"
	"os"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
)

// status is what a child prints about itself.
const status = "grep -E '^(Cap|NoNewPrivs)' /proc/self/status"

func expectNoPrivileges(t *testing.T, printed string) {
	t.Helper()
	g := NewWithT(t)
	values := map[string]string{}
	for line := range strings.Lines(printed) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		values[name] = strings.TrimSpace(value)
	}
	none := strings.Repeat("0", 16)
	g.Expect(values).To(HaveKeyWithValue("NoNewPrivs", "1"))
	for _, set := range []string{"CapEff", "CapPrm", "CapInh", "CapAmb"} {
		g.Expect(values).To(HaveKeyWithValue(set, none))
	}
	if os.Getuid() == 0 {
		// An ordinary user may not empty it; nobody can gain from it with no_new_privs.
		g.Expect(values).To(HaveKeyWithValue("CapBnd", none))
	}
}

func TestCapabilitiesOfCommand(t *testing.T) {
	g := NewWithT(t)
	s := newSpawner(t)
	result, err := s.Run(t.Context(), shell(status))
	g.Expect(err).NotTo(HaveOccurred())
	expectNoPrivileges(t, string(result.Stdout))
}

func TestCapabilitiesOfAgent(t *testing.T) {
	g := NewWithT(t)
	child, err := newSpawner(t).Supervise(t.Context(), shellAgent(workOrderID(t), status))
	g.Expect(err).NotTo(HaveOccurred())
	printed, err := io.ReadAll(child.Stdout)
	g.Expect(err).NotTo(HaveOccurred())
	expectNoPrivileges(t, string(printed))
	g.Expect(child.Wait()).To(Equal(process.ExitStatus{}))
}

// The rest of the process keeps what it has: root needs it to write into files of other users.
func TestCapabilitiesStayInThisProcess(t *testing.T) {
	g := NewWithT(t)
	before, err := os.ReadFile("/proc/thread-self/status")
	g.Expect(err).NotTo(HaveOccurred())
	newSpawner(t)
	after, err := os.ReadFile("/proc/thread-self/status")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(capabilityLines(after)).To(Equal(capabilityLines(before)))
}

func capabilityLines(status []byte) []string {
	var lines []string
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "NoNewPrivs") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestHardenHidesEnvironmentFromChildren(t *testing.T) {
	g := NewWithT(t)
	s := newSpawner(t)
	for _, file := range []string{"environ", "mem", "maps"} {
		_, err := s.Run(t.Context(), shell("cat /proc/$PPID/"+file))
		g.Expect(err).To(MatchError(MatchRegexp("(?i)permission denied")), file)
	}
}

func TestSupervisorHidesItself(t *testing.T) {
	g := NewWithT(t)
	child, err := newSpawner(t).Supervise(t.Context(), shellAgent(workOrderID(t), "cat /proc/$PPID/environ || echo refused; cat /proc/$PPID/fd/3 || echo refused"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(io.ReadAll(child.Stdout)).To(BeEquivalentTo("refused\nrefused\n"))
	g.Expect(child.Wait()).To(Equal(process.ExitStatus{}))
}

func TestIdentity(t *testing.T) {
	g := NewWithT(t)
	me, err := process.Identify(os.Getpid())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(process.Alive(me)).To(BeTrue())
	later, boot, nobody := me, me, process.Identity{}
	later.StartTime++
	boot.BootID = "another"
	for _, other := range []process.Identity{later, boot, nobody} {
		g.Expect(process.Alive(other)).To(BeFalse())
	}
	_, err = process.Identify(1 << 30)
	g.Expect(err).To(MatchError(os.ErrNotExist))
}

func TestRunAfterClose(t *testing.T) {
	g := NewWithT(t)
	s := newSpawner(t)
	s.Close()
	_, err := s.Run(t.Context(), shell("true"))
	g.Expect(err).To(MatchError(process.ErrClosed))
}
