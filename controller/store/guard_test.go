package store

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestGuardHoldsMassDeletions(t *testing.T) {
	for name, c := range map[string]struct {
		view  guardView
		holds bool
	}{
		"nothing missing":               {guardView{Known: 10}, false},
		"all of five":                   {guardView{Known: 5, Missing: 5}, false},
		"all of six":                    {guardView{Known: 6, Missing: 6}, true},
		"just half of twelve":           {guardView{Known: 12, Missing: 6}, false},
		"more than half of twelve":      {guardView{Known: 12, Missing: 7}, true},
		"many, but not half":            {guardView{Known: 10000, Missing: 4000}, false},
		"one, in a directory unread":    {guardView{Known: 10, Missing: 1, Broken: "unreadable"}, true},
		"none, in a directory unread":   {guardView{Known: 10, Broken: "unreadable"}, true},
		"no order at all":               {guardView{}, false},
		"five of nine, more than half":  {guardView{Known: 9, Missing: 5}, false},
		"six of eleven, more than half": {guardView{Known: 11, Missing: 6}, true},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(c.view.holds()).To(Equal(c.holds))
		})
	}
}

func TestConfirmAtPutsOffWhileFilesVanishOneByOne(t *testing.T) {
	start := time.Unix(1000, 0)
	after := start.Add
	for name, c := range map[string]struct {
		view confirmView
		want time.Time
	}{
		"one":                         {confirmView{Since: start, Missing: 1, Latest: start}, after(10 * time.Second)},
		"five, the last one just now": {confirmView{Since: start, Missing: 5, Latest: after(9 * time.Second)}, after(10 * time.Second)},
		"six, the last one just now":  {confirmView{Since: start, Missing: 6, Latest: after(9 * time.Second)}, after(19 * time.Second)},
		"six at once":                 {confirmView{Since: start, Missing: 6, Latest: start}, after(10 * time.Second)},
		"ever more, but not for ever": {confirmView{Since: start, Missing: 600, Latest: after(10 * time.Minute)}, after(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(confirmAt(c.view, 10*time.Second)).To(Equal(c.want))
		})
	}
}

type guardStep struct {
	at      int
	missing []string
	known   int
	broken  string
	foreign string
	part    bool // not everything was listed
	want    map[string]Presence
}

