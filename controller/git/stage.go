package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
)

// staged is what was found in a work tree.
type staged struct {
	// tree is that of the index, "" when nothing changed.
	tree string
	// leftOut are the files that were left out on purpose. Sorted.
	leftOut []string
	// attributes tells that the index has an attribute file.
	attributes bool
}

// stagingTimeout bounds each call of git that reads the agent's files. It is far more than the largest trees take; what
// takes longer was made for it, such as patterns that match in exponential time.
const stagingTimeout = 5 * time.Minute

// onWork is a call that reads the files that the agent left.
func (p place) onWork(args ...string) call {
	k := p.onTree(args...)
	k.within = stagingTimeout
	return k
}

// stage brings what changed in the work tree since the parent commit into the controller's index. git add is not used:
// it runs git in submodules that it finds in the work tree, with their configuration. ls-files and update-index only
// look at files.
func (c *Client) stage(ctx context.Context, p place, parent string) (staged, error) {
	if err := c.readTree(ctx, p, parent); err != nil {
		return staged{}, err
	}
	entries, err := readIndex(p.Index, p.BaseCommit)
	if err != nil {
		return staged{}, err
	}
	if err := errors.Join(newSurvey(p.Dir, entries).tree(), c.checkCommittedAttributes(ctx, p, entries)); err != nil {
		return staged{}, err
	}
	s, err := c.choose(ctx, p, entries)
	if err != nil {
		return staged{}, err
	}
	ignored, err := c.updateIndex(ctx, p, s)
	if err != nil {
		return staged{}, err
	}
	filled, err := filledSubmodules(p, s, entries)
	if err != nil {
		return staged{}, err
	}
	out := staged{attributes: hasAttributes(entries) || slices.ContainsFunc(s.update, isAttributes)}
	out.leftOut = slices.Compact(slices.Sorted(slices.Values(slices.Concat(s.left(), ignored, filled))))
	if len(s.update)+len(s.remove) > 0 {
		out.tree, err = c.line(ctx, p.onTree("write-tree"))
	}
	return out, err
}

// choose decides about each path that changed.
func (c *Client) choose(ctx context.Context, p place, entries []entry) (*selection, error) {
	changed, err := c.changed(ctx, p, entries)
	if err != nil {
		return nil, err
	}
	s := newSelection(p.Dir)
	s.sum.limits = c.config.Limits
	for _, e := range changed {
		s.take(e)
	}
	return s, s.sum.judge()
}

// readTree sets the index to a commit, and keeps what it knows about unchanged files, so that they are not read. A
// damaged index is made from nothing.
func (c *Client) readTree(ctx context.Context, p place, commit string) error {
	if err := errors.Join(removeFile(p.Index+".lock"), os.MkdirAll(filepath.Dir(p.Index), 0o755)); err != nil {
		return err
	}
	if c.takeFresh(p) && commit == p.BaseCommit {
		return nil
	}
	_, err := c.run(ctx, p.onWork("read-tree", "--reset", commit))
	if _, timedOut, ok := said(err); !ok || timedOut {
		return err
	}
	if err := removeFile(p.Index); err != nil {
		return err
	}
	_, err = c.run(ctx, p.onWork("read-tree", "--reset", commit))
	return err
}

// changed lists what differs from the index, each with a letter for its kind: "? path", "C path".
func (c *Client) changed(ctx context.Context, p place, entries []entry) ([]string, error) {
	k := p.onWork("ls-files", "-z", "-t", "--others", "--modified", "--exclude-standard")
	k.most = maxListing
	links := submodules(entries)
	if len(links) == 0 {
		list, err := c.list(ctx, k)
		return list, tooMany(err)
	}
	k.index = p.Index + ".blind"
	err := c.blindIndex(ctx, p, k.index, links)
	if err != nil {
		return nil, errors.Join(tooMany(err), removeFile(k.index))
	}
	list, err := c.list(ctx, k)
	return append(list, replacedSubmodules(p, links)...), errors.Join(tooMany(err), removeFile(k.index))
}

// updateIndex stages what was selected. It returns paths that git does not take into an index, such as git~1.
func (c *Client) updateIndex(ctx context.Context, p place, s *selection) ([]string, error) {
	if len(s.remove) > 0 {
		k := p.onWork("update-index", "-z", "--force-remove", "--stdin")
		k.stdin = strings.NewReader(strings.Join(s.remove, "\x00") + "\x00")
		if _, err := c.run(ctx, k); err != nil {
			return nil, contentFailure(err)
		}
	}
	if len(s.update) == 0 {
		return nil, nil
	}
	k := p.onWork("update-index", "-z", "--add", "--remove", "--replace", "--stdin")
	k.stdin = strings.NewReader(strings.Join(s.update, "\x00") + "\x00")
	res, err := c.run(ctx, k)
	var ignored []string
	for line := range strings.SplitSeq(string(res.Stderr), "\n") {
		if name, ok := strings.CutPrefix(line, "Ignoring path "); ok {
			ignored = append(ignored, name)
		}
	}
	return ignored, contentFailure(err)
}

