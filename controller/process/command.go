package process

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/agent-work-orders/awo/controller/process/environ"
)

// Command is a program to run.
type Command struct {
	// Path is the program. Without a slash it is looked up in the PATH of Env; a relative one with a slash is
	// relative to Dir.
	Path string
	// Args are the arguments after the program's name.
	Args []string
	// Dir is the working directory; empty means this process's.
	Dir string
	// Env is the whole environment, NAME=value. Nothing is inherited, also when it is nil.
	Env []string
	// Stdin is read by the program; nil is the end at once.
	Stdin io.Reader
	// ExtraFiles are inherited in order from descriptor 3 on. They stay open here.
	ExtraFiles []*os.File
	// Timeout ends the program; 0 means none. Not used by Supervise.
	Timeout time.Duration
	// MaxOutput is how many bytes of standard output are kept, by default 1 MiB. Not used by Supervise.
	MaxOutput int
	// Stdout, if set, gets the standard output instead of Result.Stdout. Not used by Supervise.
	Stdout io.Writer
}

// DefaultPath is searched when the environment has no PATH, as a shell would.
const DefaultPath = "/usr/local/bin:/usr/bin:/bin"

// name is what messages call the program. The arguments are left out: a URL or a path may tell too much.
func (c Command) name() string { return filepath.Base(c.Path) }

// check refuses what the kernel would refuse with an error that does not tell program from directory, or would
// understand as something else.
func (c Command) check() error {
	for _, text := range slices.Concat([]string{c.Path, c.Dir}, c.Args, c.Env) {
		if strings.Contains(text, "\x00") {
			return fmt.Errorf("start %s: a zero byte in its arguments or environment", filepath.Base(c.Path))
		}
	}
	if c.Dir == "" {
		return nil
	}
	switch info, err := os.Stat(c.Dir); {
	case err != nil:
		return &dirError{Name: c.name(), Err: err}
	case !info.IsDir():
		return &dirError{Name: c.name(), Err: &fs.PathError{Op: "chdir", Path: c.Dir, Err: errors.New("not a directory")}}
	}
	return nil
}

// dirError says that a program was not started because of its working directory. It wraps nothing, so that
// fs.ErrNotExist from a start always means the program.
type dirError struct {
	Name string
	Err  error
}

// Error names the program and the directory.
func (e *dirError) Error() string {
	return fmt.Sprintf("start %s in its working directory: %v", e.Name, e.Err)
}

// LookPath finds a program as a Command with this environment would. The error wraps fs.ErrNotExist, or
// fs.ErrPermission for a file that cannot be executed. A relative path
// with a slash is returned as it is: it is relative to a directory that is not known here.
func LookPath(name string, env []string) (string, error) {
	if filepath.IsAbs(name) && !executable(name) {
		return "", notExecutable(name)
	}
	if strings.Contains(name, "/") {
		return name, nil
	}
	path, found := environ.Lookup(env, "PATH")
	if !found {
		path = DefaultPath
	}
	for _, dir := range filepath.SplitList(path) {
		// A relative entry would find what a workspace brings along.
		if !filepath.IsAbs(dir) {
			continue
		}
		if candidate := filepath.Join(dir, name); executable(candidate) {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("%s is in no directory of PATH: %w", name, fs.ErrNotExist)
}

// notExecutable tells a missing file from one that cannot be executed.
func notExecutable(file string) error {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	return fmt.Errorf("%s is no executable file: %w", file, fs.ErrPermission)
}

func executable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// build makes the common part of an exec.Cmd.
func (c Command) build(cmd *exec.Cmd) error {
	if err := c.check(); err != nil {
		return err
	}
	path, err := LookPath(c.Path, c.Env)
	if err != nil {
		return fmt.Errorf("start %s: %w", c.name(), err)
	}
	cmd.Path = path
	cmd.Args = append([]string{c.Path}, c.Args...)
	cmd.Dir = c.Dir
	// A nil environment would be inherited.
	cmd.Env = append([]string{}, c.Env...)
	cmd.Stdin = c.Stdin
	cmd.ExtraFiles = c.ExtraFiles
	return nil
}
