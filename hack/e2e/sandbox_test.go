package e2e_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

// hideLandlock, as the first argument of this binary, has it execute the rest where the kernel offers no Landlock.
const hideLandlock = "hide-landlock"

// withoutLandlock executes a program with a filter that answers for Landlock as an old kernel does.
func withoutLandlock(argv []string) error {
	runtime.LockOSThread()
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_LANDLOCK_CREATE_RULESET},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return err
	}
	return syscall.Exec(argv[0], argv, os.Environ())
}

// hidesLandlock starts the controller without Landlock.
func hidesLandlock(cmd *exec.Cmd) {
	cmd.Args = append([]string{"e2e", hideLandlock, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/proc/self/exe"
}

func needsLandlock(t *testing.T) {
	t.Helper()
	if sandbox.LandlockABI() == 0 {
		t.Skip("the kernel offers no Landlock")
	}
}

// health is the part of /health that tells of the sandbox.
type health struct {
	Sandbox struct {
		Mode, Message string
		Active        bool
	}
}

func TestSandboxIsTold(t *testing.T) {
	needsLandlock(t)
	for name, c := range map[string]struct {
		change       func(*exec.Cmd)
		args         []string
		mode, reason string
		says         string
	}{
		"confined":         {mode: "auto", reason: v1alpha1.ReasonLandlock, says: "agents are confined by Landlock"},
		"off":              {args: []string{"--agent-sandbox=off"}, mode: "off", reason: v1alpha1.ReasonSandboxOff, says: "agents are not confined"},
		"without Landlock": {change: hidesLandlock, mode: "auto", reason: v1alpha1.ReasonLandlockMissing, says: "agents are not confined"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.change = c.change
			// Unconfined this finds the manifest of the order.
			agent := w.script("echo x > x.txt; cat " + w.data + "/workorders/a.yaml > stolen.txt || rm stolen.txt\n")
			w.start(c.args...)
			w.drop("a.yaml", order("a", "file://"+w.local("app", map[string]string{"README.md": "x\n"}), agent))
			st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
			active := c.reason == v1alpha1.ReasonLandlock
			w.g.Expect(st.Changes.Files).To(BeEquivalentTo(map[bool]int{true: 1, false: 2}[active]))
			condition := meta.FindStatusCondition(st.Conditions, v1alpha1.ConditionAgentConfined)
			w.g.Expect(condition).NotTo(BeNil())
			w.g.Expect(condition.Reason).To(Equal(c.reason))
			w.g.Expect(condition.Message).To(ContainSubstring(c.says))
			w.g.Expect(meta.IsStatusConditionTrue(st.Conditions, v1alpha1.ConditionAgentConfined)).To(Equal(active))
			w.g.Expect(w.controller.log()).To(MatchRegexp(`"msg":"Agent sandbox".*` + c.says))
			var h health
			w.g.Expect(w.get("/health", &h)).To(Equal(200))
			w.g.Expect(h.Sandbox.Mode).To(Equal(c.mode))
			w.g.Expect(h.Sandbox.Active).To(Equal(active))
			w.g.Expect(h.Sandbox.Message).To(ContainSubstring(c.says))
		})
	}
}

// fails starts a controller that has to refuse, and returns what it says.
func (w *world) fails(args ...string) string {
	w.t.Helper()
	p := w.launch(args...)
	w.g.Eventually(p.done).Should(BeClosed(), p.log)
	w.g.Expect(p.cmd.ProcessState.ExitCode()).To(Equal(1), p.log)
	return p.log()
}

func TestSandboxThatIsRequired(t *testing.T) {
	needsLandlock(t)
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(w.dir, "agent.sock")
	listener, err := net.Listen("unix", path) //nolint:noctx // it is closed below
	w.g.Expect(err).NotTo(HaveOccurred())
	w.change = hidesLandlock
	w.g.Expect(w.fails("--agent-sandbox=require")).To(And(ContainSubstring("the kernel offers no Landlock"), ContainSubstring("--agent-sandbox=auto")))
	w.g.Expect(w.fails("--agent-ports=443")).To(ContainSubstring("--agent-ports needs version 4 of Landlock"))
	w.change = nil
	w.env = append(w.env, "SSH_AUTH_SOCK="+path)
	if sandbox.LandlockABI() < 9 {
		w.g.Expect(w.fails("--agent-sandbox=require")).To(And(ContainSubstring(path), ContainSubstring("Landlock does not close")))
		out, err := w.run("doctor")
		w.g.Expect(err).NotTo(HaveOccurred())
		w.g.Expect(out).To(MatchRegexp(`agent sandbox +WARN +agents are confined .*` + path))
	}
	w.start()
	w.controller.stop()
	w.g.Expect(listener.Close()).To(Succeed())
	for _, args := range [][]string{
		{"--agent-read=" + w.data}, {"--agent-write=" + w.dir}, {"--agent-write=relative"}, {"--agent-ports=70000"},
		{"--agent-sandbox=off", "--agent-ports=443"}, {"--agent-sandbox=sometimes"},
	} {
		w.g.Expect(w.fails(args...)).To(ContainSubstring("agent-"), "%v", args)
	}
}

// TestSocketThatAppearsLater holds an order up by a socket that was not there when the controller started.
func TestSocketThatAppearsLater(t *testing.T) {
	needsLandlock(t)
	if sandbox.LandlockABI() >= 9 {
		t.Skip("this version of Landlock closes sockets")
	}
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(w.dir, "agent.sock")
	w.env = append(w.env, "SSH_AUTH_SOCK="+path)
	w.start("--agent-sandbox=require")
	listener, err := net.Listen("unix", path) //nolint:noctx // it is closed below
	w.g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = listener.Close() }()
	health := func(g Gomega) string {
		var h health
		g.Expect(w.get("/health", &h)).To(Equal(200))
		return h.Sandbox.Message
	}
	w.g.Eventually(health).Should(ContainSubstring(path))
	w.drop("a.yaml", order("a", "file://"+w.local("app", map[string]string{"README.md": "x\n"}), w.script("echo x > x.txt\n")))
	w.g.Eventually(func(g Gomega) {
		st := w.statusIn("a.yaml")
		c := meta.FindStatusCondition(st.Conditions, v1alpha1.ConditionAgentConfined)
		g.Expect(c).NotTo(BeNil())
		g.Expect(c.Status).To(Equal(metav1.ConditionFalse))
		g.Expect(c.Message).To(ContainSubstring(path))
		g.Expect(meta.FindStatusCondition(st.Conditions, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonSocketInReach))
	}).Should(Succeed())
	w.g.Expect(listener.Close()).To(Succeed())
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(meta.IsStatusConditionTrue(st.Conditions, v1alpha1.ConditionAgentConfined)).To(BeTrue())
	for _, step := range st.Steps {
		w.g.Expect(step.Attempt).To(BeEquivalentTo(1), "waiting is no attempt")
	}
}