// contentFailure blames the agent when git gives up over a file, as over one that is not in the encoding that the
// attributes say, but not for troubles with the mirror.
func contentFailure(err error) error {
	const gaveUp = 128
	exit, ok := errors.AsType[*process.ExitError](err)
	if _, typed := errors.AsType[*failure.Error](err); typed || !ok || exit.TimedOut || exit.ExitCode != gaveUp || kindOf(exit.Stderr) == kindCorrupt {
		return err
	}
	return leftBehind(err)
}

// selection sorts the changed paths of a work tree.
type selection struct {
	root string
	// sum is what the changed files come to, before git reads any of them.
	sum tally
	// update are paths to stage as they are now, remove those that are gone.
	update, remove []string
	leftOut        map[string]bool
	// nested remembers whether a directory, or one above it, is a repository of its own, and which; solid whether it
	// and all above it are real directories.
	nested map[string]string
	solid  map[string]bool
}

func newSelection(root string) *selection {
	return &selection{
		root: root, leftOut: map[string]bool{}, nested: map[string]string{".": ""}, solid: map[string]bool{".": true},
	}
}

func (s *selection) left() []string {
	out := make([]string, 0, len(s.leftOut))
	for name := range s.leftOut {
		out = append(out, name)
	}
	return out
}

// take decides about one entry of git ls-files -t.
func (s *selection) take(entry string) {
	tag, name, _ := strings.Cut(entry, " ")
	untracked := tag == "?"
	switch {
	case name == "":
	case strings.HasSuffix(name, "/"):
		// Git shows a directory only when it is a repository.
		s.leftOut[name] = true
	case untracked && s.repository(path.Dir(name)) != "":
		s.leftOut[s.repository(path.Dir(name))+"/"] = true
	case claudeDir(name) != "":
		s.leftOut[claudeDir(name)] = true
	case !s.directory(path.Dir(name)):
		s.gone(name)
	default:
		s.takeFile(name)
	}
}

// takeFile decides about a path by what it is now.
func (s *selection) takeFile(name string) {
	info, err := os.Lstat(s.full(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.sum.add(name, 0)
		s.update = append(s.update, name)
	case err == nil && info.IsDir() && s.repository(name) != "":
		s.leftOut[name+"/"] = true
	case err == nil && info.IsDir():
		// A file has become a directory, whose files come by themselves.
		s.gone(name)
	case err != nil, secretFile(name), !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0:
		s.leftOut[name] = true
	default:
		s.sum.add(name, info.Size())
		s.makeReadable(name, info.Mode())
		s.update = append(s.update, name)
	}
}

// gone takes a path out of the index.
func (s *selection) gone(name string) {
	s.sum.add(name, 0)
	s.remove = append(s.remove, name)
}

// makeReadable lets git read a file. That it can't be done shows itself when git tries.
func (s *selection) makeReadable(name string, mode fs.FileMode) {
	const read = 0o400
	if mode.IsRegular() && mode.Perm()&read == 0 {
		_ = os.Chmod(s.full(name), mode.Perm()|read)
	}
}

// secretFile tells whether a path is an environment file such as .env or config/.env.local, or lies in a directory
// .env. Those are never added.
func secretFile(name string) bool {
	return strings.HasPrefix(path.Base(name), ".env") || strings.HasPrefix(name, ".env/") || strings.Contains(name, "/.env/")
}

// claudeDir returns the .claude directory that a path lies in, with a slash at the end, or "".
func claudeDir(name string) string {
	const dir = ".claude/"
	if strings.HasPrefix(name, dir) {
		return dir
	}
	if i := strings.Index(name, "/"+dir); i >= 0 {
		return name[:i+1+len(dir)]
	}
	return ""
}

func (s *selection) full(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

// repository returns the directory at or above dir that holds a .git, below the root, or "".
func (s *selection) repository(dir string) string {
	if known, ok := s.nested[dir]; ok {
		return known
	}
	found := s.repository(path.Dir(dir))
	if found == "" {
		if _, err := os.Lstat(s.full(dir + "/.git")); err == nil {
			found = dir
		}
	}
	s.nested[dir] = found
	return found
}

// directory tells whether dir and all above it are directories and not links.
func (s *selection) directory(dir string) bool {
	if known, ok := s.solid[dir]; ok {
		return known
	}
	info, err := os.Lstat(s.full(dir))
	s.solid[dir] = err == nil && info.IsDir() && s.directory(path.Dir(dir))
	return s.solid[dir]
}
