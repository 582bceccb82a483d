package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/process"
)

// checkNamedPaths refuses paths that the controller cannot do without and that lead nowhere. The programs of agents and of
// pull requests may be missing: they are said to be by the orders that need them, and others go on.
func (o *controllerOptions) checkNamedPaths() error {
	c := &o.config
	if strings.Contains(c.GitPath, "/") {
		if _, err := process.LookPath(c.GitPath, nil); err != nil {
			return fmt.Errorf("AWO_GIT_PATH (--git-path): %w; name the git program, or unset it for the git of PATH", err)
		}
	}
	if c.CommandsDir != "" {
		// The one in the data directory comes when somebody makes it, as on a new volume.
		later := strings.HasPrefix(c.CommandsDir, c.DataDir+"/")
		if err := isFolder(c.CommandsDir); err != nil && (!later || !errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("AGENT_WORK_ORDER_COMMANDS_DIR (--commands-dir): %w; make it, or unset it for the built-in prompts", err)
		}
	}
	return nil
}

// isFolder tells what is wrong with a folder that is to be read.
func isFolder(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return &fs.PathError{Op: "read", Path: path, Err: unix.ENOTDIR}
	}
	if err := unix.Access(path, unix.R_OK|unix.X_OK); err != nil {
		return &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return nil
}
