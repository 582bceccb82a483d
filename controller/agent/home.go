package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/agent-work-orders/awo/controller/removal"
)

// configDir is claude's directory in the agent's home.
const configDir = ".claude"

// settings are what claude works with. Sessions are kept as long as an order may sleep.
const settings = `{"cleanupPeriodDays":3650}` + "\n"

// startFiles are read by shells and by git when an agent starts them; one that an agent left behind would act in
// the next phase.
var startFiles = []string{
	".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile", ".inputrc",
	".zshrc", ".zshenv", ".zprofile", ".zlogin", ".gitconfig", ".config/git", ".claude.json", "CLAUDE.md", "AGENTS.md",
}

// sessionName is how claude names the files of a conversation: by its UUID.
var sessionName = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(\.jsonl)?$`)

// prepareHome makes the agent's home as a phase is to find it: conversations are kept, everything else by which an
// earlier phase could steer a later one (settings, hooks, plugins, commands, memory, MCP servers) is removed, and the
// settings are written anew. The home belongs to whoever ran in it: no link is followed.
func prepareHome(dir string) error {
	if err := ownDirectory(dir); err != nil {
		return fmt.Errorf("make the agent's home: %w", err)
	}
	home, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the agent's home: %w", err)
	}
	err = resetHome(home)
	return errors.Join(wrap("prepare the agent's home "+dir, err), home.Close())
}

// prepareTemp makes the agent's directory for temporary files. What is in it stays for a session that is resumed.
func prepareTemp(dir string) error {
	if err := ownDirectory(dir); err != nil {
		return fmt.Errorf("make the agent's directory for temporary files: %w", err)
	}
	return nil
}

// ownDirectory makes sure that there is a directory that its owner can use: whatever else an earlier phase put in its
// place, a link first of all, is removed, and the mode is set right.
func ownDirectory(dir string) error {
	info, err := os.Lstat(dir)
	if err == nil && !info.IsDir() {
		if err := os.Remove(dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err == nil && info.IsDir() && info.Mode().Perm() != 0o700 {
		return os.Chmod(dir, 0o700)
	}
	return nil
}

// openWorkspace lets its owner into a workspace that an earlier phase closed. One that is missing is not made here.
func openWorkspace(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o700 == 0o700 {
		// That it is missing is said by who starts the agent in it.
		return nil //nolint:nilerr // see above
	}
	return wrap("open the workspace", os.Chmod(dir, info.Mode().Perm()|0o700))
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

func resetHome(home *os.Root) error {
	for _, name := range startFiles {
		if err := remove(home, name); err != nil {
			return err
		}
	}
	if err := keepOnly(home, configDir, func(e fs.DirEntry) bool { return e.IsDir() && e.Name() == "projects" }); err != nil {
		return err
	}
	projects := path.Join(configDir, "projects")
	if err := keepOnly(home, projects, fs.DirEntry.IsDir); err != nil {
		return err
	}
	entries, err := list(home, projects)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := keepOnly(home, path.Join(projects, e.Name()), isSession); err != nil {
			return err
		}
	}
	return writeSettings(home)
}

// isSession tells the files and directories of conversations from everything else, links included.
func isSession(e fs.DirEntry) bool {
	if !sessionName.MatchString(e.Name()) {
		return false
	}
	return e.IsDir() != strings.HasSuffix(e.Name(), ".jsonl") && (e.IsDir() || e.Type().IsRegular())
}

// keepOnly makes sure that the name is a directory and removes its entries that are not to be kept.
func keepOnly(home *os.Root, name string, keep func(fs.DirEntry) bool) error {
	info, err := home.Lstat(name)
	if err == nil && !info.IsDir() {
		if err := home.Remove(name); err != nil {
			return err
		}
	}
	if err := home.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := home.Chmod(name, 0o700); err != nil {
		return err
	}
	entries, err := list(home, name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if keep(e) {
			continue
		}
		if err := removeAll(home, path.Join(name, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// list reads a directory that Lstat has told to be one.
func list(home *os.Root, name string) ([]fs.DirEntry, error) {
	d, err := home.Open(name)
	if err != nil {
		return nil, err
	}
	entries, err := d.ReadDir(-1)
	return entries, errors.Join(err, d.Close())
}

// remove removes what may not be there. The way to it may lead over a link that leaves the home; then there is nothing
// of ours.
func remove(home *os.Root, name string) error {
	if parent := path.Dir(name); parent != "." {
		info, err := home.Lstat(parent)
		if errors.Is(err, fs.ErrNotExist) || (err == nil && !info.IsDir()) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return removeAll(home, name)
}

// removeAll also removes what was closed to its owner, or lies deeper than a path can be long.
func removeAll(home *os.Root, name string) error {
	parent := path.Dir(name)
	info, err := home.Lstat(parent)
	if err == nil && info.IsDir() && info.Mode().Perm()&0o700 != 0o700 {
		err = home.Chmod(parent, 0o700)
	}
	if err != nil {
		return err
	}
	dir, err := home.Open(parent)
	if err != nil {
		return err
	}
	return errors.Join(removal.Entry(dir, path.Base(name)), dir.Close())
}

// writeSettings makes a new file: the old one is gone, and an open of what appears in between fails.
func writeSettings(home *os.Root) error {
	f, err := home.OpenFile(path.Join(configDir, "settings.json"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(settings)
	return errors.Join(err, f.Close())
}