// hostile tries, as an ordinary user's agent, all that the same user could do without a sandbox, and to lock the
// controller out of its own files, which a sandbox does not keep it from.
const hostile = `
exec 2>/dev/null
for p in /proc/[0-9]*; do tr '\0' '\n' < $p/environ; done | grep TOKEN= && echo environment >> $SEEN
cat DATA/server-token DATA/outputs/*/record.json DATA/workorders/* && echo files >> $SEEN
kill -0 $CONTROLLER && echo signal >> $SEEN
echo x > DATA/workorders/planted.yaml && echo manifest >> $SEEN
[ "$AWO_PHASE" = Planning ] || echo x > x.txt
chmod 000 DATA/outputs/$AWO_WORK_ORDER_ID/record.json DATA/outputs/$AWO_WORK_ORDER_ID DATA/outputs DATA/workorders/a.yaml DATA/workorders
find DATA/repositories/.mirrors -exec chmod 000 {} + ; chmod 000 DATA/repositories/.mirrors
chmod 000 .git/objects .git/HEAD .git . "$TMPDIR" "$HOME" DATA/repositories DATA/agent-home DATA
echo done
`

// TestAgentOfAnOrdinaryUser runs the controller as a user without rights, whom modes stop.
func TestAgentOfAnOrdinaryUser(t *testing.T) {
	needsLandlock(t)
	if os.Getuid() != 0 {
		t.Skip("only root can start a controller as another user")
	}
	t.Parallel()
	const nobody = 65534
	w := newWorld(t)
	// Nobody has to get there.
	for dir := w.dir; dir != os.TempDir(); dir = filepath.Dir(dir) {
		w.g.Expect(os.Chmod(dir, 0o755)).To(Succeed())
	}
	w.g.Expect(os.Mkdir(w.data, 0o755)).To(Succeed())
	repo := w.local("app", map[string]string{"README.md": "x\n"})
	w.g.Expect(filepath.WalkDir(w.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	})).To(Succeed())
	w.change = func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	seen := filepath.Join(w.shared, "seen")
	agent := w.script("SEEN=" + seen + "\nCONTROLLER=$(cat " + w.shared + "/pid)\n" + strings.ReplaceAll(hostile, "DATA", w.data))
	w.start()
	w.g.Expect(os.WriteFile(filepath.Join(w.shared, "pid"), []byte(strconv.Itoa(w.controller.cmd.Process.Pid)), 0o644)).To(Succeed())
	w.drop("a.yaml", order("a", "file://"+repo, agent))
	w.g.Expect(os.Lchown(w.file("a.yaml"), nobody, nobody)).To(Succeed())
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(st.Changes.Files).To(BeEquivalentTo(1))
	w.g.Expect(seen).NotTo(BeAnExistingFile(), "an attack worked")
	w.g.Expect(w.file("planted.yaml")).NotTo(BeAnExistingFile())
	w.g.Expect(w.branches(repo)).To(HaveLen(1))
	for _, step := range st.Steps {
		w.g.Expect(step.Outcome).NotTo(Equal(v1alpha1.StepFailed), step.Message)
	}
}

// listen opens a port and returns its number.
func (w *world) listen() string {
	w.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed with the test
	w.g.Expect(err).NotTo(HaveOccurred())
	w.t.Cleanup(func() { _ = listener.Close() })
	_, port, err := net.SplitHostPort(listener.Addr().String())
	w.g.Expect(err).NotTo(HaveOccurred())
	return port
}

func TestAgentPorts(t *testing.T) {
	needsLandlock(t)
	if sandbox.LandlockABI() < 4 {
		t.Skip("this version of Landlock knows no ports")
	}
	t.Parallel()
	w := newWorld(t)
	open, closed := w.listen(), w.listen()
	agent := w.script("exec 2>/dev/null\n(: < /dev/tcp/127.0.0.1/" + open + ") && echo x > open\n(: < /dev/tcp/127.0.0.1/" + closed + ") && echo x > closed\necho done\n")
	w.start("--agent-ports=" + open)
	w.drop("a.yaml", order("a", "file://"+w.local("app", map[string]string{"README.md": "x\n"}), agent))
	st := w.ends("a.yaml", v1alpha1.PhaseSucceeded)
	repo := w.git.Dir("app.git")
	w.g.Expect(w.gitOut("--git-dir="+repo, "ls-tree", "--name-only", st.Branch)).To(Equal("README.md\nopen\n"))
}
