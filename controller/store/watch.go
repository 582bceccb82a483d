package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-logr/logr"
)

// Tasks of the watching loop. The rest of the key is a path relative to workorders/, empty for everything.
const (
	taskLook  = "look "
	taskList  = "list "
	taskSaved = "save"
)

// What is known of the files is saved for the next start soon after this one, and then now and then if it changed.
const (
	saveFirst = 5 * time.Second
	saveEvery = time.Minute
)

// watch is the loop that watches. Only its own goroutine touches it.
type watch struct {
	s       *Store
	log     logr.Logger
	changed func(name string)
	notify  *notifier
	agenda  *agenda
	told    map[string]bool // file problems that were logged
}

// Run watches the manifests until ctx ends. First everything is listed, and changed is called with the name of every
// order; from then on with every name that may stand differently, whatever came to pass: a look is due, no
// more is said. Calls come one at a time from one goroutine and should return quickly. The error is ctx's cause,
// or nil when ctx was simply cancelled.
func (s *Store) Run(ctx context.Context, changed func(name string)) error {
	log := logr.FromContextOrDiscard(ctx).WithName("store")
	return s.run(logr.NewContext(ctx, log), changed, newNotifier(log))
}

func (s *Store) run(ctx context.Context, changed func(name string), n *notifier) error {
	defer n.close()
	defer s.tracked.stop()
	log := logr.FromContextOrDiscard(ctx)
	w := &watch{s: s, log: log, changed: changed, notify: n, agenda: newAgenda(), told: map[string]bool{}}
	w.start(ctx)
	for w.wait(ctx) {
		w.work(ctx, w.agenda.due(s.clock.Now()))
	}
	s.saveCache(log)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("watch %s: %w", s.layout.WorkOrders(), cause)
	}
	return nil
}

func (w *watch) start(ctx context.Context) {
	for _, p := range w.s.recordProblems() {
		w.log.Info("Record is in quarantine", "path", p.Path, "workOrder", p.Name, "problem", p.Message)
	}
	w.notify.add(w.s.layout.tombstones())
	w.notify.add(w.s.layout.Root)
	w.agenda.set(taskSaved, w.s.clock.Now().Add(saveFirst))
	names := w.list(ctx, "")
	w.s.setSynced()
	tombs := slices.Collect(maps.Keys(w.s.tombstones()))
	w.tell(slices.Concat(names, w.s.Names(), tombs))
}

// wait waits for something to happen and puts it on the agenda. It returns when a task is due, false when ctx ended.
func (w *watch) wait(ctx context.Context) bool {
	for {
		var due <-chan time.Time
		at, planned := w.agenda.next()
		stop := func() bool { return false }
		if planned {
			timer := w.s.clock.NewTimer(at.Sub(w.s.clock.Now()))
			due, stop = timer.C(), timer.Stop
		}
		select {
		case <-ctx.Done():
			stop()
			return false
		case <-due:
			return true
		case event, ok := <-w.notify.events():
			w.event(event, ok)
		case err, ok := <-w.notify.errors():
			w.failed(err, ok)
		case <-w.s.touched.wake:
			w.takeTouched()
		}
		stop()
	}
}

func (w *watch) soon() time.Time { return w.s.clock.Now().Add(w.s.opts.Debounce) }

// event plans the look that an event asks for. What the event says does not matter.
func (w *watch) event(event fsnotify.Event, ok bool) {
	if !ok {
		w.lost(errors.New("the watch was closed"))
		return
	}
	looks, everything, order := w.s.route(event.Name)
	for _, rel := range looks {
		w.agenda.set(taskLook+rel, w.soon())
	}
	if everything {
		w.agenda.sooner(taskList, w.soon())
	}
	if order != "" {
		w.s.touched.name(order)
	}
}

