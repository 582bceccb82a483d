package store_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/store"
)

func TestRepairModes(t *testing.T) {
	g := NewWithT(t)
	layout, err := store.NewLayout(t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(layout.Create()).To(Succeed())
	objects := filepath.Join(layout.Mirrors(), "github.com/acme/app.git/objects/aa")
	for _, dir := range []string{objects, layout.Output("wo-00000001"), filepath.Join(layout.WorkOrders(), "team")} {
		g.Expect(os.MkdirAll(dir, 0o755)).To(Succeed())
	}
	object, record := filepath.Join(objects, "bb"), layout.RecordFile("wo-00000001")
	manifest, token := filepath.Join(layout.WorkOrders(), "team/a.yaml"), filepath.Join(layout.Root, "server-token")
	outside := filepath.Join(t.TempDir(), "outside")
	for file, mode := range map[string]fs.FileMode{object: 0o444, record: 0o600, manifest: 0o444, token: 0o600, outside: 0o400} {
		g.Expect(os.WriteFile(file, nil, mode)).To(Succeed())
	}
	g.Expect(os.Symlink(outside, filepath.Join(layout.Outputs(), "link"))).To(Succeed())
	g.Expect(layout.RepairAllModes()).To(BeZero(), "nothing is wrong yet")

	modes := func() map[string]fs.FileMode {
		found := map[string]fs.FileMode{}
		for _, path := range []string{
			layout.Root, layout.WorkOrders(), layout.Outputs(), layout.Repositories(), layout.Mirrors(), layout.AgentHomes(),
			objects, object, layout.Output("wo-00000001"), record, filepath.Dir(manifest), manifest, token, outside,
		} {
			info, err := os.Lstat(path)
			g.Expect(err).NotTo(HaveOccurred())
			found[path] = info.Mode().Perm()
		}
		return found
	}
	before := modes()
	for _, path := range []string{
		object, objects, record, layout.Output("wo-00000001"), manifest, filepath.Dir(manifest), layout.WorkOrders(), layout.Mirrors(), layout.Repositories(),
	} {
		g.Expect(os.Chmod(path, 0)).To(Succeed())
	}
	g.Expect(os.Chmod(layout.Outputs(), 0o777)).To(Succeed())
	g.Expect(os.Chmod(token, 0o666)).To(Succeed())
	changed, err := layout.RepairAllModes()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(changed).To(Equal(11))
	after := modes()
	// Rights of others are not known any more; what the owner needs is back.
	for path, mode := range before {
		needed := mode & 0o700
		g.Expect(after[path]&needed).To(Equal(needed), path)
	}
	g.Expect(after[layout.Outputs()]).To(Equal(fs.FileMode(0o700)))
	g.Expect(after[token]).To(Equal(fs.FileMode(0o600)))
	g.Expect(after[outside]).To(Equal(fs.FileMode(0o400)), "no link is followed")

	g.Expect(os.Chmod(record, 0)).To(Succeed())
	g.Expect(layout.RepairModes(nil)).To(BeZero())
	g.Expect(layout.RepairModes([]string{"wo-00000001", "wo-0000000f"})).To(Equal(1))
}
