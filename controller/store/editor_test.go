package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/store"
)

var counter = regexp.MustCompile(`save-(\d+)`)

func TestEditorsSaveDuringProjectionIsNotLost(t *testing.T) {
	text := func(n int) string { return order("a", fmt.Sprintf("save-%d", n)) }
	for name, save := range map[string]func(path string, n int) error{
		"by rename": func(path string, n int) error {
			temp := filepath.Join(filepath.Dir(path), ".editor.swp")
			if err := os.WriteFile(temp, []byte(text(n)), 0o644); err != nil {
				return err
			}
			return os.Rename(temp, path)
		},
		"in place": func(path string, n int) error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
			if err != nil {
				return err
			}
			half := len(text(n)) / 2
			_, first := f.WriteString(text(n)[:half])
			_, second := f.WriteString(text(n)[half:])
			return errors.Join(first, second, f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).watching()
			w.write("a.yaml", text(0))
			w.becomes("a", store.Present)
			r := w.record("a", "a.yaml")
			const saves = 1500
			var done atomic.Bool
			var lost atomic.Int32
			var editor, writers sync.WaitGroup
			editor.Go(func() {
				for n := 1; n <= saves; n++ {
					w.Check(save(w.path("a.yaml"), n))
					// What was just saved, or a status added to it, is what is there: nobody else saves.
					if data, err := os.ReadFile(w.path("a.yaml")); err == nil {
						if m := counter.FindSubmatch(data); len(m) == 2 && string(m[1]) != fmt.Sprint(n) {
							lost.Add(1)
						}
					}
				}
				done.Store(true)
			})
			written := 0
			writers.Go(func() {
				for n := 0; !done.Load(); n++ {
					w.Check(ignoreMissing(w.store.Update(r.ID, func(r *store.Record) error {
						r.Status.Message = fmt.Sprintf("message %d", n)
						return nil
					})))
					p, err := w.projectOnce("a")
					if err != nil && !errors.Is(err, store.ErrBusy) {
						t.Error(err)
					}
					if p.Written {
						written++
					}
				}
			})
			editor.Wait()
			writers.Wait()
			w.Expect(w.read("a.yaml")).To(ContainSubstring(fmt.Sprintf("save-%d\n", saves)), "the last save")
			w.Eventually(w.request("a")).Should(Equal(fmt.Sprintf("save-%d", saves)))
			w.project("a")
			w.Expect(w.read("a.yaml")).To(ContainSubstring(fmt.Sprintf("save-%d\n", saves)))
			latest, err := w.store.Record(r.ID)
			w.Expect(err).NotTo(HaveOccurred())
			w.Expect(w.statusOf("a.yaml", "a").Message).To(Equal(latest.Status.Message))
			w.Expect(filepath.Glob(w.path(".awo-*"))).To(BeEmpty())
			t.Logf("%d saves, %d projections written, %d times another state was seen for a moment", saves, written, lost.Load())
		})
	}
}

func ignoreMissing(_ *store.Record, err error) error { return err }
