package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Secrets finds what must not be published.
type Secrets interface {
	// Find returns where secrets begin and end in a text, the first one first.
	Find(text []byte) [][2]int
	// Longest is the length in bytes of the longest one, 0 when there is none to find.
	Longest() int
}

// Leak is where a secret stands.
type Leak struct {
	// Commit is the first of ours that has it. Path is the file; empty when it stands in the commit itself: message,
	// author or committer.
	Commit, Path string
	// Line is that of the file, from 1.
	Line int
}

// FindLeak looks for a secret in what a push of head would publish: each commit that the base does not have, and
// whatever file content those commits bring in, also what a later one takes away again. Nil: there is none.
func (c *Client) FindLeak(ctx context.Context, w Workspace, head string) (*Leak, error) {
	if c.config.Secrets == nil || c.config.Secrets.Longest() == 0 || head == w.BaseCommit {
		return nil, nil
	}
	p, err := c.open(w)
	if err != nil {
		return nil, err
	}
	leak, err := c.findLeak(ctx, p, head)
	if err != nil {
		return nil, fmt.Errorf("looking for secrets between %s and %s: %w", p.BaseCommit, head, err)
	}
	return leak, nil
}

func (c *Client) findLeak(ctx context.Context, p place, head string) (*Leak, error) {
	text, err := c.line(ctx, p.onMirror("rev-list", "--reverse", "--topo-order", head, "^"+p.BaseCommit, "--"))
	if err != nil {
		return nil, err
	}
	commits := strings.Fields(text)
	k := p.onMirror(slices.Concat(treeDiff, []string{"--stdin", "-t", "-m", "--root", "--raw", "--no-abbrev", "--always"})...)
	k.stdin = strings.NewReader(strings.Join(commits, "\n") + "\n")
	list, err := c.list(ctx, k)
	if err != nil {
		return nil, err
	}
	found, names, err := contents(list)
	if err != nil {
		return nil, err
	}
	for _, each := range names {
		if len(c.config.Secrets.Find([]byte(each.Path))) > 0 {
			// The path would tell the secret.
			return &Leak{Commit: each.Commit}, nil
		}
	}
	return c.searchObjects(ctx, p, commits, found)
}

// object is something to search, and what to say of it.
type object struct {
	name string
	leak Leak
	// before is what the file held in the parent, if it was there: a secret that stands in it is no news.
	before string
}

// contents reads what git diff-tree --stdin --raw -z printed: the contents that each commit brings in, and the names,
// whatever they stand for. What a commit only moves is no content, but has a new name.
func contents(list []string) (out []object, names []Leak, err error) {
	for len(list) > 0 {
		commit := strings.TrimSpace(list[0])
		var changes []change
		if changes, list, err = parseChanges(list[1:]); err != nil {
			return nil, nil, err
		}
		old := map[string]bool{}
		for _, each := range changes {
			old[each.old] = true
			out = append(out, brought(commit, each)...)
			if none(each.oldMode) {
				names = append(names, Leak{Commit: commit, Path: each.path})
			}
		}
		// A merge is printed once for each parent, and brings in nothing that one of them had.
		out = slices.DeleteFunc(out, func(o object) bool { return o.leak.Commit == commit && old[o.name] })
	}
	return out, names, nil
}

// brought is the content that one change of a commit brings in, if it is one.
func brought(commit string, c change) []object {
	if c.newMode == gitlink || c.newMode == directory || none(c.new) {
		return nil
	}
	o := object{name: c.new, leak: Leak{Commit: commit, Path: c.path}}
	if !none(c.old) {
		o.before = c.old
	}
	return []object{o}
}

// searchObjects reads the commits and contents one after the other, none of them whole.
func (c *Client) searchObjects(ctx context.Context, p place, commits []string, found []object) (*Leak, error) {
	objects := make([]object, 0, len(commits)+len(found))
	for _, commit := range commits {
		objects = append(objects, object{name: commit, leak: Leak{Commit: commit}})
	}
	objects = append(objects, found...)
	var names strings.Builder
	for _, o := range objects {
		if o.before != "" {
			names.WriteString(o.before + "\n")
		}
		names.WriteString(o.name + "\n")
	}
	s := &search{secrets: c.config.Secrets, objects: objects}
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := s.read(bufio.NewReaderSize(reader, searchChunk))
		_ = reader.CloseWithError(err)
		done <- err
	}()
	k := p.onMirror("cat-file", "--batch", "--buffer")
	k.stdin, k.stdout = strings.NewReader(names.String()), writer
	_, err := c.run(ctx, k)
	_ = writer.CloseWithError(err)
	if searchErr := <-done; searchErr != nil && !errors.Is(searchErr, errFound) {
		return nil, errors.Join(err, searchErr)
	}
	if s.leak != nil {
		return s.leak, nil
	}
	return nil, err
}

// searchChunk is how much of an object is looked at at once, in bytes.
const searchChunk = 64 << 10

// errFound ends a search that has found something.
var errFound = errors.New("found")

// search goes through what git cat-file --batch prints.
type search struct {
	secrets Secrets
	objects []object
	leak    *Leak
}

func (s *search) read(in *bufio.Reader) error {
	for _, o := range s.objects {
		var known map[string]int
		var err error
		if o.before != "" {
			if known, err = s.object(in, o.before); err != nil {
				return err
			}
		}
		found, err := s.object(in, o.name)
		if err != nil {
			return err
		}
		if line := firstNews(found, known); line > 0 {
			leak := o.leak
			if leak.Path != "" {
				leak.Line = line
			}
			s.leak = &leak
			return errFound
		}
	}
	return nil
}

// firstNews is the first line with a secret that is not among the known ones, 0 when there is none.
func firstNews(found, known map[string]int) int {
	first := 0
	for secret, line := range found {
		if known[secret] == 0 && (first == 0 || line < first) {
			first = line
		}
	}
	return first
}

// object reads one object to its end and returns the line on which each secret in it stands first.
func (s *search) object(in *bufio.Reader, name string) (lines map[string]int, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("reading object %s: %w", name, err)
		}
	}()
	header, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	f := strings.Fields(header)
	if len(f) != 3 || f[0] != name {
		return nil, fmt.Errorf("git printed %q", header)
	}
	size, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return nil, err
	}
	if lines, err = s.text(io.LimitReader(in, size)); err != nil {
		return nil, err
	}
	_, err = in.Discard(1)
	return lines, err
}

// text reads a text to its end and returns the line on which each secret stands first.
func (s *search) text(in io.Reader) (map[string]int, error) {
	lines := map[string]int{}
	line := 1
	var window []byte
	chunk := make([]byte, searchChunk)
	for {
		n, err := io.ReadFull(in, chunk)
		window = append(window, chunk[:n]...)
		for _, at := range s.secrets.Find(window) {
			if secret := string(window[at[0]:at[1]]); lines[secret] == 0 {
				lines[secret] = line + bytes.Count(window[:at[0]], []byte("\n"))
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		// A secret may stand across the border to the next piece.
		gone := max(0, len(window)-s.secrets.Longest()+1)
		line += bytes.Count(window[:gone], []byte("\n"))
		window = append(window[:0], window[gone:]...)
	}
}
