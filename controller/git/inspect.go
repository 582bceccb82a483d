package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
)

// inspect refuses a workspace through whose repository git could be led elsewhere. It is terminal: nothing that such a
// repository holds can be told from what it borrows.
func inspect(p place) error {
	err := plainDirectory(p.Dir, "the workspace")
	if err == nil {
		err = errors.Join(openDirectory(p.Dir), openTree(p.gitDir()))
	}
	if err == nil {
		err = plainDirectory(p.gitDir(), ".git")
	}
	if err == nil {
		err = plainContents(p.gitDir())
	}
	if err == nil {
		err = ownAlternates(p)
	}
	if err == nil {
		return nil
	}
	if isTooLong(err) {
		err = withShortPath(err)
	}
	return failure.NewTerminal(v1alpha1.ReasonAgentFailed, fmt.Errorf(
		"the agent left a repository in %s that is not read, for it could show foreign files: %w; nothing was committed or pushed, "+
			"see `awo logs` for what the agent did, then retry", p.Dir, err))
}

func plainDirectory(path, what string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is gone", what)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is %s and not a directory", what, nameOf(info.Mode()))
	}
	return nil
}

// nameOf says what kind of file a mode is.
func nameOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "a special file"
}

// forbidden are the entries of a repository that lead to another one.
var forbidden = map[string]string{
	"commondir":                    "names another repository",
	"gitdir":                       "names another repository",
	".git":                         "is a repository within the repository",
	"objects/info/http-alternates": "borrows objects from elsewhere",
}

// plainContents goes through the whole repository: only directories and files, and none that lead elsewhere.
func plainContents(gitDir string) error {
	return filepath.WalkDir(gitDir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(gitDir, file)
		if err != nil {
			return err
		}
		if reason, ok := forbidden[filepath.ToSlash(name)]; ok {
			return fmt.Errorf("%q %s", ".git/"+name, reason)
		}
		if !d.IsDir() && !d.Type().IsRegular() {
			return fmt.Errorf("%q is %s", ".git/"+name, nameOf(d.Type()))
		}
		return nil
	})
}

// ownAlternates checks that the repository borrows from its mirror and from nothing else.
func ownAlternates(p place) error {
	want := alternatesText(p.mirror)
	if p.Full {
		want = ""
	}
	text, err := readSmall(filepath.Join(p.gitDir(), "objects", "info", "alternates"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if text != want {
		return errors.New(`".git/objects/info/alternates" was changed`)
	}
	return nil
}

// agentHead reads what HEAD of the workspace names, without git; "" when that is not plainly to be seen.
func agentHead(gitDir string) string {
	text, err := readSmall(filepath.Join(gitDir, "HEAD"))
	if err != nil {
		return ""
	}
	value := strings.TrimSpace(text)
	if ref, ok := strings.CutPrefix(value, "ref: "); ok {
		if !strings.HasPrefix(ref, "refs/") || !filepath.IsLocal(filepath.FromSlash(ref)) {
			return ""
		}
		if value, err = readRef(gitDir, ref); err != nil {
			return ""
		}
	}
	if !isObjectName(value) {
		return ""
	}
	return value
}
