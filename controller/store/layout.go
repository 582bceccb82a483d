package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Layout knows where everything lies below the data directory. All its paths are absolute.
type Layout struct {
	// Root is the data directory: absolute, symlinks resolved.
	Root string
	// modes are shared by all copies; nil where nobody remembers any.
	modes *modes
}

// NewLayout makes a data directory's path absolute. Symlinks are resolved as far as the path exists, so that
// an agent's sandbox, git and we speak of the same files. Nothing is created.
func NewLayout(dataDir string) (Layout, error) {
	if dataDir == "" {
		return Layout{}, errors.New("no data directory is named: set --data-dir or AWO_DATA_DIR")
	}
	abs, err := filepath.Abs(dataDir)
	if err != nil {
		return Layout{}, fmt.Errorf("make the data directory %s absolute: %w", dataDir, err)
	}
	root, err := resolveExisting(abs)
	if err != nil {
		return Layout{}, fmt.Errorf("resolve the data directory %s: %w", abs, err)
	}
	return Layout{Root: root}, nil
}

// resolveExisting resolves the symlinks of the part of a path that exists.
func resolveExisting(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	parent, err := resolveExisting(filepath.Dir(path))
	return filepath.Join(parent, filepath.Base(path)), err
}

// WorkOrders is the watched directory.
func (l Layout) WorkOrders() string { return filepath.Join(l.Root, "workorders") }

// Repositories holds one workspace a run.
func (l Layout) Repositories() string { return filepath.Join(l.Root, "repositories") }

// Mirrors is the object cache that workspaces borrow from.
func (l Layout) Mirrors() string { return filepath.Join(l.Repositories(), ".mirrors") }

// Workspace is the work tree of a run.
func (l Layout) Workspace(id string) string { return filepath.Join(l.Repositories(), id) }

// Index is the controller's own git directory for the workspace of a run, out of the agent's reach.
func (l Layout) Index(id string) string { return filepath.Join(l.indexes(), id) }

func (l Layout) indexes() string { return filepath.Join(l.Repositories(), ".index") }

// Outputs holds what is kept of every run.
func (l Layout) Outputs() string { return filepath.Join(l.Root, "outputs") }

// Output is what is kept of one run.
func (l Layout) Output(id string) string { return filepath.Join(l.Outputs(), id) }

// RecordFile is the record of a run, the truth about it.
func (l Layout) RecordFile(id string) string { return filepath.Join(l.Output(id), "record.json") }

// nameFile repeats the order's name beside the record, so that a torn record still says whose it was.
func (l Layout) nameFile(id string) string { return filepath.Join(l.Output(id), ".name") }

// EventsFile lists what happened in a run, one JSON object a line.
func (l Layout) EventsFile(id string) string { return filepath.Join(l.Output(id), "events.jsonl") }

// Plan is the result of Planning.
func (l Layout) Plan(id string) string { return filepath.Join(l.Output(id), "plan.md") }

// PullRequestFile is the text of the pull request.
func (l Layout) PullRequestFile(id string) string {
	return filepath.Join(l.Output(id), "pull-request.md")
}

// Bundle holds the commits of a run that were not pushed.
func (l Layout) Bundle(id string) string { return filepath.Join(l.Output(id), "unpushed.bundle") }

// Prompts holds what the agent was told.
func (l Layout) Prompts(id string) string { return filepath.Join(l.Output(id), "prompts") }

// Transcripts holds what the agent said.
func (l Layout) Transcripts(id string) string { return filepath.Join(l.Output(id), "transcripts") }

// AgentHomes holds the homes of all agents.
func (l Layout) AgentHomes() string { return filepath.Join(l.Root, "agent-home") }

// AgentHome is HOME of the agents of a run.
func (l Layout) AgentHome(id string) string { return filepath.Join(l.AgentHomes(), id) }

// Temp is TMPDIR of the agents of a run.
func (l Layout) Temp(id string) string { return filepath.Join(l.AgentHome(id), "tmp") }

// Commands holds prompt templates that replace the built-in ones.
func (l Layout) Commands() string { return filepath.Join(l.Root, "commands") }

// Logs holds the controller's log.
func (l Layout) Logs() string { return filepath.Join(l.Root, "logs") }

// ControllerLog is the log that the controller writes now, former ones lie beside it.
func (l Layout) ControllerLog() string { return filepath.Join(l.Logs(), "controller.log") }

// ControllerLock is what the one controller of the data directory has locked; it says who that is.
func (l Layout) ControllerLock() string { return filepath.Join(l.Root, ".controller.lock") }

// TokenFile holds the token of the HTTP endpoint, which nobody else may read.
func (l Layout) TokenFile() string { return filepath.Join(l.Root, "server-token") }

// PolicyFile is what the controller that ran last allows.
func (l Layout) PolicyFile() string { return filepath.Join(l.Root, ".policy.json") }

func (l Layout) tombstones() string  { return filepath.Join(l.Outputs(), ".tombstones") }
func (l Layout) cacheFile() string   { return filepath.Join(l.Outputs(), ".index.jsonl") }
func (l Layout) memoryFile() string  { return filepath.Join(l.Outputs(), ".workorders.json") }
func (l Layout) writersLock() string { return filepath.Join(l.Root, ".manifests.lock") }

// Create makes what is missing of the layout. Directories are 0755, but outputs, agent-home and logs 0700, and
// those three are set right when they are not: they hold prompts, transcripts and credentials of agents. That
// workorders/ was missing is remembered: what it held is not deleted by that.
func (l Layout) Create() error {
	if err := rememberMissingRoot(l); err != nil {
		return fmt.Errorf("remember that %s was missing: %w", l.WorkOrders(), err)
	}
	for _, dir := range []string{l.Root, l.WorkOrders(), l.Repositories(), l.Mirrors(), l.Commands()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("create %s: %w", dir, err)
		}
	}
	for _, dir := range []string{l.Outputs(), l.AgentHomes(), l.Logs(), l.indexes(), l.tombstones()} {
		if err := makePrivate(dir); err != nil {
			return fmt.Errorf("create %s for nobody else's eyes: %w", dir, err)
		}
	}
	return nil
}

func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() == 0o700 {
		return err
	}
	return os.Chmod(dir, 0o700)
}
