package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
)

// Git opens some files of a work tree by their name, without asking what they are: the ignore and attribute files, and
// what tells whether a .git is a repository. At a named pipe it would wait until its time is up, and it keeps what it
// reads of them in memory. So the tree is looked at before git is.

// ignoreName is the file in which a directory says what git is not to take.
const ignoreName = ".gitignore"

// maxRules is how many bytes of rules, those of ignore and attribute files, the work may add to any one directory. Git
// keeps what holds for a directory in memory, at more than thirty times its size.
const maxRules = 1 << 20

// survey goes through a work tree before git does.
type survey struct {
	root string
	// known is how much the files of rules held at the checkout, by path: what a repository brings along is its own
	// matter.
	known map[string]int64
}

func newSurvey(root string, entries []entry) survey {
	s := survey{root: root, known: map[string]int64{}}
	for _, e := range entries {
		if isRules(path.Base(e.path)) {
			s.known[e.path] = e.size
		}
	}
	return s
}

// isRules tells whether git reads rules from files of this name.
func isRules(name string) bool { return name == ignoreName || name == attributesName }

// tree opens the directories that the agent closed, or what is in them would be taken for deleted, and refuses files
// that git must not open. It follows no link.
func (s survey) tree() error { return s.directory("", 0) }

// directory looks at a directory to which rules of so many bytes were added above.
func (s survey) directory(dir string, rules int64) error {
	full := s.full(dir)
	if err := openDirectory(full); err != nil {
		return err
	}
	entries, err := os.ReadDir(full)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if isRules(e.Name()) {
			if rules, err = s.add(path.Join(dir, e.Name()), rules); err != nil {
				return err
			}
		}
	}
	for _, e := range entries {
		if err := s.entry(path.Join(dir, e.Name()), e, rules); err != nil {
			return err
		}
	}
	return nil
}

func (s survey) entry(name string, e fs.DirEntry, rules int64) error {
	switch {
	case name == ".git":
		// The workspace's own was inspected; git works with ours.
		return nil
	case e.Name() == ".git":
		return s.repository(name)
	case e.IsDir():
		return s.directory(name, rules)
	}
	return nil
}

// add counts a file of rules. One that can't be looked at can't be opened either.
func (s survey) add(name string, rules int64) (int64, error) {
	info, err := os.Stat(s.full(name))
	switch {
	case err != nil || info.IsDir():
		return rules, nil //nolint:nilerr // as above
	case !info.Mode().IsRegular():
		return 0, blocking(name)
	}
	rules += max(0, info.Size()-s.known[name])
	return rules, checkRules(name, rules)
}

// checkRules bounds the rules that the agent added to those of the repository.
func checkRules(name string, rules int64) error {
	if rules <= maxRules {
		return nil
	}
	return failure.NewTerminal(v1alpha1.ReasonTooLarge, fmt.Errorf(
		"the work is too large: with %q the agent added %s of ignore and attribute files for one directory, and %s may be; "+
			"nothing was committed or pushed. Say in the request that such files are not wanted, then run `awo retry`",
		shortened(name), bytesOf(rules), bytesOf(maxRules)))
}

// checkCommittedAttributes counts the attribute files that the agent committed, all together: git reads them out of the
// index where they are gone from the work tree. Of a file with a size in the index the base commit has the same.
func (c *Client) checkCommittedAttributes(ctx context.Context, p place, entries []entry) error {
	var names, objects []string
	for _, e := range entries {
		if e.object != "" && e.size == 0 {
			names, objects = append(names, e.path), append(objects, e.object)
		}
	}
	if len(names) == 0 {
		return nil
	}
	k := p.onMirror("cat-file", "--buffer", "--batch-check=%(objectsize)")
	k.stdin = strings.NewReader(strings.Join(objects, "\n") + "\n")
	text, err := c.line(ctx, k)
	if err != nil {
		return err
	}
	var sum int64
	for i, size := range strings.Fields(text) {
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil || i >= len(names) {
			return fmt.Errorf("git printed %q where the sizes of %d objects were expected", text, len(names))
		}
		sum += n
		if err := checkRules(names[i], sum); err != nil {
			return err
		}
	}
	return nil
}

// repository looks at the .git of a nested repository, which git opens to see whether it is one.
func (s survey) repository(name string) error {
	gitDir, found := leadsTo(s.full(name))
	if !found {
		return nil
	}
	// Of a link in place of HEAD git reads only where it leads to.
	if info, err := os.Lstat(gitDir + "/HEAD"); err == nil && isSpecial(info.Mode()) {
		return blocking(name + " (HEAD)")
	}
	const most = 64 << 10
	info, err := os.Stat(gitDir + "/commondir")
	if err == nil && (isSpecial(info.Mode()) || info.Size() > most && !info.IsDir()) {
		return blocking(name + " (commondir)")
	}
	return nil
}

// leadsTo returns the directory that git takes for the repository behind a .git: itself, or the one that a file names.
// It is spelt as git would spell it, for .. after a link is not the directory before it.
func leadsTo(dotGit string) (dir string, found bool) {
	info, err := os.Stat(dotGit)
	if err != nil || !info.Mode().IsRegular() {
		return dotGit, err == nil && info.IsDir()
	}
	// Of files of /proc, which say that they are empty and have no end, git reads nothing either.
	const most = 1 << 20
	if info.Size() == 0 || info.Size() > most {
		return "", false
	}
	text, err := readStart(dotGit, info.Size())
	target, is := strings.CutPrefix(string(text), "gitdir: ")
	if err != nil || !is {
		return "", false
	}
	target, _, _ = strings.Cut(strings.TrimRight(target, "\r\n"), "\x00")
	if !strings.HasPrefix(target, "/") {
		target = filepath.Dir(dotGit) + "/" + target
	}
	return target, true
}

// readStart reads a file to no more than so many bytes.
func readStart(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, most))
	return text, errors.Join(err, f.Close())
}

// isSpecial tells whether a file is a pipe, a socket or a device.
func isSpecial(mode fs.FileMode) bool {
	return !mode.IsRegular() && !mode.IsDir() && mode&fs.ModeSymlink == 0
}

func (s survey) full(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

// blocking ends the order: no work needs such a file.
func blocking(name string) error {
	return leftBehind(fmt.Errorf("%q is a special file or too large, and git would not come to its end", shortened(name)))
}

// leftBehind blames the agent for files that the work can't be taken from.
func leftBehind(err error) error {
	return failure.NewTerminal(v1alpha1.ReasonAgentFailed, fmt.Errorf(
		"the agent left files that the work can't be taken from: %w; nothing was committed or pushed, see `awo logs` for what the agent did, "+
			"then retry", err))
}

// stagingFailure says which failures of staging lie in the files that the agent left, and would come again.
func stagingFailure(err error) error {
	if _, typed := errors.AsType[*failure.Error](err); typed {
		return err
	}
	_, timedOut, _ := said(err)
	switch {
	case timedOut:
		return leftBehind(fmt.Errorf("git did not get through them within %s: %w", stagingTimeout, err))
	case isTooLong(err):
		return leftBehind(withShortPath(err))
	}
	return err
}
