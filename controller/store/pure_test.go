package store

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

func TestJudgeDecidesWhenAFileIsBelieved(t *testing.T) {
	const debounce, badAfter = 20 * time.Millisecond, 5 * time.Second
	for name, c := range map[string]struct {
		glance glance
		act    bool
		again  time.Duration
	}{
		"good and quiet":                      {glance{Quiet: debounce}, true, 0},
		"good, just written":                  {glance{Quiet: 5 * time.Millisecond}, false, 15 * time.Millisecond},
		"changes while it is read":            {glance{Quiet: time.Hour, Changing: true}, false, debounce},
		"bad for a moment":                    {glance{Quiet: time.Second, Bad: true}, false, 4 * time.Second},
		"bad for just under the time":         {glance{Quiet: badAfter - 1, Bad: true}, false, 1},
		"bad for long":                        {glance{Quiet: badAfter, Bad: true}, true, 0},
		"good, but a writer is not done":      {glance{Quiet: time.Second, Busy: true}, false, debounce},
		"good, and a writer never ends":       {glance{Quiet: badAfter, Busy: true}, true, 0},
		"bad, and a writer is not done":       {glance{Quiet: time.Second, Busy: true, Bad: true}, false, debounce},
		"a writer, close to the end of trust": {glance{Quiet: badAfter - 3, Busy: true}, false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			act, again := judge(c.glance, debounce, badAfter)
			g.Expect(act).To(Equal(c.act))
			g.Expect(again).To(Equal(c.again))
		})
	}
}

func TestChooseOneOfTheFilesWithAName(t *testing.T) {
	at := func(path string, document int, good bool) candidate {
		return candidate{place: place{path, document}, Good: good}
	}
	for name, c := range map[string]struct {
		candidates []candidate
		recorded   place
		want       place
	}{
		"no record: first in byte order":         {[]candidate{at("b.yaml", 0, true), at("a.yaml", 0, true)}, place{}, place{"a.yaml", 0}},
		"byte order, not alphabet":               {[]candidate{at("a.yaml", 0, true), at("B.yaml", 0, true)}, place{}, place{"B.yaml", 0}},
		"the recorded path wins":                 {[]candidate{at("a.yaml", 0, true), at("b.yaml", 0, true)}, place{"b.yaml", 0}, place{"b.yaml", 0}},
		"the recorded path wins, broken":         {[]candidate{at("a.yaml", 0, true), at("b.yaml", 0, false)}, place{"b.yaml", 0}, place{"b.yaml", 0}},
		"the recorded document wins":             {[]candidate{at("a.yaml", 0, true), at("a.yaml", 2, true)}, place{"a.yaml", 2}, place{"a.yaml", 2}},
		"another document of the recorded path":  {[]candidate{at("a.yaml", 0, true), at("b.yaml", 3, true)}, place{"b.yaml", 1}, place{"b.yaml", 3}},
		"the recorded path is not among them":    {[]candidate{at("c.yaml", 0, true), at("b.yaml", 0, true)}, place{"a.yaml", 0}, place{"b.yaml", 0}},
		"a good one before one that never was":   {[]candidate{at("a.yaml", 0, false), at("b.yaml", 0, true)}, place{}, place{"b.yaml", 0}},
		"documents of a file in their order":     {[]candidate{at("a.yaml", 4, true), at("a.yaml", 3, true)}, place{}, place{"a.yaml", 3}},
		"ten is after nine, in one file":         {[]candidate{at("a.yaml", 10, true), at("a.yaml", 9, true)}, place{}, place{"a.yaml", 9}},
		"a subdirectory sorts by its whole path": {[]candidate{at("z/a.yaml", 0, true), at("y.yaml", 0, true)}, place{}, place{"y.yaml", 0}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			chosen := choose(c.candidates, c.recorded)
			g.Expect(c.candidates[chosen].place).To(Equal(c.want))
			g.Expect(otherPlaces(c.candidates, chosen)).NotTo(ContainElement(c.want))
		})
	}
}

// guardStep is a census some seconds after the start.

