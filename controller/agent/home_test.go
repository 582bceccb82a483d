package agent

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/hack/planted"
)

const conversation = "11111111-2222-4333-8444-555555555501"

// plant fills a home as an agent might leave it.
func plant(t *testing.T, home string, files ...string) {
	t.Helper()
	contents := map[string]string{}
	for _, name := range files {
		contents[name] = "planted"
	}
	planted.Files(t, home, contents)
}

// content lists the files and links of a directory.
func content(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			out = append(out, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func TestHomeKeepsOnlyConversations(t *testing.T) {
	g := NewWithT(t)
	home := t.TempDir()
	session := ".claude/projects/-workspace/" + conversation
	plant(t, home,
		".claude/settings.json", ".claude/settings.local.json", ".claude/CLAUDE.md", ".claude/.claude.json", ".claude/hooks/x.sh",
		".claude/plugins/p/plugin.json", ".claude/commands/c.md", ".claude/agents/a.md", ".claude/skills/s/SKILL.md",
		".claude/projects/settings.json", ".claude/projects/-workspace/memory/MEMORY.md", ".claude/projects/-workspace/CLAUDE.md",
		session+".jsonl", session+"/subagents/a.jsonl",
		".claude.json", ".bashrc", ".gitconfig", ".config/git/config", ".config/tool/config", ".cache/go/x", "CLAUDE.md")
	g.Expect(prepareHome(home)).To(Succeed())
	g.Expect(content(t, home)).To(Equal([]string{
		".cache/go/x", session + ".jsonl", session + "/subagents/a.jsonl", ".claude/settings.json", ".config/tool/config",
	}))
	data, err := os.ReadFile(filepath.Join(home, ".claude", "settings.json"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(data)).To(Equal(settings))
}

func TestHomeIsMade(t *testing.T) {
	g := NewWithT(t)
	home := filepath.Join(t.TempDir(), "agent-home", "wo-0a1b2c3d")
	g.Expect(prepareHome(home)).To(Succeed())
	g.Expect(prepareHome(home)).To(Succeed())
	g.Expect(content(t, home)).To(Equal([]string{".claude/settings.json"}))
}

// TestHomeFollowsNoLink plants links where the controller writes and removes; what they point to stays as it is.
func TestHomeFollowsNoLink(t *testing.T) {
	for name, link := range map[string]string{
		"configuration":  ".claude",
		"settings":       ".claude/settings.json",
		"projects":       ".claude/projects",
		"a project":      ".claude/projects/-workspace",
		"a conversation": ".claude/projects/-workspace/" + conversation + ".jsonl",
		"start file":     ".bashrc",
		"start folder":   ".config",
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			dir := t.TempDir()
			home, outside := filepath.Join(dir, "home"), filepath.Join(dir, "outside")
			plant(t, outside, "settings.json", "git/config", "file", conversation+".jsonl")
			g.Expect(os.MkdirAll(filepath.Dir(filepath.Join(home, link)), 0o750)).To(Succeed())
			g.Expect(os.Symlink(outside, filepath.Join(home, link))).To(Succeed())
			before := content(t, outside)
			g.Expect(prepareHome(home)).To(Succeed())
			g.Expect(content(t, outside)).To(Equal(before))
			for _, file := range before {
				data, err := os.ReadFile(filepath.Join(outside, file))
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(string(data)).To(Equal("planted"))
			}
			info, err := os.Lstat(filepath.Join(home, ".claude", "settings.json"))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(info.Mode().IsRegular()).To(BeTrue())
		})
	}
}

func TestHomeOpensWhatWasClosed(t *testing.T) {
	g := NewWithT(t)
	home := t.TempDir()
	plant(t, home, ".claude/plugins/deep/p.json")
	for _, dir := range []string{".claude/plugins/deep", ".claude/plugins", ".claude"} {
		g.Expect(os.Chmod(filepath.Join(home, dir), 0)).To(Succeed())
	}
	g.Expect(prepareHome(home)).To(Succeed())
	g.Expect(content(t, home)).To(Equal([]string{".claude/settings.json"}))
}

// TestHomeWithTreesDeeperThanPathsAreLong has what an agent dug where nothing of it may stay.
func TestHomeWithTreesDeeperThanPathsAreLong(t *testing.T) {
	g := NewWithT(t)
	home := t.TempDir()
	plant(t, home, ".config/git/config", ".claude/plugins/p")
	for _, dir := range []string{".config/git", ".claude", ".claude/plugins"} {
		planted.Deep(t, filepath.Join(home, dir), "d", 5000)
	}
	g.Expect(os.Chmod(filepath.Join(home, ".config"), 0)).To(Succeed())
	g.Expect(prepareHome(home)).To(Succeed())
	g.Expect(content(t, home)).To(Equal([]string{".claude/settings.json"}))
	info, err := os.Stat(filepath.Join(home, ".config"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Mode().Perm()).To(BeEquivalentTo(0o700), "its owner could not have emptied it")
}
