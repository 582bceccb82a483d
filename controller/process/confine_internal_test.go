package process

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process/confined"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
	"github.com/agent-work-orders/awo/controller/process/supervisor"
)

// A process that cannot be confined does not become the program, and says at which step it failed.
func TestConfinedNotAtAll(t *testing.T) {
	if sandbox.LandlockABI() == 0 {
		t.Skip("the kernel offers no Landlock")
	}
	for name, c := range map[string]struct {
		spoil func(g *WithT, c *Confinement)
		step  string
		errno syscall.Errno
	}{
		"no ruleset": {step: confined.StepLandlock, errno: syscall.EBADFD, spoil: func(g *WithT, c *Confinement) {
			null, err := os.Open(os.DevNull)
			g.Expect(err).NotTo(HaveOccurred())
			_, c.ruleset = c.ruleset.Close(), null
		}},
		"no specification": {step: confined.StepSpec, errno: syscall.EIO, spoil: func(g *WithT, c *Confinement) {
			g.Expect(c.spec.Truncate(3)).To(Succeed())
		}},
		"unknown limit": {step: confined.StepLimits, errno: syscall.EINVAL, spoil: func(g *WithT, c *Confinement) {
			spec := confined.Spec{Path: "/bin/sh", Argv: []string{"sh"}, Limits: []confined.Limit{{Resource: 99}}}
			g.Expect(c.spec.Truncate(0)).To(Succeed())
			_, err := c.spec.WriteAt(spec.Encode(), 0)
			g.Expect(err).NotTo(HaveOccurred())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			dir := t.TempDir()
			s, err := NewSpawner()
			g.Expect(err).NotTo(HaveOccurred())
			defer s.Close()
			box, err := sandbox.New(sandbox.Options{Mode: sandbox.Auto, DataDir: filepath.Join(dir, "data"), Sockets: func() []string { return nil }})
			g.Expect(err).NotTo(HaveOccurred())
			stage, err := Confine(box.Rules(sandbox.Run{Write: []string{dir}}), "/bin/sh", []string{"sh", "-c", "touch ran"}, 0)
			g.Expect(err).NotTo(HaveOccurred())
			defer stage.Close()
			c.spoil(g, stage)
			_, err = s.Run(t.Context(), Command{Path: supervisor.Path, Args: []string{confined.Name}, Dir: dir, ExtraFiles: stage.Files()})
			g.Expect(err).To(MatchError(ContainSubstring("exit status 1")))
			failed := &confineError{}
			g.Expect(errors.As(stage.Outcome(), &failed)).To(BeTrue())
			g.Expect(failed.Step).To(Equal(c.step))
			g.Expect(failed.Err).To(Equal(c.errno))
			g.Expect(filepath.Join(dir, "ran")).NotTo(BeAnExistingFile())
		})
	}
}

func TestConfinedDirectoriesHaveToBeThere(t *testing.T) {
	if sandbox.LandlockABI() == 0 {
		t.Skip("the kernel offers no Landlock")
	}
	g := NewWithT(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	g.Expect(os.WriteFile(file, nil, 0o600)).To(Succeed())
	g.Expect(os.Symlink(dir, filepath.Join(dir, "link"))).To(Succeed())
	box, err := sandbox.New(sandbox.Options{Mode: sandbox.Auto, DataDir: dir, Sockets: func() []string { return nil }})
	g.Expect(err).NotTo(HaveOccurred())
	for _, own := range []string{"missing", "file", "link"} {
		_, err := Confine(box.Rules(sandbox.Run{Write: []string{filepath.Join(dir, own)}}), "/bin/sh", []string{"sh"}, 0)
		g.Expect(err).To(MatchError(ContainSubstring("could not be confined (preparing): grant "+dir)), own)
		g.Expect(errors.Is(err, fs.ErrNotExist)).To(BeFalse(), "that would mean the program")
	}
}

// Where the stage is started by somebody else, it says so and does nothing.
func TestConfinedStageWithoutAController(t *testing.T) {
	g := NewWithT(t)
	s, err := NewSpawner()
	g.Expect(err).NotTo(HaveOccurred())
	defer s.Close()
	result, err := s.Run(t.Context(), Command{Path: supervisor.Path, Args: []string{confined.Name, "/bin/true"}})
	g.Expect(err).To(HaveOccurred())
	g.Expect(string(result.Stderr)).To(And(HavePrefix(confined.Name+": "+confined.StepSpec), ContainSubstring("this is for the controller to start")))
}
