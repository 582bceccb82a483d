package phase

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/store"
)

// fullDisk is Records whose first writes fail; half of one that fails at its very end is written.
type fullDisk struct {
	oneRecord
	fails, half int
	writes      int
}

func (d *fullDisk) Update(_ string, change func(*store.Record) error) (*store.Record, error) {
	d.writes++
	copied := *d.is
	copied.Status = *d.is.Status.DeepCopy()
	if err := change(&copied); err != nil {
		return nil, err
	}
	if d.writes <= d.fails {
		return nil, syscall.ENOSPC
	}
	*d.is = copied
	if d.writes <= d.fails+d.half {
		return nil, syscall.EIO
	}
	return d.is, nil
}

func (d *fullDisk) Insist(_ context.Context, _ *store.Record, write func() error) error {
	err := write()
	for err != nil {
		err = write()
	}
	return nil
}

func TestWhatAnAgentDidIsRecordedOnceWhenTheDiskHasRoomAgain(t *testing.T) {
	for name, disk := range map[string]fullDisk{
		"room": {}, "full": {fails: 3}, "failing at the end": {half: 1}, "both": {fails: 2, half: 2},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			disk.is = &store.Record{ID: "wo-00000001", Name: "a", Supervisor: &store.Process{PID: 1}}
			r := &Runner{Records: &disk}
			rec, err := r.recordRun(t.Context(), disk.is, v1alpha1.PhasePlanning, agent.Outcome{Text: "did it", CostUSD: 0.5}, true)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(rec).To(And(HaveField("Reported", v1alpha1.PhasePlanning), HaveField("Summary", "did it")))
			g.Expect(rec.Status.Usage.CostUSD).To(Equal("0.5000"), "counted once")
		})
	}
}

func TestPlanIsGivenUpOnlyWhenNoRoomMendsIt(t *testing.T) {
	g := NewWithT(t)
	r := &Runner{Layout: store.Layout{Root: t.TempDir()}, Records: &fullDisk{}}
	rec := &store.Record{ID: "wo-00000001", Name: "a"}
	g.Expect(r.writePlan(t.Context(), rec, "plan")).NotTo(Succeed(), "its directory is missing")
	g.Expect(filepath.Join(r.Layout.Root, "outputs")).NotTo(BeADirectory())
}
