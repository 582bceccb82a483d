package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// statusOf reads the status that a file shows.

func (w *world) statusOf(rel, name string) *v1alpha1.WorkOrderStatus {
	w.t.Helper()
	docs, problems := manifest.Parse([]byte(w.read(rel)))
	w.Expect(problems).To(BeEmpty())
	for _, d := range docs {
		if d.Name == name {
			return d.Object.Status
		}
	}
	w.t.Fatalf("%s has no order %s", rel, name)
	return nil
}

// projectOnce projects the current record of an order, if it has one.
func (w *world) projectOnce(name string) (store.Projection, error) {
	r, err := w.store.Current(name)
	if r == nil || err != nil {
		return store.Projection{}, err
	}
	return w.store.Project(r)
}

// project projects until nobody disturbs it.
func (w *world) project(name string) store.Projection {
	w.t.Helper()
	var out store.Projection
	w.Eventually(func() (err error) {
		out, err = w.projectOnce(name)
		return err
	}).Should(Succeed())
	return out
}

func TestProjectWritesTheStatusAndNothingElse(t *testing.T) {
	w := newWorld(t).watching()
	text := order("a", "one")
	w.write("a.yaml", text)
	w.becomes("a", store.Present)
	r := w.record("a", "a.yaml")
	w.Expect(w.project("a").Written).To(BeTrue())
	w.Expect(w.read("a.yaml")).To(HavePrefix(text), "every other byte stays")
	w.Expect(w.statusOf("a.yaml", "a").ID).To(Equal(r.ID))
	w.Expect(w.read("a.yaml")).NotTo(MatchRegexp("uid|creationTimestamp|resourceVersion"))
	w.Expect(w.project("a").Written).To(BeFalse(), "what it shows already is not written")

	w.update(r.ID, func(r *store.Record) {
		r.Status.Phase = v1alpha1.PhaseSucceeded
		r.Status.Conditions = append(r.Status.Conditions, condition("done: really"))
	})
	w.Expect(w.project("a").Written).To(BeTrue())
	w.Expect(w.statusOf("a.yaml", "a").Conditions).To(HaveLen(1))
	w.Eventually(func() *v1alpha1.WorkOrderStatus { return w.store.Lookup("a").StatusInFile }).
		Should(HaveField("Phase", v1alpha1.PhaseSucceeded))
	w.Expect(w.store.Lookup("a").Object.Status).To(BeNil(), "a status in the file is no input")
}

func TestOurOwnWritingIsNoChange(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(1)
	w.settle()
	before := w.changes.of("order-00")
	w.Expect(w.project("order-00").Written).To(BeTrue())
	w.settle()
	w.Expect(w.changes.of("order-00")).To(Equal(before))
}

func TestForeignStatusIsSetRight(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(1)
	w.project("order-00")
	good := w.read("order-00.yaml")
	for name, text := range map[string]string{
		"removed":           order("order-00", "work"),
		"an old one":        strings.Replace(good, "phase: Pending", "phase: Failed", 1),
		"one of the others": strings.Replace(good, "status:", "status:\n  color: red", 1),
	} {
		t.Run(name, func(t *testing.T) {
			w.WithT = NewWithT(t)
			before := w.changes.of("order-00")
			w.write("order-00.yaml", text)
			w.Eventually(func() int { return w.changes.of("order-00") }, 5*time.Second).Should(BeNumerically(">", before))
			w.Expect(w.project("order-00").Written).To(BeTrue())
			w.Expect(w.read("order-00.yaml")).To(Equal(good))
		})
	}
}

func TestStatusIsWrittenIntoTheRightDocument(t *testing.T) {
	w := newWorld(t).watching()
	w.write("two.yaml", order("a", "one")+"---\n"+order("b", "two"))
	w.becomes("b", store.Present)
	r := w.record("b", "two.yaml")
	w.project("b")
	w.Expect(w.statusOf("two.yaml", "a")).To(BeNil())
	w.Expect(w.statusOf("two.yaml", "b").ID).To(Equal(r.ID))
}

func TestBrokenFileIsNotWritten(t *testing.T) {
	w := newWorld(t).watching()
	w.orders(1)
	w.write("order-00.yaml", "kind: [")
	w.Expect(w.project("order-00")).To(Equal(store.Projection{Skipped: true}))
	w.Expect(w.read("order-00.yaml")).To(Equal("kind: ["))
	w.remove("order-00.yaml")
	w.Eventually(func() store.Projection { p, _ := w.projectOnce("order-00"); return p }).Should(Equal(store.Projection{Skipped: true}), "gone")
}

