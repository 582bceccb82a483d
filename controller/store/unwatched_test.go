package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

func TestWithoutWatches(t *testing.T) {
	g := NewWithT(t)
	s, err := Open(Options{DataDir: t.TempDir(), Rescan: 200 * time.Millisecond})
	g.Expect(err).NotTo(HaveOccurred())
	n := &notifier{watched: map[string]bool{}}
	n.degrade("", unix.EMFILE)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	seen := make(chan string, 10)
	go func() { ended <- s.run(ctx, func(name string) { seen <- name }, n) }()
	g.Expect(s.WaitSynced(ctx)).To(Succeed())
	text := "apiVersion: awo.archon.dev/v1alpha1\nkind: WorkOrder\nmetadata: {name: a}\nspec: {request: x, repository: {url: https://example.org/x}}\n"
	g.Expect(os.WriteFile(filepath.Join(s.layout.WorkOrders(), "a.yaml"), []byte(text), 0o644)).To(Succeed())
	g.Eventually(seen, 10*time.Second).Should(Receive(Equal("a")))
	cancel()
	g.Expect(<-ended).To(Succeed())
}

func TestLostEvents(t *testing.T) {
	for name, fail := range map[string]func(w *watch){
		"overflow":     func(w *watch) { w.failed(fsnotify.ErrEventOverflow, true) },
		"an error":     func(w *watch) { w.failed(unix.EIO, true) },
		"closed":       func(w *watch) { w.failed(nil, false) },
		"events ended": func(w *watch) { w.event(fsnotify.Event{}, false); w.failed(nil, false) },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			s, err := Open(Options{DataDir: t.TempDir()})
			g.Expect(err).NotTo(HaveOccurred())
			n := newNotifier(logr.Discard())
			defer n.close()
			w := &watch{s: s, notify: n, agenda: newAgenda()}
			w.agenda.set(taskList, s.clock.Now().Add(time.Hour))
			fail(w)
			at, planned := w.agenda.next()
			g.Expect(planned).To(BeTrue())
			g.Expect(at).To(BeTemporally("<", s.clock.Now().Add(time.Minute)))
		})
	}
}
