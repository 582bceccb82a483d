package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// file is what is known of one manifest file.
type file struct {
	// at is the state that docs and problems come from, sum that of the bytes; zero when it is not known.
	at   stamp
	sum  [sha256.Size]byte
	docs []doc
	// problems are those of a file that is broken and has been so for long enough to say it.
	problems []manifest.Problem
	// since is when docs and problems were found.
	since time.Time
	sight sight
	// unproven: we wrote it ourselves, and have not yet seen that it stayed so.
	unproven bool
}

// is tells whether the file is known to hold this content. The sum of what a former process has read is not known.
func (f *file) is(c content) bool {
	if f.sum == [sha256.Size]byte{} {
		return f.at == c.at
	}
	return f.sum == sha256.Sum256(c.data)
}

// doc is one document of a file, in its last good state.
type doc struct {
	index int
	// line is that of the name.
	line int
	name string
	// packed is the decoded order; nil when the document never was good.
	packed []byte
	// status is the sum of the status that the file shows.
	status  string
	invalid []manifest.Problem
	// stale tells that the document is broken now and packed is from before.
	stale bool
}

// reading is what one look at the content of a file found.
type reading struct {
	at       stamp
	sum      [sha256.Size]byte
	docs     []doc
	problems []manifest.Problem
}

// bad tells whether the content is not what a whole manifest looks like.
func (r reading) bad() bool { return len(r.problems) > 0 }

// decoder reads manifests under a policy.
type decoder struct {
	policy v1alpha1.Policy
	packer packer
}

// read decodes bytes that were read in the state at.
func (c *decoder) read(data []byte, at stamp) reading {
	docs, problems := manifest.Parse(data)
	r := reading{at: at, sum: sha256.Sum256(data), problems: problems}
	for _, d := range docs {
		r.docs = append(r.docs, c.doc(d))
	}
	if len(docs) == 0 && len(problems) == 0 {
		r.problems = []manifest.Problem{{Line: 1, Message: "the file holds no WorkOrder: write one, or remove the file"}}
	}
	return r
}

// reread is the reading of a file in which one document was changed, all others being known. moved is by how many lines
// what follows has moved.
func (c *decoder) reread(known []doc, changed manifest.Document, moved int, data []byte, at stamp) reading {
	r := reading{at: at, sum: sha256.Sum256(data)}
	for _, d := range known {
		switch {
		case d.index == changed.Index:
			d = c.rejudge(d, changed)
		case d.index > changed.Index:
			d = d.movedBy(moved)
		}
		r.docs = append(r.docs, d)
	}
	return r
}

// movedBy is the document that many lines further down.
func (d doc) movedBy(lines int) doc {
	d.line += lines
	d.invalid = slices.Clone(d.invalid)
	for i := range d.invalid {
		d.invalid[i].Line += lines
	}
	return d
}

// rejudge is the document with another status. What was valid then still is: a validation looks at the repository, too,
// which need not be done for each status.
func (c *decoder) rejudge(known doc, changed manifest.Document) doc {
	out := c.unjudged(changed)
	if len(known.invalid) > 0 {
		out.invalid = changed.Validate(c.policy)
	}
	return out
}

func (c *decoder) doc(d manifest.Document) doc {
	out := c.unjudged(d)
	if out.packed != nil {
		out.invalid = d.Validate(c.policy)
	}
	return out
}

func (c *decoder) unjudged(d manifest.Document) doc {
	out := doc{index: d.Index, name: d.Name, line: d.NameLine()}
	if d.Object == nil {
		return out
	}
	packed, err := c.packer.pack(d.Object)
	if err != nil {
		// What was decoded from YAML can be encoded as JSON.
		return out
	}
	out.packed, out.status = packed, statusSum(d.Object.Status)
	return out
}

// unreadable is the reading of a file that could not be read.
func unreadable(at stamp, err error) reading {
	return reading{at: at, problems: []manifest.Problem{{Message: "cannot be read: " + cause(err)}}}
}

// cause takes the path out of an error that stands beside that path anyway.
func cause(err error) string { return RootCause(err).Error() }

// RootCause is the innermost error, what the system said.
func RootCause(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

// merge gives the documents of a file after a look at a broken state of it: good documents count, a broken one
// keeps its last good state, and so does every former one that a broken document without a name may be.
func merge(former []doc, r reading) []doc {
	byName := make(map[string]doc, len(former))
	for _, d := range former {
		byName[d.name] = d
	}
	var out []doc
	nameless := len(r.docs) == 0
	for _, d := range r.docs {
		old := byName[d.name]
		delete(byName, d.name)
		switch {
		case d.packed != nil:
			out = append(out, d)
		case d.name == "":
			nameless = true
		default:
			old.name, old.index, old.line, old.stale = d.name, d.index, d.line, true
			out = append(out, old)
		}
	}
	for _, d := range former {
		if _, left := byName[d.name]; left && nameless {
			d.stale = true
			out = append(out, d)
		}
	}
	return out
}

// statusSum tells statuses apart by what they say; none and an empty one say the same.
func statusSum(status *v1alpha1.WorkOrderStatus) string {
	if status == nil {
		status = &v1alpha1.WorkOrderStatus{}
	}
	data, err := json.Marshal(status)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}
