package e2e_test

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// nobody is a user that owns nothing, as an image's user on a volume of somebody else.
const nobody = 54321

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
}

// identity is what makes a process somebody else's.
func (w *world) identity() *syscall.SysProcAttr {
	if w.uid == 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: w.uid, Gid: w.uid}}
}

// as lets awo run as another user from now on, who may pass through the directories above the data directory.
func (w *world) as(uid uint32) {
	w.uid = uid
	for dir := w.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		w.g.Expect(os.Chmod(dir, 0o755)).To(Succeed())
	}
	if os.Getenv("GOCOVERDIR") == "" {
		return
	}
	// An instrumented binary complains where it cannot write what it counted, and the checkout is closed to that user.
	counted := filepath.Join(w.dir, "coverage")
	w.g.Expect(os.MkdirAll(counted, 0o755)).To(Succeed())
	w.g.Expect(os.Chown(counted, int(uid), int(uid))).To(Succeed())
	w.env = append(w.env, "GOCOVERDIR="+counted)
}

// nobodys gives a data directory with the whole layout to nobody, as whom awo runs from now on.
func (w *world) nobodys() {
	w.t.Helper()
	w.g.Expect(os.MkdirAll(w.data, 0o755)).To(Succeed())
	w.g.Expect(os.Chown(w.data, nobody, nobody)).To(Succeed())
	w.as(nobody)
	// A start and a stop make everything that there is.
	w.start()
	w.controller.stop()
}

// tmpfs mounts a file system of a few bytes on the data directory.
func (w *world) tmpfs(size int) {
	w.t.Helper()
	w.g.Expect(os.MkdirAll(w.data, 0o755)).To(Succeed())
	if err := unix.Mount("tmpfs", w.data, "tmpfs", 0, "size="+strconv.Itoa(size)); err != nil {
		w.t.Skipf("mounting needs a right that root does not have here: %v", err)
	}
	w.t.Cleanup(func() { _ = unix.Unmount(w.data, unix.MNT_DETACH) })
}

// fill takes all the space that is left and returns what gives it back.
func (w *world) fill() (empty func()) {
	w.t.Helper()
	path := filepath.Join(w.data, "ballast")
	f, err := os.Create(path)
	w.g.Expect(err).NotTo(HaveOccurred())
	for _, block := range []int{64 << 10, 4 << 10} {
		for err == nil {
			_, err = f.Write(make([]byte, block))
		}
		w.g.Expect(err).To(MatchError(unix.ENOSPC))
		err = nil
	}
	w.g.Expect(f.Close()).To(Succeed())
	return func() { w.g.Expect(os.Remove(path)).To(Succeed()) }
}

// What an agent did is not done again because it could not be written down at once.
func TestAgentRunsOnceOnAFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a file system")
	}
	for _, gate := range []string{"Planning", "Implementing"} {
		t.Run(gate, func(t *testing.T) {
			w := newWorld(t, "AWO_MIN_FREE_DISK=0")
			w.tmpfs(64 << 20)
			repo := w.local("app", map[string]string{"README.md": "x\n"})
			agent := w.script("echo $$ >> " + w.shared + "/runs-$AWO_PHASE\n[ $AWO_PHASE = Implementing ] && echo changed > changed.txt\n" +
				"while [ $AWO_PHASE = " + gate + " -a ! -e " + w.shared + "/gate ]; do sleep 0.1; done\necho did it\n")
			w.start()
			w.drop("a.yaml", order("a", "file://"+repo, agent))
			w.g.Eventually(func() int { return w.runs(v1alpha1.Phase(gate)) }).Should(Equal(1), w.controller.log)
			// The record would fit where it was written before.
			spares, err := filepath.Glob(filepath.Join(w.data, "outputs", "*", ".record.json"))
			w.g.Expect(err).NotTo(HaveOccurred())
			w.g.Expect(spares).To(HaveLen(1))
			w.g.Expect(os.Remove(spares[0])).To(Succeed())
			empty := w.fill()
			w.openGate()
			w.g.Eventually(w.controller.log).Should(ContainSubstring("Not written, tried again"))
			empty()
			w.ends("a.yaml", v1alpha1.PhaseSucceeded)
			w.g.Expect(w.runs(v1alpha1.PhasePlanning)).To(Equal(1))
			w.g.Expect(w.runs(v1alpha1.PhaseImplementing)).To(Equal(1))
		})
	}
}
