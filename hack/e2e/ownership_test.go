package e2e_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// give makes a path of the data directory root's, with a mode.
func (w *world) give(path string, mode os.FileMode) {
	w.t.Helper()
	path = filepath.Join(w.data, path)
	w.g.Expect(os.Chown(path, 0, 0)).To(Succeed())
	w.g.Expect(os.Chmod(path, mode)).To(Succeed())
}

func TestUnusableDataDirectoryEndsTheStart(t *testing.T) {
	needsRoot(t)
	const owned = `belongs to 0:0 \(mode 0[0-7]+\), this process runs as 54321:54321; .*chown -R 54321:54321 DATA`
	for _, c := range []struct {
		name, want string
		set        func(w *world)
	}{
		{"volume of root", `cannot write into DATA: permission denied; DATA ` + owned, func(w *world) {
			w.g.Expect(os.Mkdir(w.data, 0o755)).To(Succeed())
			w.as(nobody)
		}},
		{"parent that cannot be written", `cannot mkdir DATA: permission denied; .*make it as root: mkdir -p DATA && chown 54321:54321 DATA`, func(w *world) { w.as(nobody) }},
		{"volume that a root controller has used", `cannot write into DATA: permission denied; DATA ` + owned, func(w *world) {
			w.start()
			w.controller.stop()
			w.as(nobody)
		}},
		{"outputs of root", `cannot [a-z ]+ DATA/outputs: operation not permitted; DATA/outputs ` + owned + `/outputs`, func(w *world) {
			w.nobodys()
			w.give("outputs", 0o777)
		}},
		{"token of root", `cannot use DATA/server-token: permission denied; DATA/server-token ` + owned, func(w *world) {
			w.nobodys()
			w.give("server-token", 0o600)
		}},
		{"lock of root", `cannot use DATA/.controller.lock: permission denied; DATA/.controller.lock ` + owned, func(w *world) {
			w.nobodys()
			w.give(".controller.lock", 0o644)
		}},
		{"record of root", `cannot read DATA/outputs/wo-00000001/record.json: permission denied; .*` + owned, func(w *world) {
			w.nobodys()
			w.g.Expect(os.Mkdir(filepath.Join(w.data, "outputs", "wo-00000001"), 0o700)).To(Succeed())
			w.g.Expect(os.Chown(filepath.Join(w.data, "outputs", "wo-00000001"), nobody, nobody)).To(Succeed())
			w.g.Expect(os.WriteFile(filepath.Join(w.data, "outputs", "wo-00000001", "record.json"), nil, 0o600)).To(Succeed())
		}},
		{"closed manifests of somebody", `cannot read DATA/workorders: permission denied; .*its owner stays: chmod -R a\+rX DATA/workorders`, func(w *world) {
			w.nobodys()
			w.give("workorders", 0o700)
		}},
		{"closed by its owner", `cannot write into DATA/repositories: permission denied; .*chmod -R u\+rwX DATA/repositories`, func(w *world) {
			w.nobodys()
			w.g.Expect(os.Chmod(filepath.Join(w.data, "repositories"), 0o500)).To(Succeed())
		}},
		{"full", `cannot write into DATA: no space left on device \(0 B free of 2.0 MiB .*free space there or enlarge it`, func(w *world) {
			w.tmpfs(2 << 20)
			w.nobodys()
			w.fill()
		}},
		{"read-only", `cannot write into DATA: read-only file system; .*mount it for writing`, func(w *world) {
			w.tmpfs(2 << 20)
			w.nobodys()
			w.g.Expect(unix.Mount("", w.data, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")).To(Succeed())
		}},
		{"empty and read-only", `cannot write into DATA: read-only file system; .*mount it for writing`, func(w *world) {
			w.tmpfs(2 << 20)
			w.as(nobody)
			w.g.Expect(unix.Mount("", w.data, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")).To(Succeed())
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.set(w)
			want := strings.ReplaceAll(c.want, "DATA", w.data)
			w.launch()
			w.g.Expect(w.controller.wait(10*time.Second)).To(BeTrue(), "it ends by itself")
			w.g.Expect(w.controller.cmd.ProcessState.ExitCode()).To(Equal(1))
			said := strings.TrimSpace(w.controller.log())
			w.g.Expect(said).To(MatchRegexp(`^error: the data directory ` + w.data + ` cannot be used: .*` + want))
			w.g.Expect(said).NotTo(ContainSubstring("\n"), "one message")

			out, err := w.run("doctor")
			w.g.Expect(err).To(HaveOccurred())
			if !strings.Contains(c.want, "mkdir") {
				w.g.Expect(out).To(MatchRegexp(`(?m)^data directory +FAIL +.*` + want))
			}
		})
	}
}

func TestTroubleWithTheVolumeIsToldAndOutlived(t *testing.T) {
	needsRoot(t)
	for _, c := range []struct {
		name, want string
		spoil      func(w *world) (mend func())
	}{
		{"full", `no space left on device`, (*world).fill},
		{"read-only", `read-only file system`, func(w *world) func() {
			// The whole cannot be remounted while its lock is open for writing.
			outputs := filepath.Join(w.data, "outputs")
			w.g.Expect(unix.Mount(outputs, outputs, "", unix.MS_BIND, "")).To(Succeed())
			w.g.Expect(unix.Mount("", outputs, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")).To(Succeed())
			return func() { w.g.Expect(unix.Unmount(outputs, unix.MNT_DETACH)).To(Succeed()) }
		}},
		{"another owner", `outputs belongs to 0:0 \(mode 0700\), this process runs as 54321:54321; .*chown -R 54321:54321 `, func(w *world) func() {
			w.give("outputs", 0o700)
			return func() { w.g.Expect(os.Chown(filepath.Join(w.data, "outputs"), nobody, nobody)).To(Succeed()) }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.tmpfs(64 << 20)
			w.nobodys()
			url := w.repository("app", "main", map[string]string{"README.md": "x\n"})
			w.start()
			// The file is there before the trouble begins; a full disk takes no more of them.
			w.drop("a.yaml.later", order("a", url, w.script("echo x > new.txt; echo did\n"), "  phases: [Planning, Implementing]\n"))
			mend := c.spoil(w)
			var out string
			w.g.Eventually(func() error {
				var err error
				out, err = w.run("get", "--raw", "/health")
				return err
			}).Should(HaveOccurred())
			w.g.Expect(out).To(MatchRegexp(`"status":"unhealthy".*` + c.want))
			told, err := w.run("doctor")
			w.g.Expect(err).To(HaveOccurred())
			w.g.Expect(told).To(MatchRegexp(`(?m)^data directory +FAIL .*` + c.want))
			// An order that comes now is not lost.
			w.g.Expect(os.Rename(w.file("a.yaml.later"), w.file("a.yaml"))).To(Succeed())
			w.g.Consistently(func() v1alpha1.Phase { return w.statusIn("a.yaml").Phase }, time.Second).ShouldNot(BeEquivalentTo(v1alpha1.PhaseFailed))
			mend()
			w.ends("a.yaml", v1alpha1.PhaseSucceeded)
			w.g.Eventually(func() (string, error) { return w.run("get", "--raw", "/health") }).Should(ContainSubstring(`"status":"healthy"`))
		})
	}
}

func TestASecondControllerLeavesEverythingAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, err := store.Open(store.Options{DataDir: w.data})
	w.g.Expect(err).NotTo(HaveOccurred())
	release, err := s.Lock()
	w.g.Expect(err).NotTo(HaveOccurred())
	defer release()
	before := w.list(w.data)
	out, err := w.run("controller")
	w.g.Expect(err).To(HaveOccurred())
	w.g.Expect(out).To(HavePrefix("error: another controller works on " + w.data))
	w.g.Expect(w.list(w.data)).To(Equal(before), "not even a log is begun")
}

// list names all that lies in a directory.
func (w *world) list(dir string) []string {
	w.t.Helper()
	var out []string
	w.g.Expect(filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		out = append(out, path)
		return err
	})).To(Succeed())
	return out
}
