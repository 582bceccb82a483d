//go:build crashpoints

package e2e_test

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// housekeepingPoints are passed by what is done beside orders; TestKilledWhileAPastRunIsRemoved dies at them.
var housekeepingPoints = []string{"past run taken away"}

func TestKilledWhileAPastRunIsRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	_, current := w.twoRuns()
	w.controller.stop()
	var err error
	w.binary, err = crashing()
	w.g.Expect(err).NotTo(HaveOccurred())
	env := w.env
	w.env = append(slices.Clone(env), "AWO_CRASH_AT="+housekeepingPoints[0], "AWO_RETAIN_OUTPUTS=1s")
	w.launch()
	w.g.Expect(w.controller.wait(30*time.Second)).To(BeTrue(), "it dies there")
	w.g.Expect(w.outputs()).To(ConsistOf(current.ID, HaveSuffix(".tmp")), "the run is no run any more, and not emptied yet")
	w.env = env
	w.start()
	w.g.Expect(w.outputs()).To(Equal([]string{current.ID}))
	w.g.Expect(w.statusIn("a.yaml").ID).To(Equal(current.ID))
}