func TestKeptOut(t *testing.T) {
	for name, c := range map[string]struct {
		view   writeView
		reason string
	}{
		"written":                       {writeView{}, ""},
		"record by flag":                {writeView{Mode: StatusRecord}, v1alpha1.ReasonConfigured},
		"record by flag before others":  {writeView{Mode: StatusRecord, ReadOnly: true}, v1alpha1.ReasonConfigured},
		"read-only":                     {writeView{ReadOnly: true}, v1alpha1.ReasonReadOnly},
		"read-only, whatever the flag":  {writeView{Mode: StatusManifest, ReadOnly: true}, v1alpha1.ReasonReadOnly},
		"swapped as a whole":            {writeView{Swapped: true}, v1alpha1.ReasonReadOnly},
		"swapped as a whole, by flag":   {writeView{Mode: StatusManifest, Swapped: true}, ""},
		"write-protected":               {writeView{Closed: true}, v1alpha1.ReasonNotWritable},
		"write-protected, by flag":      {writeView{Mode: StatusManifest, Closed: true}, ""},
		"tracked by git":                {writeView{Tracked: true}, v1alpha1.ReasonTrackedByGit},
		"tracked by git, by flag":       {writeView{Mode: StatusManifest, Tracked: true}, ""},
		"git does not tell":             {writeView{Untold: errors.New("git is not there")}, v1alpha1.ReasonTrackedByGit},
		"git does not tell, by flag":    {writeView{Mode: StatusManifest, Untold: errors.New("x")}, ""},
		"read-only counts before git":   {writeView{ReadOnly: true, Tracked: true}, v1alpha1.ReasonReadOnly},
		"protection counts before git":  {writeView{Closed: true, Tracked: true}, v1alpha1.ReasonNotWritable},
		"manifest mode and all is well": {writeView{Mode: StatusManifest}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			c.view.Name, c.view.Path = "order", "a/order.yaml"
			out, is := keptOut(c.view)
			g.Expect(is).To(Equal(c.reason != ""))
			g.Expect(out.KeptOut).To(Equal(c.reason))
			if is {
				g.Expect(out.Message).To(And(ContainSubstring("a/order.yaml"), ContainSubstring("awo get order")))
			}
		})
	}
}

func TestKeptAccess(t *testing.T) {
	for name, c := range map[string]struct {
		mode  fs.FileMode
		owner ownership
		want  access
	}{
		"all kept":                     {0o640, ownership{SameOwner: true, SameGroup: true}, access{mode: 0o640, user: -1, group: -1}},
		"group lost":                   {0o664, ownership{SameOwner: true}, access{mode: 0o604, user: -1, group: 6}},
		"group lost, as everybody":     {0o644, ownership{SameOwner: true}, access{mode: 0o604, user: -1, group: -1}},
		"group lost, that had less":    {0o604, ownership{SameOwner: true}, access{mode: 0o604, user: -1, group: 0}},
		"owner lost, in the group":     {0o644, ownership{SameGroup: true, OwnerInGroup: true}, access{mode: 0o664, user: -1, group: -1}},
		"owner lost, not in the group": {0o600, ownership{SameGroup: true}, access{mode: 0o600, user: 6, group: -1}},
		"owner and group lost":         {0o640, ownership{}, access{mode: 0o600, user: 6, group: 4}},
		"an owner who could only read": {0o400, ownership{SameGroup: true, OwnerInGroup: true}, access{mode: 0o440, user: -1, group: -1}},
		"execution is not spread":      {0o755, ownership{SameGroup: true, OwnerInGroup: true}, access{mode: 0o775, user: -1, group: -1}},
		"nobody else gets anything":    {0o644, ownership{}, access{mode: 0o604, user: 6, group: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(keptAccess(c.mode, c.owner)).To(Equal(c.want))
		})
	}
}

// The kernel takes the list that is made for a former owner and group, and gives it back.
func TestAccessListForTheFormerOwner(t *testing.T) {
	const owner, group = 1111, 2222
	for name, c := range map[string]struct {
		access access
		former accessEntries
		want   accessEntries
	}{
		"a user": {access{mode: 0o604, user: 6, group: -1}, nil, accessEntries{
			{aclOwner, 6, nobody}, {aclUser, 6, owner}, {aclGroup, 0, nobody}, {aclMask, 6, nobody}, {aclOther, 4, nobody}}},
		"a group": {access{mode: 0o604, user: -1, group: 6}, nil, accessEntries{
			{aclOwner, 6, nobody}, {aclGroup, 0, nobody}, {aclNamedGroup, 6, group}, {aclMask, 6, nobody}, {aclOther, 4, nobody}}},
		"beside those named before": {access{mode: 0o600, user: 6, group: 0},
			accessEntries{{aclUser, 6, 3333}, {aclGroup, 0, nobody}, {aclNamedGroup, 7, 4444}, {aclMask, 4, nobody}},
			accessEntries{{aclOwner, 6, nobody}, {aclUser, 6, owner}, {aclUser, 4, 3333}, {aclGroup, 0, nobody}, {aclNamedGroup, 0, group},
				{aclNamedGroup, 4, 4444}, {aclMask, 6, nobody}, {aclOther, 0, nobody}}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			file := filepath.Join(t.TempDir(), "a.yaml")
			g.Expect(os.WriteFile(file, []byte("x"), 0o600)).To(Succeed())
			g.Expect(readList(file)).To(BeEmpty())
			g.Expect(os.Chmod(file, c.access.mode)).To(Succeed())
			g.Expect(unix.Setxattr(file, accessList, c.access.list(c.former, owner, group).encode(), 0)).To(Succeed())
			g.Expect(readList(file)).To(Equal(c.want))
			g.Expect(readList(file).mode(0o664)).To(Equal(fs.FileMode(0o604)), "not the mask, which the mode shows")
		})
	}
}

