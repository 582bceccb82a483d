package process_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

// attacks are what this binary tries when it is started with one of the names as its first argument and a target as
// its second.
var attacks = map[string]func(string) error{
	"attack-connect-unix": func(address string) error { return dial("unix", address) },
	"attack-connect-tcp":  func(address string) error { return dial("tcp", address) },
	"attack-connect-multipath": func(address string) error {
		var dialer net.Dialer
		dialer.SetMultipathTCP(true)
		conn, err := dialer.Dial("tcp", address)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		if tcp, ok := conn.(*net.TCPConn); ok {
			if multipath, err := tcp.MultipathTCP(); err == nil && multipath {
				return nil
			}
		}
		return errors.New("no multipath")
	},
	"attack-fast-open": func(address string) error {
		_, text, err := net.SplitHostPort(address)
		if err != nil {
			return err
		}
		port, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		return unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	},
	"attack-ptrace": func(pid string) error {
		number, err := strconv.Atoi(pid)
		if err != nil {
			return err
		}
		return syscall.PtraceAttach(number)
	},
}

func dial(network, address string) error {
	// A plain socket: Go's own dialer would use multipath TCP.
	dialer := net.Dialer{}
	dialer.SetMultipathTCP(false)
	conn, err := dialer.Dial(network, address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// scene is a data directory with two orders, of which one has an agent.
type scene struct {
	data, workspace, home, objects string
	other                          string
	decoy                          string
	policy                         *sandbox.Policy
	self                           string
}

// secret is what agents are after.
const secret = "TOPSECRET"

func newScene(t *testing.T, change func(*sandbox.Options)) *scene {
	t.Helper()
	if sandbox.LandlockABI() == 0 {
		t.Skip("the kernel offers no Landlock, so there is no sandbox to attack")
	}
	g := NewWithT(t)
	root, err := filepath.EvalSymlinks(t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	s := &scene{data: filepath.Join(root, "data")}
	s.workspace = filepath.Join(s.data, "repositories", "wo-own")
	s.other = filepath.Join(s.data, "repositories", "wo-other")
	s.home = filepath.Join(s.data, "agent-home", "wo-own")
	s.objects = filepath.Join(s.data, "repositories", ".mirrors", "app.git", "objects")
	for _, dir := range []string{s.workspace, s.other, filepath.Join(s.home, "tmp"), s.objects} {
		g.Expect(os.MkdirAll(dir, 0o755)).To(Succeed())
	}
	for _, name := range []string{
		"server-token", "workorders/a.yaml", "outputs/wo-other/record.json", "outputs/wo-own/record.json", "repositories/wo-other/secret",
		"repositories/.mirrors/app.git/config", "repositories/.mirrors/app.git/objects/blob", "agent-home/wo-other/.claude.json",
	} {
		file := filepath.Join(s.data, name)
		g.Expect(os.MkdirAll(filepath.Dir(file), 0o755)).To(Succeed())
		g.Expect(os.WriteFile(file, []byte(secret+"\n"), 0o644)).To(Succeed())
	}
	s.self, err = os.Executable()
	g.Expect(err).NotTo(HaveOccurred())
	options := sandbox.Options{
		Mode: sandbox.Auto, DataDir: s.data, Environ: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + root}, Root: os.Getuid() == 0,
		Read: []string{s.self}, Sockets: func() []string { return nil },
	}
	if change != nil {
		change(&options)
	}
	s.policy, err = sandbox.New(options)
	g.Expect(err).NotTo(HaveOccurred())
	s.startDecoy(t)
	return s
}

// startDecoy starts a process with the rights of an agent that holds the secret in its environment and in an open file.
func (s *scene) startDecoy(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	file, err := os.Open(filepath.Join(s.other, "secret"))
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = file.Close() }()
	agent := shellAgent(workOrderID(t), "echo $$; exec sleep 300")
	agent.Env, agent.ExtraFiles = append(agent.Env, "GITHUB_TOKEN="+secret), []*os.File{file}
	child, err := newSpawner(t).Supervise(t.Context(), agent)
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() {
		child.Stop()
		_, _ = child.Wait()
	})
	s.decoy = strings.TrimSpace(readUntil(t, child.Stdout, "\n"))
}

// run has an agent run a script, confined or not.
func (s *scene) run(t *testing.T, script string, isConfined bool) (stdout, stderr string, status process.ExitStatus) {
	t.Helper()
	agent := shellAgent(workOrderID(t), script)
	agent.Dir = s.workspace
	agent.Env = append(agent.Env, "HOME="+s.home, "TMPDIR="+filepath.Join(s.home, "tmp"), "DATA="+s.data, "OTHER="+s.other,
		"OBJECTS="+s.objects, "SELF="+s.self, "DECOY="+s.decoy, "LC_ALL=C")
	if isConfined {
		agent.Sandbox = s.policy.Rules(sandbox.Run{
			Program: "/bin/sh", Read: []string{s.objects}, Write: []string{s.workspace, s.home},
		})
	}
	return supervised(t, agent)
}

// set puts back what attacks take away.
func (s *scene) set(t *testing.T) {
	t.Helper()
	for _, name := range []string{"secret", "removable"} {
		NewWithT(t).Expect(os.WriteFile(filepath.Join(s.other, name), []byte(secret+"\n"), 0o644)).To(Succeed())
	}
}

// snapshot is what lies in the data directory outside of workspace and home, by path.
func (s *scene) snapshot(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(filepath.Dir(s.data), func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == s.workspace, path == s.home:
			return filepath.SkipDir
		case d.Type().IsRegular():
			text, err := os.ReadFile(path)
			files[path] = string(text)
			return err
		}
		files[path] = ""
		return nil
	})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return files
}
