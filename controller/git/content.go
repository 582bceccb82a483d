package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
)

// Neither the content of submodules nor that of files in Git LFS is fetched, nor could it be pushed. What a repository
// has of both stays as it is: work that changes it is refused.

// attributesName is the file in which a repository says which files Git LFS keeps.
const attributesName = ".gitattributes"

// Content is what a repository has beside what git itself holds.
type Content struct {
	// Submodules are the paths of other repositories. Sorted.
	Submodules []string
	// LFS are the attribute files that give files to Git LFS. Sorted.
	LFS []string
}

// Content looks at the base commit of a workspace that is checked out.
func (c *Client) Content(ctx context.Context, w Workspace) (Content, error) {
	p, err := c.open(w)
	if err != nil {
		return Content{}, err
	}
	entries, err := readIndex(p.Index, p.BaseCommit)
	if err != nil {
		return Content{}, fmt.Errorf("looking for submodules in %s: %w", w.Dir, err)
	}
	out := Content{Submodules: submodules(entries)}
	if hasAttributes(entries) {
		out.LFS, err = c.givingToLFS(ctx, p)
	}
	return out, err
}

// givingToLFS lists the attribute files of the base commit that have a filter lfs.
func (c *Client) givingToLFS(ctx context.Context, p place) ([]string, error) {
	k := p.onMirror("grep", "--text", "--files-with-matches", "-z", "-E", "-e", `^[^#].*[[:space:]]filter=lfs([[:space:]]|$)`,
		p.BaseCommit, "--", ":(glob)**/"+attributesName)
	k.most = maxListing
	list, err := c.list(ctx, k)
	if exit, ok := errors.AsType[*process.ExitError](err); ok && exit.ExitCode == 1 && exit.Stderr == "" {
		// That is how git grep says that it found nothing.
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for Git LFS in commit %s: %w", p.BaseCommit, err)
	}
	for i := range list {
		list[i] = strings.TrimPrefix(list[i], p.BaseCommit+":")
	}
	return list, nil
}

// supported refuses changes of files that Git LFS keeps. Taking one away, or moving it, changes no content.
func (c *Client) supported(ctx context.Context, p place, changes []change) error {
	kept, err := c.keptInLFS(ctx, p, changes)
	if err != nil || len(kept) == 0 {
		return err
	}
	const most = 5
	named := kept[:min(most, len(kept))]
	return failure.NewTerminal(v1alpha1.ReasonUnsupportedContent, fmt.Errorf(
		"the work changes %d file(s) that the repository keeps in Git LFS, whose content this controller neither fetches nor uploads: %q; "+
			"nothing was committed or pushed. Leave them out of the request and change them by hand, then run `awo retry`", len(kept), named))
}

// keptInLFS names the files with a content that the base does not have and that belongs into Git LFS, by the attributes
// that the work leaves.
func (c *Client) keptInLFS(ctx context.Context, p place, changes []change) ([]string, error) {
	known := map[string]bool{}
	for _, each := range changes {
		known[each.old] = true
	}
	var names []string
	for _, each := range changes {
		if !each.gone() && !each.link() && !known[each.new] {
			names = append(names, each.path)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	k := p.onTree("check-attr", "--cached", "-z", "--stdin", "filter")
	k.stdin = strings.NewReader(strings.Join(names, "\x00") + "\x00")
	list, err := c.list(ctx, k)
	if err != nil {
		return nil, fmt.Errorf("asking which files are kept in Git LFS: %w", err)
	}
	var out []string
	for triple := range slices.Chunk(list, 3) {
		if len(triple) == 3 && triple[2] == "lfs" {
			out = append(out, triple[0])
		}
	}
	return out, nil
}

// hasAttributes tells whether an index has an attribute file, which spares most repositories a process.
func hasAttributes(entries []entry) bool {
	return slices.ContainsFunc(entries, func(e entry) bool { return isAttributes(e.path) })
}

// isAttributes tells whether a path is that of an attribute file.
func isAttributes(name string) bool { return path.Base(name) == attributesName }

// submodules are the paths of an index that belong to other repositories.
func submodules(entries []entry) []string {
	var out []string
	for _, e := range entries {
		if e.submodule {
			out = append(out, e.path)
		}
	}
	return out
}

// blindIndex makes a copy of the index by which git takes submodules for unchanged: it would follow what the agent put
// into their directories, to see which commit they are at.
func (c *Client) blindIndex(ctx context.Context, p place, file string, links []string) error {
	if err := errors.Join(removeFile(file), removeFile(file+".lock")); err != nil {
		return err
	}
	if err := copyFile(p.Index, file); err != nil {
		return err
	}
	k := p.onWork("update-index", "-z", "--assume-unchanged", "--stdin")
	k.index, k.stdin = file, strings.NewReader(strings.Join(links, "\x00")+"\x00")
	_, err := c.run(ctx, k)
	return err
}

// replacedSubmodules lists, as git would, the submodules in whose place there is no directory any more.
func replacedSubmodules(p place, links []string) []string {
	var out []string
	for _, name := range links {
		info, err := os.Lstat(filepath.Join(p.Dir, filepath.FromSlash(name)))
		if err != nil || !info.IsDir() {
			out = append(out, "C "+name)
		}
	}
	return out
}

// filledSubmodules lists the directories of submodules that the agent has put something into. Git takes no notice of
// it, and it cannot be committed here.
func filledSubmodules(p place, s *selection, entries []entry) ([]string, error) {
	var out []string
	for _, e := range entries {
		if !e.submodule || !s.directory(path.Dir(e.path)) {
			continue
		}
		filled, err := hasEntry(filepath.Join(p.Dir, filepath.FromSlash(e.path)))
		if err != nil {
			return nil, err
		}
		if filled {
			out = append(out, e.path+"/")
		}
	}
	return out, nil
}

// hasEntry tells whether there is a directory, no link to one, that holds something.
func hasEntry(dir string) (bool, error) {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return false, ignoreMissing(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		return false, ignoreMissing(err)
	}
	defer func() { _ = f.Close() }()
	_, err = f.Readdirnames(1)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}