func TestMergeKeepsTheLastGoodState(t *testing.T) {
	good := func(index int, name, packed string) doc { return doc{index: index, name: name, packed: []byte(packed)} }
	stale := func(index int, name, packed string) doc {
		d := good(index, name, packed)
		d.stale = true
		if packed == "" {
			d.packed = nil
		}
		return d
	}
	for name, c := range map[string]struct {
		former, found, want []doc
	}{
		"empty now":                      {[]doc{good(0, "a", "1")}, nil, []doc{stale(0, "a", "1")}},
		"one of two broken":              {[]doc{good(0, "a", "1"), good(1, "b", "1")}, []doc{good(0, "a", "2"), {index: 1, name: "b"}}, []doc{good(0, "a", "2"), stale(1, "b", "1")}},
		"one of two broken beyond names": {[]doc{good(0, "a", "1"), good(1, "b", "1")}, []doc{good(0, "a", "2"), {index: 1}}, []doc{good(0, "a", "2"), stale(1, "b", "1")}},
		"moved within the file":          {[]doc{good(0, "a", "1")}, []doc{{index: 0, name: "x"}, {index: 1, name: "a"}}, []doc{stale(0, "x", ""), stale(1, "a", "1")}},
		"never good":                     {nil, []doc{{index: 0, name: "a"}}, []doc{stale(0, "a", "")}},
		"taken out beside a broken one":  {[]doc{good(0, "a", "1"), good(1, "b", "1")}, []doc{{index: 0, name: "a"}}, []doc{stale(0, "a", "1")}},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(merge(c.former, reading{docs: c.found})).To(Equal(c.want))
		})
	}
}

func TestQuietFor(t *testing.T) {
	wall, now := time.Unix(1000, 0), time.Unix(5, 0)
	at := stamp{Ctime: time.Unix(990, 0).UnixNano()}
	for name, c := range map[string]struct {
		at        stamp
		firstSeen time.Time
		want      time.Duration
	}{
		"by the file system":                 {at, now, 10 * time.Second},
		"by our own clock":                   {at, now.Add(-time.Minute), time.Minute},
		"a file system ahead of us":          {stamp{Ctime: time.Unix(2000, 0).UnixNano()}, now, 0},
		"a file system ahead of us, watched": {stamp{Ctime: time.Unix(2000, 0).UnixNano()}, now.Add(-time.Second), time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(c.at.quietFor(wall, c.firstSeen, now)).To(Equal(c.want))
		})
	}
}

func TestAgenda(t *testing.T) {
	g := NewWithT(t)
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	a := newAgenda()
	_, planned := a.next()
	g.Expect(planned).To(BeFalse())
	a.set("moved later", at(1))
	a.set("first", at(2))
	a.set("moved later", at(5))
	a.sooner("first", at(3))
	a.sooner("pulled in", at(9))
	a.sooner("pulled in", at(4))
	next, _ := a.next()
	g.Expect(next).To(Equal(at(2)))
	g.Expect(a.due(at(1))).To(BeEmpty())
	g.Expect(a.due(at(4))).To(Equal([]string{"first", "pulled in"}))
	g.Expect(a.due(at(5))).To(Equal([]string{"moved later"}))
	_, planned = a.next()
	g.Expect(planned).To(BeFalse())
}

func TestRecordCodec(t *testing.T) {
	record := &Record{ID: "wo-00000001", Name: "a", Run: 3, Path: "x/a.yaml", Document: 2, End: &End{Phase: v1alpha1.PhaseFailed}, Deleted: true}
	record.Spec.Request = "<html> & \u2028"
	data, err := encodeRecord(record)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	replace := func(from, to string) []byte { return bytes.Replace(data, []byte(from), []byte(to), 1) }
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"whole":                 {data, ""},
		"reformatted":           {replace(`"record":{`, "\"record\": {\n\t"), ""},
		"cut":                   {data[:len(data)/2], "torn"},
		"empty":                 {nil, "torn"},
		"a bit flipped":         {replace(`"run":3`, `"run":2`), "checksum"},
		"newer":                 {replace(`"version":1`, `"version":2`), "schema version 2"},
		"no version":            {replace(`"version":1`, `"version":0`), "checksum"},
		"the record of another": {replace(`wo-00000001`, `wo-00000002`), "checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			got, err := decodeRecord("wo-00000001", c.data)
			e, entryErr := decodeEntry("wo-00000001", c.data)
			if c.want != "" {
				g.Expect(err).To(MatchError(ContainSubstring(c.want)))
				g.Expect(entryErr).To(MatchError(ContainSubstring(c.want)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(entryErr).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(record))
			g.Expect(e).To(Equal(entryOf(record)), "both ways of reading agree")
		})
	}
	g := NewWithT(t)
	_, err = decodeRecord("wo-00000009", data)
	g.Expect(err).To(MatchError(ContainSubstring("not of run wo-00000009")))
	_, err = decodeEntry("wo-00000009", data)
	g.Expect(err).To(MatchError(ContainSubstring("not of run wo-00000009")))
}

func TestProblemText(t *testing.T) {
	g := NewWithT(t)
	g.Expect(FileProblem{Path: "a.yaml", Problem: manifest.Problem{Line: 7, Field: "spec.x", Message: "no"}}.String()).To(Equal("a.yaml: line 7: spec.x: no"))
	g.Expect(FileProblem{Path: "a.yaml", Problem: manifest.Problem{Message: "no"}}.String()).To(Equal("a.yaml: no"))
}
