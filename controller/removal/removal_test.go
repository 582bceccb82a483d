package removal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/removal"
	"github.com/agent-work-orders/awo/hack/planted"
)

func TestRemoveTree(t *testing.T) {
	long := strings.Repeat("d", 200)
	for name, plant := range map[string]func(g *WithT, tree string){
		"nothing": func(*WithT, string) {},
		"a file":  func(g *WithT, tree string) { g.Expect(os.WriteFile(tree, nil, 0)).To(Succeed()) },
		"deep": func(g *WithT, tree string) {
			g.Expect(os.Mkdir(tree, 0o700)).To(Succeed())
			planted.Deep(t, tree, long, 30)
		},
		"very deep": func(g *WithT, tree string) {
			g.Expect(os.Mkdir(tree, 0o700)).To(Succeed())
			planted.Deep(t, tree, "d", 5000)
		},
		"closed from the top on": func(g *WithT, tree string) {
			planted.Files(t, tree, map[string]string{"a/b/c": "", "a/.awo-removed-1/x": "", ".awo-removed-1": "", ".awo-removed-2/x": ""})
			for _, closed := range []string{"a/b", "a/.awo-removed-1", "a", ".awo-removed-2", "."} {
				g.Expect(os.Chmod(filepath.Join(tree, closed), 0)).To(Succeed())
			}
		},
		"links": func(g *WithT, tree string) {
			planted.Files(t, tree, map[string]string{"a/b": ""})
			g.Expect(os.Symlink("../../kept", filepath.Join(tree, "a/link"))).To(Succeed())
			g.Expect(os.Symlink("..", filepath.Join(tree, "a/up"))).To(Succeed())
			g.Expect(os.Chmod(filepath.Join(tree, "a"), 0o500)).To(Succeed())
		},
		"a link": func(g *WithT, tree string) { g.Expect(os.Symlink("kept", tree)).To(Succeed()) },
	} {
		for how, remove := range map[string]func(tree string) error{"by its path": removal.Tree, "as an entry": removeEntry} {
			t.Run(name+" "+how, func(t *testing.T) {
				g := NewWithT(t)
				dir := t.TempDir()
				tree := filepath.Join(dir, "tree")
				planted.Files(t, dir, map[string]string{"kept/file": ""})
				plant(g, tree)
				g.Expect(remove(tree)).To(Succeed())
				_, err := os.Lstat(tree)
				g.Expect(err).To(MatchError(os.ErrNotExist))
				g.Expect(filepath.Join(dir, "kept/file")).To(BeAnExistingFile())
			})
		}
	}
}

func removeEntry(tree string) error {
	dir, err := os.Open(filepath.Dir(tree))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return removal.Entry(dir, filepath.Base(tree))
}

func TestWhatCannotBeRemovedIsNamed(t *testing.T) {
	NewWithT(t).Expect(removal.Tree("/proc/self/fd")).To(MatchError(ContainSubstring("removing fd: ")))
}
