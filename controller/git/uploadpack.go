package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/confined"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

// uploadPackArgs serve a repository as it is, and nothing within or above it.
var uploadPackArgs = []string{"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "upload-pack", "--strict"}

// server is the program that git fetches the agent's commits from. It reads what the agent wrote, so it may read no
// more than the agent's repository and what that borrows: a link that was overlooked then leads nowhere.
type server struct {
	// command is for the shell; git adds the repository to it.
	command string
	// files are what the command inherits.
	files []*os.File

	confinement *process.Confinement
}

// uploadPack prepares the server of a workspace.
func (c *Client) uploadPack(p place) (server, error) {
	program, err := process.LookPath(c.config.Path, c.base)
	if err != nil {
		return server{}, fmt.Errorf("finding git: %w", err)
	}
	rules := c.config.Sandbox.ReadOnly(sandbox.Run{Program: program, Read: append(borrowed(p), p.gitDir())})
	if rules == nil {
		return server{command: shellQuote(program) + " " + strings.Join(uploadPackArgs, " ")}, nil
	}
	confinement, err := process.Confine(rules, program, append([]string{"git"}, uploadPackArgs...), 0)
	if err != nil {
		return server{}, err
	}
	return server{
		command: shellQuote(c.config.Self) + " " + confined.Name,
		files:   confinement.Files(), confinement: confinement,
	}, nil
}

func (s server) close() {
	if s.confinement != nil {
		s.confinement.Close()
	}
}

// failure is why the server did not run as it should have, if that is what ended git. A fetch that went well without a
// server that was confined is a failure, too.
func (s server) failure(ended error) error {
	if s.confinement == nil {
		return nil
	}
	if err := s.confinement.Outcome(); err != nil && (ended == nil || !errors.Is(err, process.ErrNeverConfined)) {
		return err
	}
	return nil
}

// borrowed are the directories of other repositories that a workspace's repository needs.
func borrowed(p place) []string {
	if p.Full {
		return nil
	}
	return []string{filepath.Join(p.mirror.dir, "objects")}
}

// Borrowed returns the directories outside of the workspace that its repository needs to be read.
func (c *Client) Borrowed(w Workspace) ([]string, error) {
	p, err := c.open(w)
	if err != nil {
		return nil, err
	}
	return borrowed(p), nil
}