func TestModeAndLinkAreKept(t *testing.T) {
	w := newWorld(t)
	real := filepath.Join(t.TempDir(), "target.yaml")
	w.Expect(os.WriteFile(real, []byte(order("a", "one")), 0o640)).To(Succeed())
	w.Expect(os.Chmod(real, 0o662)).To(Succeed())
	if os.Getuid() == 0 {
		w.Expect(os.Chown(real, 1234, 4321)).To(Succeed())
	}
	w.Expect(os.Symlink(real, w.path("a.yaml"))).To(Succeed())
	w.watching()
	w.becomes("a", store.Present)
	w.record("a", "a.yaml")
	before, err := os.Stat(real)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(w.project("a").Written).To(BeTrue())
	link, err := os.Readlink(w.path("a.yaml"))
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(link).To(Equal(real))
	after, err := os.Stat(real)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(after.Mode()).To(Equal(before.Mode()))
	w.Expect(ownerOf(after)).To(Equal(ownerOf(before)))
	w.Expect(filepath.Glob(filepath.Join(filepath.Dir(real), ".awo-*"))).To(BeEmpty())
}

func TestStatusModes(t *testing.T) {
	tracked := func(context.Context, string) (map[string]bool, error) {
		return map[string]bool{"order-00.yaml": true}, nil
	}
	for name, c := range map[string]struct {
		options func(*store.Options)
		prepare func(w *world)
		reason  string
	}{
		"record":            {func(o *store.Options) { o.StatusMode = store.StatusRecord }, nil, v1alpha1.ReasonConfigured},
		"no checkout":       {func(o *store.Options) { o.Tracked = tracked }, nil, ""},
		"tracked":           {func(o *store.Options) { o.Tracked = tracked }, checkout, v1alpha1.ReasonTrackedByGit},
		"tracked, insisted": {func(o *store.Options) { o.Tracked, o.StatusMode = tracked, store.StatusManifest }, checkout, ""},
		"git fails": {func(o *store.Options) {
			o.Tracked = func(context.Context, string) (map[string]bool, error) { return nil, errors.New("git is broken") }
		}, checkout, v1alpha1.ReasonTrackedByGit},
		"read-only file":      {func(*store.Options) {}, func(w *world) { w.Expect(os.Chmod(w.path("order-00.yaml"), 0o444)).To(Succeed()) }, v1alpha1.ReasonNotWritable},
		"read-only directory": {func(*store.Options) {}, closeDirectory, "*"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.options).watching()
			w.orders(1)
			if c.prepare != nil {
				c.prepare(w)
			}
			before := w.read("order-00.yaml")
			p := w.project("order-00")
			if c.reason == "" {
				w.Expect(p.Written).To(BeTrue())
				return
			}
			w.Expect(p.Written).To(BeFalse())
			if c.reason != "*" {
				w.Expect(p.KeptOut).To(Equal(c.reason))
			}
			w.Expect(p.KeptOut).NotTo(BeEmpty())
			w.Expect(p.Message).To(ContainSubstring("awo get order-00"))
			w.Expect(w.read("order-00.yaml")).To(Equal(before))
		})
	}
}

func closeDirectory(w *world) {
	w.Expect(os.Chmod(w.path(""), 0o555)).To(Succeed())
	w.t.Cleanup(func() { w.Check(os.Chmod(w.path(""), 0o755)) })
}

// A status write that meets a save which no look has seen yet does not hide it: here the save changes one order and takes
// out another.
func TestSaveThatAStatusWriteTookInIsTold(t *testing.T) {
	w := newWorld(t, func(o *store.Options) { o.Debounce = 500 * time.Millisecond }).watching()
	w.write("two.yaml", order("a", "one")+"---\n"+order("b", "two"))
	w.becomes("b", store.Present)
	w.record("a", "two.yaml")
	w.record("b", "two.yaml")
	w.project("a")
	w.Eventually(w.project).WithArguments("b").Should(HaveField("Written", false))
	a, b := w.changes.of("a"), w.changes.of("b")
	w.write("two.yaml", order("a", "three"))
	w.Expect(w.project("a").Written).To(BeTrue())
	w.Eventually(func() int { return w.changes.of("a") }).Should(BeNumerically(">", a))
	w.Eventually(func() int { return w.changes.of("b") }).Should(BeNumerically(">", b))
	w.Expect(w.request("a")()).To(Equal("three"))
	w.becomes("b", store.Gone)
}
