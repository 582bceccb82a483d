package git_test

import (
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/hack/planted"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// What an agent dug while it planned is gone when it begins to implement; what it leaves then ends the order, once.
func TestTreesDeeperThanPathsAreLong(t *testing.T) {
	long := strings.Repeat("d", 200)
	w := newWorld(t, githttp.Options{})
	ws := w.create("a.git", map[string]string{"f": "1\n", "d/f": "1\n"})
	for _, dir := range []string{".", "d", ".git"} {
		planted.Deep(t, filepath.Join(ws.Dir, dir), long, 30)
	}
	w.Expect(w.client.Reset(t.Context(), ws)).To(Succeed())
	w.Expect(w.collect(ws).Files).To(BeZero())
	for _, dir := range []string{".", "d", ".git/refs"} {
		planted.Deep(t, filepath.Join(ws.Dir, dir), long, 30)
		_, err := w.client.Collect(t.Context(), ws, "m")
		w.expectFailure(err, failure.Terminal, v1alpha1.ReasonAgentFailed, "file name too long")
		w.Expect(len(err.Error())).To(BeNumerically("<", 1000))
		w.Expect(w.client.Checkout(t.Context(), ws)).To(Succeed())
	}
}
