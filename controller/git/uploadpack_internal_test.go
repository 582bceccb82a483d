package git

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

// theft is a data directory with the workspace of one order and the private repository of another.
type theft struct {
	t               *testing.T
	data            string
	client          *Client
	place           place
	private, secret string
}

// command runs git as an agent would.
func (s *theft) command(dir string, args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x"}
	out, err := cmd.CombinedOutput()
	NewWithT(s.t).Expect(err).NotTo(HaveOccurred(), string(out))
	return strings.TrimSpace(string(out))
}

// repository makes a repository with one commit and returns it.
func (s *theft) repository(dir, content string) string {
	s.t.Helper()
	s.command(s.data, "init", "-q", "-b", "main", dir)
	NewWithT(s.t).Expect(os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o600)).To(Succeed())
	s.command(dir, "add", "file")
	s.command(dir, "commit", "-qm", content)
	return s.command(dir, "rev-parse", "HEAD")
}

func newTheft(t *testing.T, mode sandbox.Mode) *theft {
	t.Helper()
	g := NewWithT(t)
	s := &theft{t: t, data: filepath.Join(t.TempDir(), "data")}
	g.Expect(os.MkdirAll(filepath.Join(s.data, "repositories"), 0o750)).To(Succeed())
	spawner, err := process.NewSpawner()
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(spawner.Close)
	environ := []string{"PATH=" + os.Getenv("PATH")}
	box, err := sandbox.New(sandbox.Options{Mode: mode, DataDir: s.data, Environ: environ, Root: os.Geteuid() == 0})
	g.Expect(err).NotTo(HaveOccurred())
	self, err := os.Executable()
	g.Expect(err).NotTo(HaveOccurred())
	s.client = New(Config{Path: "git", Spawner: spawner, Environment: environ, Self: self, Sandbox: box,
		Mirrors: filepath.Join(s.data, "repositories", ".mirrors")})
	s.private = filepath.Join(s.data, "repositories", "wo-11111111")
	s.secret = s.repository(s.private, "secret")
	public := filepath.Join(filepath.Dir(s.data), "public")
	w := Workspace{
		ID: "wo-22222222", URL: "file://" + public, Dir: filepath.Join(s.data, "repositories", "wo-22222222"),
		Index: filepath.Join(s.data, "repositories", ".index", "wo-22222222"), Branch: "awo/x", BaseBranch: "main",
		BaseCommit: s.repository(public, "public"),
	}
	g.Expect(s.client.Fetch(t.Context(), w.URL, w.ID, w.BaseCommit)).To(Succeed())
	g.Expect(s.client.Checkout(t.Context(), w)).To(Succeed())
	s.place, err = s.client.open(w)
	g.Expect(err).NotTo(HaveOccurred())
	return s
}

// stolen tells whether the private commit has come into the mirror that is pushed from.
func (s *theft) stolen() bool {
	pinned, err := s.place.mirror.pinned(s.place.ID, pinAgent)
	NewWithT(s.t).Expect(err).NotTo(HaveOccurred())
	return pinned == s.secret
}

// TestUploadPackInTheSandbox shows what stands behind the inspection of a workspace: if that overlooked something, the
// fetch would still read nothing of others. Unconfined each of these publishes the private commit.
func TestUploadPackInTheSandbox(t *testing.T) {
	if sandbox.LandlockABI() == 0 {
		t.Skip("the kernel offers no Landlock")
	}
	plants := map[string]string{
		"loose ref linked, with alternates": `cd .git && echo $PRIVATE/.git/objects >> objects/info/alternates &&
			ln -s $PRIVATE/.git/refs/heads/main refs/heads/x && echo "ref: refs/heads/x" > HEAD`,
		"packed refs linked, with alternates": `git -C $PRIVATE pack-refs --all && cd .git && echo $PRIVATE/.git/objects >> objects/info/alternates &&
			ln -sf $PRIVATE/.git/packed-refs packed-refs && echo "ref: refs/heads/main" > HEAD`,
		"alternates alone": `cd .git && echo $PRIVATE/.git/objects >> objects/info/alternates && echo $SECRET > HEAD`,
		"refs and objects linked": `cd .git && rm -r refs objects && ln -s $PRIVATE/.git/refs refs && ln -s $PRIVATE/.git/objects objects &&
			echo "ref: refs/heads/main" > HEAD`,
		"git directory linked": `rm -r .git && ln -s $PRIVATE/.git .git`,
	}
	for name, plant := range plants {
		for _, mode := range []sandbox.Mode{sandbox.Off, sandbox.Auto} {
			t.Run(name+", "+string(mode), func(t *testing.T) {
				g := NewWithT(t)
				s := newTheft(t, mode)
				cmd := exec.CommandContext(t.Context(), "sh", "-ec", plant)
				cmd.Dir = s.place.Dir
				cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "PRIVATE=" + s.private, "SECRET=" + s.secret}
				out, err := cmd.CombinedOutput()
				g.Expect(err).NotTo(HaveOccurred(), string(out))
				err = s.client.importHead(t.Context(), s.place)
				if mode == sandbox.Off {
					g.Expect(err).NotTo(HaveOccurred())
					g.Expect(s.stolen()).To(BeTrue(), "unconfined it works, or this shows nothing")
					return
				}
				g.Expect(err).To(HaveOccurred())
				g.Expect(s.stolen()).To(BeFalse())
			})
		}
	}
}

// A sandbox that cannot be entered is our failure, not the agent's, and nothing is fetched without it.
func TestUploadPackThatCannotBeConfined(t *testing.T) {
	if sandbox.LandlockABI() == 0 {
		t.Skip("the kernel offers no Landlock")
	}
	g := NewWithT(t)
	s := newTheft(t, sandbox.Auto)
	s.command(s.place.Dir, "commit", "-q", "--allow-empty", "-m", "work")
	g.Expect(os.Rename(filepath.Join(s.place.mirror.dir, "objects"), filepath.Join(s.place.mirror.dir, "moved"))).To(Succeed())
	g.Expect(os.Symlink("moved", filepath.Join(s.place.mirror.dir, "objects"))).To(Succeed())
	err := s.client.importHead(t.Context(), s.place)
	g.Expect(err).To(MatchError(ContainSubstring("could not be confined")))
	g.Expect(failure.Of(err, "none").Reason).To(Equal("none"), "it is tried again, and blamed on nobody")
	// A program that is not this binary does not confine; that git fetched all the same must not do.
	g.Expect(os.Remove(filepath.Join(s.place.mirror.dir, "objects"))).To(Succeed())
	g.Expect(os.Rename(filepath.Join(s.place.mirror.dir, "moved"), filepath.Join(s.place.mirror.dir, "objects"))).To(Succeed())
	impostor := filepath.Join(t.TempDir(), "awo")
	g.Expect(os.WriteFile(impostor, []byte("#!/bin/sh\nshift; exec git upload-pack \"$@\"\n"), 0o700)).To(Succeed())
	s.client.config.Self = impostor
	g.Expect(s.client.importHead(t.Context(), s.place)).To(MatchError(process.ErrNeverConfined))
}
