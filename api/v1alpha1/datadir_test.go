package v1alpha1_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// TestRepositoriesThatLeadIntoTheDataDir has an order's workspace in a data directory, and repositories beside it that git
// would follow to it.
func TestRepositoriesThatLeadIntoTheDataDir(t *testing.T) {
	const clean, never, late = "", "must not lie in the data directory", "late"
	cases := map[string]struct {
		files, links map[string]string
		want         string
	}{
		"plain":                         {map[string]string{"objects/ab/c": "", "refs/heads/main": ""}, nil, clean},
		"links within":                  {map[string]string{"own/ab/c": ""}, map[string]string{"objects": "own", "own/loop": ".."}, clean},
		"a worktree of a neighbour":     {map[string]string{".git": "gitdir: ../main/.git/worktrees/x\n"}, nil, clean},
		"borrows from a neighbour":      {map[string]string{"objects/info/alternates": "../../main/.git/objects\n\n# no path\n"}, nil, clean},
		"a source named objects":        {map[string]string{".git/HEAD": "", "objects/a.go": "", "refs/b.go": "", "commondir": ""}, nil, clean},
		"gitfile":                       {map[string]string{".git": "gitdir: DATA/repositories/wo-1/.git\n"}, nil, never},
		"relative gitfile":              {map[string]string{".git": "gitdir: ../data/repositories/wo-1/.git"}, nil, never},
		"gitfile to a gitfile":          {map[string]string{".git": "gitdir: ../via"}, nil, never},
		"gitfile past a link":           {map[string]string{".git": "gitdir: up/../repositories/wo-1/.git"}, map[string]string{"up": "../data/outputs"}, never},
		"gitfile in the way":            {map[string]string{".git/.git": "gitdir: x"}, nil, clean},
		"commondir":                     {map[string]string{"commondir": "../data/repositories/wo-1/.git\n"}, nil, never},
		"commondir of a linked .git":    {map[string]string{"g/commondir": "DATA/repositories/wo-1/.git\n"}, map[string]string{".git": "g"}, never},
		"alternates":                    {map[string]string{"objects/info/alternates": "/nowhere\nDATA/repositories/wo-1/.git/objects\n"}, nil, never},
		"quoted alternates":             {map[string]string{"objects/info/alternates": `"DAT\101/repositories/wo-1/.git/objects"` + "\n"}, nil, never},
		"alternates of alternates":      {map[string]string{"objects/info/alternates": "../../borrowing/objects\n"}, nil, never},
		"objects linked":                {nil, map[string]string{"objects": "../data/repositories/wo-1/.git/objects"}, never},
		"refs linked":                   {nil, map[string]string{".git/refs": "../../data/repositories/wo-1/.git/refs"}, never},
		"HEAD linked":                   {nil, map[string]string{"HEAD": "DATA/repositories/wo-1/.git/HEAD"}, never},
		"a directory of objects":        {nil, map[string]string{"objects/ab": "DATA/repositories/wo-1/.git/objects/ab"}, never},
		"a pack":                        {nil, map[string]string{"objects/pack/x.pack": "DATA/repositories/wo-1/.git/objects/pack/x.pack"}, never},
		"a branch":                      {nil, map[string]string{"refs/heads/main": "DATA/repositories/wo-1/.git/refs/heads/main"}, never},
		"objects that are itself":       {nil, map[string]string{"objects": ".", "pack/x.pack": "DATA/repositories/wo-1/x"}, never},
		"one object":                    {nil, map[string]string{"objects/ab/cd": "DATA/repositories/wo-1/.git/objects/ab/cd"}, late},
		"one object of an alternate":    {map[string]string{"objects/info/alternates": "../../loose/objects\n"}, nil, late},
		"gitfile longer than git reads": {map[string]string{".git": "gitdir: ../data/repositories\x00/more"}, nil, never},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			root := t.TempDir()
			data, repo := filepath.Join(root, "data"), filepath.Join(root, "repo")
			write := func(file, content string) {
				g.Expect(os.MkdirAll(filepath.Dir(file), 0o755)).To(Succeed())
				content = strings.ReplaceAll(strings.ReplaceAll(content, "DATA", data), `DAT\101`, strings.Replace(data, "/data", `/dat\141`, 1))
				g.Expect(os.WriteFile(file, []byte(content), 0o644)).To(Succeed())
			}
			link := func(target, name string) {
				g.Expect(os.MkdirAll(filepath.Dir(name), 0o755)).To(Succeed())
				g.Expect(os.Symlink(strings.ReplaceAll(target, "DATA", data), name)).To(Succeed())
			}
			g.Expect(os.Mkdir(repo, 0o755)).To(Succeed())
			write(filepath.Join(data, "repositories/wo-1/.git/HEAD"), "ref: refs/heads/main\n")
			g.Expect(os.Mkdir(filepath.Join(data, "outputs"), 0o755)).To(Succeed())
			write(filepath.Join(root, "via"), "gitdir: data/repositories/wo-1/.git\n")
			write(filepath.Join(root, "main/.git/worktrees/x/commondir"), "../..\n")
			write(filepath.Join(root, "borrowing/objects/info/alternates"), "DATA/repositories/wo-1/.git/objects\n")
			link("DATA/repositories/wo-1/x", filepath.Join(root, "loose/objects/ab/cd"))
			for name, content := range tc.files {
				write(filepath.Join(repo, name), content)
			}
			for name, target := range tc.links {
				link(target, filepath.Join(repo, name))
			}
			early := v1alpha1.CheckRepositoryURL(repo, v1alpha1.Policy{AllowFileRepositories: true, DataDir: data})
			atLast := v1alpha1.CheckFileRepository(repo, data)
			switch tc.want {
			case clean:
				g.Expect(early).NotTo(HaveOccurred())
				g.Expect(atLast).NotTo(HaveOccurred())
			case late:
				g.Expect(atLast).To(MatchError(ContainSubstring(never)))
			default:
				g.Expect(early).To(MatchError(ContainSubstring(tc.want)))
				g.Expect(atLast).To(MatchError(ContainSubstring(tc.want)))
			}
		})
	}
}