func TestGuardOverTime(t *testing.T) {
	seven := []string{"a", "b", "c", "d", "e", "f", "g"}
	all := func(p Presence) map[string]Presence {
		out := map[string]Presence{}
		for _, name := range seven {
			out[name] = p
		}
		return out
	}
	for name, c := range map[string]struct {
		accept bool
		steps  []guardStep
	}{
		"deleted": {steps: []guardStep{
			{at: 0, missing: []string{"a"}, known: 3, want: map[string]Presence{"a": Missing}},
			{at: 9, missing: []string{"a"}, known: 3, want: map[string]Presence{"a": Missing}},
			{at: 10, missing: []string{"a"}, known: 3, want: map[string]Presence{"a": Gone}},
		}},
		"a look at one file confirms nothing": {steps: []guardStep{
			{at: 0, missing: []string{"a"}, known: 3, part: true, want: map[string]Presence{"a": Missing}},
			{at: 20, missing: []string{"a"}, known: 3, part: true, want: map[string]Presence{"a": Missing}},
			{at: 21, missing: []string{"a"}, known: 3, want: map[string]Presence{"a": Gone}},
		}},
		"back in between": {steps: []guardStep{
			{at: 0, missing: []string{"a"}, known: 3},
			{at: 5, known: 3},
			{at: 6, missing: []string{"a"}, known: 3},
			{at: 12, missing: []string{"a"}, known: 3, want: map[string]Presence{"a": Missing}},
			{at: 16, missing: []string{"a"}, known: 3, want: map[string]Presence{"a": Gone}},
		}},
		"a listing with errors counts for nothing": {steps: []guardStep{
			{at: 0, missing: []string{"a"}, known: 3, broken: "unread", want: map[string]Presence{"a": Held}},
			{at: 30, missing: []string{"a"}, known: 3, broken: "unread", want: map[string]Presence{"a": Held}},
			{at: 31, missing: []string{"a"}, known: 3, want: map[string]Presence{"a": Missing}},
			{at: 41, missing: []string{"a"}, known: 3, want: map[string]Presence{"a": Gone}},
		}},
		"mass deletion is held, and a part that stays away is not gone at once": {steps: []guardStep{
			{at: 0, missing: seven, known: 8, want: all(Held)},
			{at: 100, missing: seven, known: 8, want: all(Held)},
			{at: 101, missing: seven[:1], known: 8, want: map[string]Presence{"a": Missing}},
			{at: 110, missing: seven[:1], known: 8, want: map[string]Presence{"a": Missing}},
			{at: 111, missing: seven[:1], known: 8, want: map[string]Presence{"a": Gone}},
		}},
		"mass deletion, accepted at the start": {accept: true, steps: []guardStep{
			{at: 0, missing: seven, known: 8, want: all(Missing)},
			{at: 10, missing: seven, known: 8, want: all(Gone)},
		}},
		"another device, accepted at the start": {accept: true, steps: []guardStep{
			{at: 0, missing: seven[:1], known: 8, foreign: "another device", want: map[string]Presence{"a": Missing}},
			{at: 10, missing: seven[:1], known: 8, want: map[string]Presence{"a": Gone}},
		}},
		"an unread directory is not accepted": {accept: true, steps: []guardStep{
			{at: 0, missing: seven[:1], known: 8, broken: "unread", want: map[string]Presence{"a": Held}},
			{at: 20, missing: seven[:1], known: 8, broken: "unread", want: map[string]Presence{"a": Held}},
		}},
		"what vanishes after the start is not accepted": {accept: true, steps: []guardStep{
			{at: 0, known: 8},
			{at: 5, missing: seven, known: 8, want: all(Held)},
		}},
		"another device": {steps: []guardStep{
			{at: 0, missing: seven[:1], known: 8, foreign: "another device", want: map[string]Presence{"a": Held}},
		}},
		"another device with all in place": {steps: []guardStep{
			{at: 0, known: 8, foreign: "another device"},
		}},
		"what is confirmed does not count again": {steps: []guardStep{
			{at: 0, missing: seven[:4], known: 7},
			{at: 10, missing: seven[:4], known: 7, want: map[string]Presence{"a": Gone, "d": Gone}},
			{at: 11, missing: seven, known: 7, want: map[string]Presence{"a": Gone, "g": Missing}},
		}},
		"a slow rm -rf ends in the guard": {steps: []guardStep{
			{at: 0, missing: seven[:1], known: 10, part: true},
			{at: 3, missing: seven[:4], known: 10, part: true},
			{at: 6, missing: seven[:6], known: 10, part: true},
			{at: 12, missing: seven[:6], known: 10, want: map[string]Presence{"a": Held}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			guard := newGuard(c.accept, 10*time.Second)
			for _, step := range c.steps {
				now := time.Unix(int64(1000+step.at), 0)
				_, next := guard.take(census{
					now: now, missing: slices.Clone(step.missing), known: step.known,
					broken: step.broken, foreign: step.foreign, full: !step.part,
				})
				for name, want := range step.want {
					g.Expect(guard.presence(name)).To(Equal(want), "%s after %d s", name, step.at)
					if want == Missing {
						g.Expect(next).To(BeTemporally("~", now, time.Minute), "it must be looked at again")
					}
				}
			}
		})
	}
}

func TestGuardTellsWhoChanged(t *testing.T) {
	g := NewWithT(t)
	guard := newGuard(false, 10*time.Second)
	at := func(s int64, missing ...string) []string {
		changed, _ := guard.take(census{now: time.Unix(s, 0), missing: missing, known: 4, full: true})
		return changed
	}
	g.Expect(at(0)).To(BeEmpty())
	g.Expect(at(1, "a", "b")).To(ConsistOf("a", "b"), "vanished")
	g.Expect(at(2, "a", "b")).To(BeEmpty())
	g.Expect(at(3, "a")).To(ConsistOf("b"), "back")
	g.Expect(at(11, "a")).To(ConsistOf("a"), "gone")
	g.Expect(at(12, "a")).To(BeEmpty())
}
