package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/agent-work-orders/awo/controller/crash"
)

// The git directories of mirrors and workspaces are written directly: they are a few plain files, and a git init
// and three git config for each would cost more than the rest of a checkout.

// section is a section of a git configuration: its name as it stands in brackets, and key, value, key, value.
type section struct {
	name   string
	values []string
}

// configText writes a configuration. All values are quoted.
func configText(sections []section) string {
	var b strings.Builder
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`)
	for _, s := range sections {
		fmt.Fprintf(&b, "[%s]\n", s.name)
		for i := 0; i+1 < len(s.values); i += 2 {
			fmt.Fprintf(&b, "\t%s = \"%s\"\n", s.values[i], quote.Replace(s.values[i+1]))
		}
	}
	return b.String()
}

// formatSections is the part of a configuration that tells the object format, known by the length of a name.
func formatSections(bare, objectName string) []section {
	core := section{name: "core", values: []string{
		"repositoryFormatVersion", "0", "fileMode", "true", "symlinks", "true", "ignoreCase", "false", "bare", bare,
	}}
	if len(objectName) != 64 {
		return []section{core}
	}
	core.values[1] = "1"
	return []section{core, {name: "extensions", values: []string{"objectFormat", "sha256"}}}
}

// noHousekeeping keeps git from packing and pruning on its own.
var noHousekeeping = []section{
	{name: "gc", values: []string{"auto", "0"}},
	{name: "maintenance", values: []string{"auto", "false"}},
}

// mirrorConfig is the configuration of a mirror. Nothing in it names the remote.
func mirrorConfig(base string) string {
	return configText(append(formatSections("true", base), noHousekeeping...))
}

// workspaceConfig is the configuration that an agent finds. The remote carries no credentials.
func workspaceConfig(w Workspace, url, name, email string) string {
	sections := append(formatSections("false", w.BaseCommit), noHousekeeping...)
	return configText(append(sections,
		section{name: `remote "origin"`, values: []string{"url", url, "fetch", "+refs/heads/*:refs/remotes/origin/*"}},
		section{name: "user", values: []string{"name", name, "email", email}},
	))
}

// writeGitDir makes a git directory of directories and files, in which contents are by slash-separated path.
func writeGitDir(dir string, files map[string]string) error {
	for _, sub := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags", "info"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(sub)), 0o755); err != nil {
			return err
		}
	}
	for name, content := range files {
		if err := replaceFile(filepath.Join(dir, filepath.FromSlash(name)), content); err != nil {
			return err
		}
	}
	return nil
}

// replaceFile puts a new file in place of whatever has its name, without following a link. A reader sees the old or
// the new content.
func replaceFile(file, content string) error {
	temp, err := os.CreateTemp(filepath.Dir(file), ".awo-*")
	if err != nil {
		return err
	}
	_, err = temp.WriteString(content)
	err = errors.Join(err, temp.Chmod(0o644), temp.Close())
	if err == nil {
		crash.At("git", file, "staged")
		err = os.Rename(temp.Name(), file)
		crash.At("git", file, "renamed")
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// readSmall reads a file of a git directory that can't be large.
func readSmall(file string) (string, error) {
	const limit = 64 << 10
	info, err := os.Lstat(file)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return "", &fs.PathError{Op: "read", Path: file, Err: errors.New("not a small plain file")}
	}
	data, err := os.ReadFile(file)
	return string(data), err
}
