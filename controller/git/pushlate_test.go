package git_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/failure"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// A push that is refused because another one of the same commit has got there first, as one of a former life may, is done.
func TestPushThatArrivedByAnotherWay(t *testing.T) {
	w, ws, head := worked(t, githttp.Options{Token: token})
	w.hookNamed("update", `git update-ref "$1" "$3"; exit 1`)
	w.Expect(w.client.Push(t.Context(), ws, head, "")).To(Succeed())
	w.Expect(w.remote(ws.Branch)).To(Equal(head))
}

func TestPushMeetsALockedBranch(t *testing.T) {
	w, ws, head := worked(t, githttp.Options{Token: token})
	lock := filepath.Join(w.server.Dir("acme/app.git"), "refs", "heads", filepath.FromSlash(ws.Branch)+".lock")
	w.Expect(os.MkdirAll(filepath.Dir(lock), 0o755)).To(Succeed())
	w.Expect(os.WriteFile(lock, nil, 0o644)).To(Succeed())
	w.expectFailure(w.client.Push(t.Context(), ws, head, ""), failure.Retry, v1alpha1.ReasonPushRejected, "failed to update ref")
	w.Expect(os.Remove(lock)).To(Succeed())
	w.Expect(w.client.Push(t.Context(), ws, head, "")).To(Succeed())
}
