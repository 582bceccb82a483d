package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// DataDirVariable marks every command that Run starts, and what that starts itself, such as git's helpers: they are
// nobody's children any more when the controller dies, and some hang on the network for long.
const DataDirVariable = "AWO_DATA_DIR_ID"

// Trace tells from a process whether a former life of the controller left it.
type Trace func(pid int) bool

// Mark has all commands that are started from now on carry a mark of the data directory, and returns the trace that
// finds those of a former life. It is called before the first Run.
func (s *Spawner) Mark(dataDir string) (Trace, error) {
	var stat unix.Stat_t
	if err := unix.Stat(dataDir, &stat); err != nil {
		return nil, fmt.Errorf("mark the processes of the data directory %s: %w", dataDir, err)
	}
	// Not the path: containers that see each other's processes call different directories by one name.
	s.mark = fmt.Sprintf("%s=%d:%d", DataDirVariable, stat.Dev, stat.Ino)
	return carries(s.mark), nil
}

// carries traces by an entry of the environment. That of a stranger cannot be read.
func carries(entry string) Trace {
	mark := []byte("\x00" + entry + "\x00")
	return func(pid int) bool {
		environ, err := os.ReadFile(inProc(pid, "environ"))
		return err == nil && bytes.Contains(slices.Concat([]byte{0}, environ, []byte{0}), mark)
	}
}

// Within traces what works in one of the directories or runs a program from there, whatever it did to its environment.
// A person's shell that stands there is not meant: unlike all that we start, it may gain privileges.
func Within(dirs ...string) Trace {
	return func(pid int) bool {
		return mayGainNothing(pid) && slices.ContainsFunc([]string{"cwd", "exe"}, func(link string) bool {
			return leadsBelow(inProc(pid, link), dirs)
		})
	}
}

// mayGainNothing tells a process with no_new_privs, which nobody gets rid of.
func mayGainNothing(pid int) bool {
	status, err := os.ReadFile(inProc(pid, "status"))
	return err == nil && bytes.Contains(status, []byte("\nNoNewPrivs:\t1\n"))
}

// leadsBelow tells that a link of /proc leads below one of the directories. A process in a container may call
// another file by that path, so what lies there has to be the very file.
func leadsBelow(link string, dirs []string) bool {
	path, err := os.Readlink(link)
	if err != nil || !slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(path, dir+"/") }) {
		return false
	}
	theirs, err := os.Stat(link)
	if err != nil {
		return false
	}
	ours, err := os.Stat(path)
	return err == nil && os.SameFile(theirs, ours)
}

func inProc(pid int, name string) string { return filepath.Join("/proc", strconv.Itoa(pid), name) }
