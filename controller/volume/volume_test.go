package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/store"
)

func TestPrepareMakesAndLeavesNothingBehind(t *testing.T) {
	g := NewWithT(t)
	layout, err := Prepare(filepath.Join(t.TempDir(), "a", "b"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(layout.Outputs()).To(BeADirectory())
	g.Expect(Check(layout)).To(Succeed())
	for _, dir := range []string{layout.Root, layout.Outputs()} {
		g.Expect(filepath.Glob(filepath.Join(dir, ".awo-*"))).To(BeEmpty())
	}
}

func TestPrepareNamesAFileInTheWay(t *testing.T) {
	for name, path := range map[string]string{"the directory itself": "", "a part of it": "outputs", "one above it": ".."} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			root := filepath.Join(t.TempDir(), "above", "data")
			blocked := filepath.Join(root, path)
			g.Expect(os.MkdirAll(filepath.Dir(blocked), 0o755)).To(Succeed())
			g.Expect(os.WriteFile(blocked, nil, 0o600)).To(Succeed())
			_, err := Prepare(root)
			known, ok := errors.AsType[*Error](err)
			g.Expect(ok).To(BeTrue(), "%v", err)
			g.Expect(known.Facts).To(ContainSubstring(": not a directory; " + blocked + " belongs to "))
		})
	}
}

func TestExplainToVisitorKnowsNoFilesOfOurs(t *testing.T) {
	err := &fs.PathError{Op: "open", Path: "/data/.manifests.lock", Err: unix.EROFS}
	known, ok := errors.AsType[*Error](ExplainToVisitor(store.Layout{Root: "/data"}, err))
	g := NewWithT(t)
	g.Expect(ok).To(BeTrue())
	g.Expect(known.Facts).To(HavePrefix("cannot write into /data: read-only file system; "))
}

func TestExplainLeavesOtherErrorsAlone(t *testing.T) {
	layout := store.Layout{Root: "/data"}
	for name, err := range map[string]error{
		"no path":   fs.ErrPermission,
		"elsewhere": &fs.PathError{Op: "open", Path: "/etc/shadow", Err: unix.EACCES},
		"not there": &fs.PathError{Op: "open", Path: "/data/x", Err: unix.ENOENT},
	} {
		t.Run(name, func(t *testing.T) { NewWithT(t).Expect(Explain(layout, err)).To(BeIdenticalTo(err)) })
	}
}
