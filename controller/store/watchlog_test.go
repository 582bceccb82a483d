package store

import (
	"errors"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
)

func TestFolderThatCannotBeListedIsLoggedOnce(t *testing.T) {
	g := NewWithT(t)
	var lines []string
	log := funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{})
	w := &watch{s: &Store{catalog: newCatalog(), guard: newGuard(false, time.Minute)}, log: log, told: map[string]bool{}}
	w.s.catalog.broken["team"] = trouble{err: errors.New("permission denied")}
	w.tell(nil)
	w.tell(nil)
	g.Expect(lines).To(ConsistOf(And(ContainSubstring(`"path"="team"`), ContainSubstring("permission denied"))))
	delete(w.s.catalog.broken, "team")
	w.tell(nil)
	w.tell(nil)
	g.Expect(lines).To(HaveLen(2))
	g.Expect(lines[1]).To(ContainSubstring("can be read again"))
}
