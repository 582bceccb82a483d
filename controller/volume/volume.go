// Package volume judges the data directory: whether this process can work in it, and if not, whose it is and which
// command mends it. The controller asks before it starts and whenever it is asked for its health, `awo doctor` asks,
// too, and all three say it in the same words.
package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/store"
)

// probeSize is how much a trial writes, in bytes: more than a record has.
const probeSize = 64 << 10

// Prepare makes what is missing of the data directory and sees that this process can work in all of it. It returns an
// *Error that explains what it cannot.
func Prepare(dataDir string) (store.Layout, error) {
	layout, err := Find(dataDir)
	if err != nil {
		return layout, err
	}
	// The whole before its parts: what mends it mends them, too.
	if info, err := os.Stat(layout.Root); err == nil && info.IsDir() {
		if err := allowed(layout, layout.Root, "write into", unix.R_OK|unix.W_OK|unix.X_OK); err != nil {
			return layout, err
		}
	}
	if err := layout.Create(); err != nil {
		return layout, Explain(layout, err)
	}
	return layout, Inspect(layout)
}

// Inspect is Check that also looks at what every run has left, which takes longer the more there are.
func Inspect(layout store.Layout) error {
	if err := Check(layout); err != nil {
		return err
	}
	return checkContents(layout)
}

// Find is store.NewLayout with an error that says what is in the way.
func Find(dataDir string) (store.Layout, error) {
	layout, err := store.NewLayout(dataDir)
	if err == nil || !ours(err) {
		return layout, err
	}
	root, absErr := filepath.Abs(dataDir)
	if absErr != nil {
		return layout, err
	}
	// The system tells this error without a path.
	return layout, explain(store.Layout{Root: root}, "find", root, store.RootCause(err))
}

// Check sees that this process can work in the data directory, by asking for the rights on its parts and by writing
// for a trial. It is quick and leaves nothing behind. Its error is an *Error.
func Check(layout store.Layout) error {
	for _, dir := range []string{layout.Root, layout.Outputs(), layout.Repositories(), layout.Mirrors(), layout.AgentHomes(), layout.Logs()} {
		if err := allowed(layout, dir, "write into", unix.R_OK|unix.W_OK|unix.X_OK); err != nil {
			return err
		}
	}
	for _, dir := range []string{layout.Outputs(), layout.AgentHomes(), layout.Logs()} {
		if err := closable(layout, dir); err != nil {
			return err
		}
	}
	// Manifests may be somebody else's: a status that cannot be written is told elsewhere.
	for _, dir := range []string{layout.WorkOrders(), layout.Commands()} {
		if err := allowed(layout, dir, "read", unix.R_OK|unix.X_OK); err != nil {
			return err
		}
	}
	for _, dir := range []string{layout.Root, layout.Outputs()} {
		if err := tryWriting(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return explain(layout, "write into", dir, err)
		}
	}
	return nil
}

// checkContents looks at what former lives have left: files of another user, as of a container that ran as root, are
// found before the first order needs them.
func checkContents(layout store.Layout) error {
	for _, dir := range []string{layout.Outputs(), layout.Repositories(), layout.AgentHomes()} {
		if err := checkChildren(layout, dir); err != nil {
			return err
		}
	}
	for file, mode := range map[string]uint32{
		layout.ControllerLock(): unix.R_OK | unix.W_OK, layout.TokenFile(): unix.R_OK, layout.PolicyFile(): unix.R_OK, layout.ControllerLog(): unix.W_OK,
	} {
		if err := allowed(layout, file, "use", mode); err != nil {
			return err
		}
	}
	return nil
}

// checkChildren looks at the directories of runs, and at the records where there are any.
func checkChildren(layout store.Layout, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain(layout, "list", dir, err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		if err := checkChild(layout, filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// checkChild looks at one directory of a run. In outputs the record has to be read and the events to be continued.
func checkChild(layout store.Layout, child string) error {
	if err := allowed(layout, child, "write into", unix.R_OK|unix.W_OK|unix.X_OK); err != nil {
		return err
	}
	if err := allowed(layout, filepath.Join(child, "record.json"), "read", unix.R_OK); err != nil {
		return err
	}
	return allowed(layout, filepath.Join(child, "events.jsonl"), "write", unix.R_OK|unix.W_OK)
}

// allowed asks for rights on a path. What is not there is made by who needs it.
func allowed(layout store.Layout, path, doing string, mode uint32) error {
	err := unix.Access(path, mode)
	if err == nil || errors.Is(err, fs.ErrNotExist) && path != layout.Root {
		return nil
	}
	return explain(layout, doing, path, err)
}

// closable sees that a directory is closed to others, or can be closed at the next start, which only its owner may do.
func closable(layout store.Layout, dir string) error {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() == 0o700 || os.Geteuid() == 0 {
		return nil //nolint:nilerr // what is not there is made, and closed by that
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return explain(layout, "close to others", dir, unix.EPERM)
	}
	return nil
}

// tryWriting writes a file that is never seen. A file system may allow it and yet have no room.
func tryWriting(dir string) (err error) {
	f, err := openProbe(dir)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	_, err = f.Write(make([]byte, probeSize))
	return err
}

// openProbe opens a file without a name; where the file system knows no such thing, one that loses its name at once.
func openProbe(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	switch {
	case err == nil:
		return os.NewFile(uintptr(fd), dir), nil
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENOENT):
		return openNamedProbe(dir)
	}
	return nil, err
}

func openNamedProbe(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, ".awo-*.tmp")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// InContainer tells whether this process runs in a container of Docker, Podman or Kubernetes.
func InContainer() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}

func mountAt(path string) mount {
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return mount{Point: path}
	}
	return mountOf(string(mountinfo), path)
}

// Passing tells why what is in the data directory goes with the container: in one, no volume is mounted there. Empty
// if it stays.
func Passing(layout store.Layout) string {
	if !InContainer() || mountAt(layout.Root).Point != "/" {
		return ""
	}
	return fmt.Sprintf("no volume is mounted at %s: orders and records are lost with the container; mount one, as by `-v awo-data:%[1]s`", layout.Root)
}