// failed has everything listed: events may have been lost.
func (w *watch) failed(err error, ok bool) {
	switch {
	case !ok:
		w.lost(errors.New("the watch was closed"))
	case errors.Is(err, fsnotify.ErrEventOverflow):
		w.log.V(1).Info("Events were lost, everything is listed")
	default:
		w.log.Info("Watching failed, everything is listed", "error", err.Error())
	}
	w.agenda.sooner(taskList, w.soon())
}

func (w *watch) lost(err error) {
	w.notify.degrade(w.s.layout.WorkOrders(), err)
	w.notify.watcher = nil
}

func (w *watch) takeTouched() {
	files, orders := w.s.touched.take()
	for _, rel := range files {
		w.agenda.sooner(taskLook+rel, w.soon())
	}
	if len(orders) > 0 {
		names, next := w.s.census(false)
		w.listAgainAt(next)
		w.tell(append(orders, names...))
	}
}

// work does what is due, and then tells what may have changed.
func (w *watch) work(ctx context.Context, due []string) {
	var names []string
	lists := map[string]bool{}
	for _, key := range due {
		switch {
		case key == taskSaved:
			w.s.saveCache(w.log)
			w.agenda.set(taskSaved, w.s.clock.Now().Add(saveEvery))
		case strings.HasPrefix(key, taskLook):
			out, rel, list := w.s.lookAt(ctx, strings.TrimPrefix(key, taskLook))
			names = append(names, out.names...)
			w.plan(out)
			lists[rel] = lists[rel] || list
		default:
			lists[strings.TrimPrefix(key, taskList)] = true
		}
	}
	names = append(names, w.listAll(ctx, lists)...)
	if len(names) > 0 {
		more, next := w.s.census(false)
		w.listAgainAt(next)
		names = append(names, more...)
	}
	w.tell(names)
}

// listAll lists directories; a listing of everything covers the others.
func (w *watch) listAll(ctx context.Context, rels map[string]bool) (names []string) {
	if rels[""] {
		return w.list(ctx, "")
	}
	for rel, wanted := range rels {
		if wanted {
			names = append(names, w.list(ctx, rel)...)
		}
	}
	return names
}

// list lists a directory and plans what follows from that.
func (w *watch) list(ctx context.Context, rel string) []string {
	out, err := w.s.list(ctx, rel, false, w.notify.add)
	w.plan(out)
	if rel != "" {
		return out.names
	}
	w.logRoot(err)
	w.agenda.set(taskList, w.s.clock.Now().Add(w.rescan()))
	names, next := w.s.census(true)
	w.listAgainAt(next)
	if err == nil {
		w.notify.keep(w.wanted())
	}
	return append(out.names, names...)
}

// rescan is the time to the next listing of everything: shorter while nothing else tells of changes.
func (w *watch) rescan() time.Duration {
	if w.notify.blind {
		return w.s.opts.Rescan / 10
	}
	return w.s.opts.Rescan
}

// wanted is the directories to watch: those listed, and those that links lead to.
func (w *watch) wanted() map[string]bool {
	wanted := map[string]bool{w.s.layout.Root: true, w.s.layout.tombstones(): true}
	w.s.mu.RLock()
	defer w.s.mu.RUnlock()
	for dir := range w.s.catalog.dirs {
		wanted[dir] = true
	}
	for dir := range w.s.catalog.targets {
		if !w.notify.watched[dir] {
			w.notify.add(dir)
		}
		wanted[dir] = true
	}
	return wanted
}

func (w *watch) plan(out result) {
	for rel, after := range out.again {
		w.agenda.set(taskLook+rel, w.s.clock.Now().Add(after))
	}
}

func (w *watch) listAgainAt(next time.Time) {
	if !next.IsZero() {
		w.agenda.sooner(taskList, next)
	}
}

// tell reports names, each once.
func (w *watch) tell(names []string) {
	w.logHold()
	w.logUnread()
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if name != "" {
			w.logDuplicates(name)
			w.changed(name)
		}
	}
}
