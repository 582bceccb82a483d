package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// A record that cannot be trusted is told of everywhere, and keeps nothing else from being shown or run.
func TestDamagedRecordStandsInNobodysWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := "file://" + w.local("app", map[string]string{"README.md": "x\n"})
	agent := w.script("echo \"$AWO_WORK_ORDER\" > new.txt; echo did\n")
	w.start()
	w.drop("good.yaml", order("good", url, agent))
	w.drop("bad.yaml", order("bad", url, agent))
	w.ends("good.yaml", v1alpha1.PhaseSucceeded)
	record := filepath.Join(w.data, "outputs", w.ends("bad.yaml", v1alpha1.PhaseSucceeded).ID, "record.json")
	w.g.Expect(os.Truncate(record, 100)).To(Succeed())
	torn := w.read(record)

	const path = "/apis/awo.archon.dev/v1alpha1/workorders"
	var list struct {
		Items    []v1alpha1.WorkOrder
		Problems []struct{ Path, Message string }
	}
	w.g.Expect(w.get(path, &list)).To(Equal(http.StatusOK))
	w.g.Expect(list.Items).To(ConsistOf(HaveField("Name", "good"), HaveField("Name", "bad")))
	w.g.Expect(list.Problems).To(ContainElement(And(HaveField("Path", record), HaveField("Message", ContainSubstring("quarantine")))))
	var status metav1.Status
	w.g.Expect(w.get(path+"/bad", &status)).To(Equal(http.StatusInternalServerError))
	w.g.Expect(status.Message).To(ContainSubstring(record))

	out, err := w.run("get")
	w.g.Expect(err).NotTo(HaveOccurred(), out)
	w.g.Expect(out).To(And(ContainSubstring("good"), ContainSubstring("bad"), ContainSubstring(record)))
	w.drop("next.yaml", order("next", url, agent))
	w.ends("next.yaml", v1alpha1.PhaseSucceeded)
	w.g.Expect(w.read(record)).To(Equal(torn))

	// What the message advises works while the controller runs.
	w.g.Expect(os.Rename(filepath.Dir(record), filepath.Join(w.dir, "aside"))).To(Succeed())
	w.g.Expect(w.get(path+"/bad", &status)).To(Equal(http.StatusOK))
}