// What never ends is refused, and does not take forever.
func TestRepositoriesThatLeadOnAndOn(t *testing.T) {
	g := NewWithT(t)
	root := t.TempDir()
	for i := range 200 {
		dir := filepath.Join(root, strings.Repeat("x", i+1))
		g.Expect(os.Mkdir(dir, 0o755)).To(Succeed())
		g.Expect(os.WriteFile(filepath.Join(dir, "commondir"), []byte("../"+strings.Repeat("x", i+2)), 0o644)).To(Succeed())
	}
	policy := v1alpha1.Policy{AllowFileRepositories: true, DataDir: filepath.Join(root, "data")}
	g.Expect(v1alpha1.CheckRepositoryURL(filepath.Join(root, "x"), policy)).To(MatchError(ContainSubstring("stands alone")))
	g.Expect(os.MkdirAll(filepath.Join(root, "long/objects/info"), 0o755)).To(Succeed())
	long := []byte(strings.Repeat("# no path\n", 10000) + policy.DataDir + "\n")
	g.Expect(os.WriteFile(filepath.Join(root, "long/objects/info/alternates"), long, 0o644)).To(Succeed())
	g.Expect(v1alpha1.CheckRepositoryURL(filepath.Join(root, "long"), policy)).To(MatchError(ContainSubstring("stands alone")))
	g.Expect(os.MkdirAll(filepath.Join(root, "loops/objects"), 0o755)).To(Succeed())
	for _, name := range []string{"a", "b", "c"} {
		g.Expect(os.Symlink("..", filepath.Join(root, "loops/objects", name))).To(Succeed())
	}
	g.Expect(v1alpha1.CheckFileRepository(filepath.Join(root, "loops"), policy.DataDir)).To(Succeed())
}
