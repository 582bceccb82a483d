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
	g.Expect(changed).To(Equal(store.Repaired{Opened: 9, Narrowed: 2}))
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
	g.Expect(layout.RepairModes([]string{"wo-00000001", "wo-0000000f"})).To(Equal(store.Repaired{Opened: 1}))
}

// modesOf are the modes of paths, and sets them.
type modesOf struct {
	*WithT
	layout store.Layout
}

func newModes(t *testing.T) modesOf {
	t.Helper()
	g := NewWithT(t)
	s, err := store.Open(store.Options{DataDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	return modesOf{g, s.Layout()}
}

func (m modesOf) set(path string, mode fs.FileMode) { m.Expect(os.Chmod(path, mode)).To(Succeed()) }

func (m modesOf) of(path string) fs.FileMode {
	info, err := os.Lstat(path)
	m.Expect(err).NotTo(HaveOccurred())
	return info.Mode() &^ fs.ModeDir
}

func (m modesOf) repair() {
	_, err := m.layout.RepairModes(nil)
	m.Expect(err).NotTo(HaveOccurred())
}

func TestWhatIsOpenedToOthersIsClosedToThem(t *testing.T) {
	for name, c := range map[string]struct{ atStart, changed, want fs.FileMode }{
		"opened to all":                     {0o755, 0o777, 0o755},
		"opened to others":                  {0o755, 0o757, 0o755},
		"opened to the group":               {0o755, 0o775, 0o755},
		"open to the group, as was wanted":  {0o775, 0o777, 0o775},
		"with a group for new files":        {0o775 | fs.ModeSetgid, 0o777 | fs.ModeSetgid, 0o775 | fs.ModeSetgid},
		"closed":                            {0o755, 0, 0o755},
		"closed, and private before":        {0o750, 0, 0o750},
		"closed to its owner alone":         {0o755, 0o055, 0o755},
		"narrowed by its owner":             {0o755, 0o700, 0o700},
		"open to all from the beginning on": {0o777, 0o777, 0o775},
	} {
		t.Run(name, func(t *testing.T) {
			m := newModes(t)
			for _, dir := range []string{m.layout.Root, m.layout.WorkOrders(), m.layout.Repositories(), m.layout.Mirrors(), m.layout.Commands()} {
				m.set(dir, c.atStart)
				m.layout.RememberModes()
				m.set(dir, c.changed)
				m.repair()
				m.Expect(m.of(dir)).To(Equal(c.want), dir)
				m.set(dir, 0o755)
			}
		})
	}
}

func TestModesThatNobodyRemembers(t *testing.T) {
	m := newModes(t)
	for changed, want := range map[fs.FileMode]fs.FileMode{0: 0o755, 0o777: 0o775} {
		m.set(m.layout.WorkOrders(), changed)
		m.repair()
		m.Expect(m.of(m.layout.WorkOrders())).To(Equal(want))
	}
}

func TestFilesForEverybodyAreRepaired(t *testing.T) {
	m := newModes(t)
	for _, name := range []string{"server-address", ".ca-bundle.crt", ".policy.json", ".controller.lock"} {
		path := filepath.Join(m.layout.Root, name)
		m.Expect(os.WriteFile(path, nil, 0o644)).To(Succeed())
		for _, mode := range []fs.FileMode{0, 0o666} {
			m.set(path, mode)
			m.repair()
			m.Expect(m.of(path)).To(Equal(fs.FileMode(0o644)), name)
		}
	}
}

func TestManifestsAndObjectsAreClosedToOthers(t *testing.T) {
	m := newModes(t)
	manifest, object := filepath.Join(m.layout.WorkOrders(), "team/a.yaml"), filepath.Join(m.layout.Mirrors(), "app.git/objects/aa")
	for path, modes := range map[string][3]fs.FileMode{manifest: {0o664, 0o666, 0o664}, object: {0o444, 0o446, 0o444}} {
		m.Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
		m.Expect(os.WriteFile(path, nil, 0o600)).To(Succeed())
		m.set(path, modes[0])
		m.Expect(m.layout.RepairSharedModes()).To(BeZero())
		m.set(path, modes[1])
		m.set(filepath.Dir(path), 0o757)
		m.Expect(m.layout.RepairSharedModes()).To(Equal(store.Repaired{Narrowed: 2}))
		m.Expect(m.of(path)).To(Equal(modes[2]), path)
		m.Expect(m.of(filepath.Dir(path))).To(Equal(fs.FileMode(0o755)), path)
	}
}

func TestDropSetIDs(t *testing.T) {
	m := newModes(t)
	const id = "wo-00000001"
	closed := filepath.Join(m.layout.Workspace(id), "closed")
	outside := filepath.Join(t.TempDir(), "outside")
	m.Expect(os.MkdirAll(closed, 0o755)).To(Succeed())
	m.Expect(os.MkdirAll(m.layout.AgentHome(id), 0o755)).To(Succeed())
	files := []string{filepath.Join(closed, "a"), filepath.Join(m.layout.AgentHome(id), "b"), outside}
	for _, file := range files {
		m.Expect(os.WriteFile(file, nil, 0o600)).To(Succeed())
		m.set(file, 0o755|fs.ModeSetuid|fs.ModeSetgid)
	}
	m.Expect(os.Symlink(outside, filepath.Join(closed, "link"))).To(Succeed())
	m.set(closed, 0o055)
	m.Expect(m.layout.DropSetIDs(id)).To(Equal(2))
	m.Expect(m.layout.DropSetIDs(id)).To(BeZero())
	m.Expect(m.layout.DropSetIDs("wo-0000000f")).To(BeZero(), "there is none")
	for _, file := range files[:2] {
		m.Expect(m.of(file)).To(Equal(fs.FileMode(0o755)))
	}
	m.Expect(m.of(outside)).To(Equal(0o755|fs.ModeSetuid|fs.ModeSetgid), "no link is followed")
}
