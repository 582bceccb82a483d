package retention_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/retention"
	"github.com/agent-work-orders/awo/controller/store"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestChoose(t *testing.T) {
	day := func(n int, bytes int64, unpushed bool) retention.Kept {
		return retention.Kept{ID: string(rune('0' + n)), Ended: now.Add(-time.Duration(n) * 24 * time.Hour), Bytes: bytes, Unpushed: unpushed}
	}
	past := []retention.Kept{day(1, 10, false), day(5, 10, true), day(3, 10, false), day(7, 10, false)}
	for name, tt := range map[string]struct {
		policy retention.Policy
		total  int64
		want   []string
	}{
		"all for ever":                         {retention.Policy{}, 1000, nil},
		"by age, unpushed or not":              {retention.Policy{Age: 4 * 24 * time.Hour}, 0, []string{"7", "5"}},
		"just as old as is kept":               {retention.Policy{Age: 5 * 24 * time.Hour}, 0, []string{"7"}},
		"by size, as little as needed":         {retention.Policy{Bytes: 90}, 100, []string{"7"}},
		"by size, but not what is unpushed":    {retention.Policy{Bytes: 80}, 100, []string{"7", "3"}},
		"small enough":                         {retention.Policy{Bytes: 100}, 100, nil},
		"live orders alone are too much":       {retention.Policy{Bytes: 1}, 100, []string{"7", "3", "1"}},
		"age makes room, size needs no more":   {retention.Policy{Age: 4 * 24 * time.Hour, Bytes: 80}, 100, []string{"7", "5"}},
		"age makes some room, size needs more": {retention.Policy{Age: 4 * 24 * time.Hour, Bytes: 70}, 100, []string{"7", "5", "3"}},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(retention.Choose(past, tt.total, tt.policy, now)).To(Equal(tt.want))
		})
	}
}

// workspaces notes which runs' workspaces were removed.
type workspaces struct {
	layout  store.Layout
	removed []string
	fail    error
}

func (w *workspaces) RemoveWorkspace(_ context.Context, r *store.Record) error {
	w.removed = append(w.removed, r.ID)
	if w.fail != nil {
		return w.fail
	}
	return os.RemoveAll(w.layout.Workspace(r.ID))
}

// sweep makes runs, the id of each telling what it is, sweeps them and returns which are left.
func sweep(t *testing.T, p retention.Policy, fail error) (left []string, w *workspaces, err error) {
	t.Helper()
	g := NewWithT(t)
	s, err := store.Open(store.Options{DataDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	week := &store.End{Phase: v1alpha1.PhaseFailed, At: metav1.NewTime(now.Add(-7 * 24 * time.Hour))}
	hour := &store.End{Phase: v1alpha1.PhaseFailed, At: metav1.NewTime(now.Add(-time.Hour))}
	for _, r := range []*store.Record{
		{ID: "wo-000000a1", Name: "a", Run: 1, End: week, CleanedUp: true},
		{ID: "wo-000000a2", Name: "a", Run: 2, End: week, CleanedUp: true},
		{ID: "wo-000000b1", Name: "b", Run: 1, End: week, CleanedUp: true, Deleted: true},
		{ID: "wo-000000c1", Name: "c", Run: 1, End: week},
		{ID: "wo-000000d1", Name: "d", Run: 1, End: hour, CleanedUp: true, Deleted: true},
		{ID: "wo-000000e1", Name: "e", Run: 1, End: hour, CleanedUp: true, Deleted: true},
	} {
		g.Expect(s.Create(r)).To(Succeed())
	}
	layout := s.Layout()
	g.Expect(os.WriteFile(layout.Bundle("wo-000000d1"), make([]byte, 1<<20), 0o600)).To(Succeed())
	g.Expect(os.MkdirAll(layout.Workspace("wo-000000b1"), 0o755)).To(Succeed())
	w = &workspaces{layout: layout, fail: fail}
	k := retention.Keeper{Store: s, Workspaces: w, Policy: p, Clock: clocktesting.NewFakePassiveClock(now)}
	err = k.Sweep(t.Context())
	found, globErr := filepath.Glob(filepath.Join(layout.Outputs(), "wo-*"))
	g.Expect(globErr).NotTo(HaveOccurred())
	for _, dir := range found {
		left = append(left, filepath.Base(dir))
	}
	return left, w, err
}

func TestSweep(t *testing.T) {
	all := []string{"wo-000000a1", "wo-000000a2", "wo-000000b1", "wo-000000c1", "wo-000000d1", "wo-000000e1"}
	for name, tt := range map[string]struct {
		policy retention.Policy
		left   []string
	}{
		"nothing is removed by default":                    {retention.Policy{}, all},
		"old ones, but no current and no live one":         {retention.Policy{Age: 24 * time.Hour}, []string{"wo-000000a2", "wo-000000c1", "wo-000000d1", "wo-000000e1"}},
		"all that are past":                                {retention.Policy{Age: time.Minute}, []string{"wo-000000a2", "wo-000000c1"}},
		"by size, but no bundle and no unpushed workspace": {retention.Policy{Bytes: 1}, []string{"wo-000000a2", "wo-000000b1", "wo-000000c1", "wo-000000d1"}},
		"there is room":                                    {retention.Policy{Bytes: 1 << 30}, all},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			left, w, err := sweep(t, tt.policy, nil)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(left).To(Equal(tt.left))
			g.Expect(w.removed).To(HaveLen(len(all)-len(left)), "workspaces go with their records")
		})
	}
}

// A record leads to its workspace, and stays as long as that does.
func TestSweepKeepsTheRecordOfAWorkspaceThatStays(t *testing.T) {
	g := NewWithT(t)
	left, w, err := sweep(t, retention.Policy{Age: time.Minute}, errors.New("busy"))
	g.Expect(err).To(MatchError(And(ContainSubstring("wo-000000b1"), ContainSubstring("busy"))))
	g.Expect(left).To(HaveLen(6))
	g.Expect(w.removed).To(HaveLen(4))
}
