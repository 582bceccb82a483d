package store

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// entry is the little that is kept in memory of a record.
type entry struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Run      int64  `json:"run"`
	Path     string `json:"path"`
	Document int    `json:"document"`
	Ended    bool   `json:"ended,omitempty"`
	Cleaned  bool   `json:"cleaned,omitempty"`
	Deleted  bool   `json:"deleted,omitempty"`
	// Phase, Agent, Suspended and the Reason of an end are told by Overview.
	Phase     v1alpha1.Phase     `json:"phase,omitempty"`
	Agent     v1alpha1.AgentType `json:"agent,omitempty"`
	Reason    string             `json:"reason,omitempty"`
	Suspended bool               `json:"suspended,omitempty"`
	// at is the state of record.json that this was read from.
	at stamp
}

func entryOf(r *Record) entry {
	var reason string
	if r.End != nil {
		reason = r.End.Reason
	}
	return entry{
		ID: r.ID, Name: r.Name, Run: r.Run, Path: r.Path, Document: r.Document,
		Ended: r.End != nil, Cleaned: r.CleanedUp, Deleted: r.Deleted,
		Phase: r.Status.Phase, Agent: r.Spec.AgentType(), Reason: reason, Suspended: r.Spec.Suspend,
	}
}

// decodeEntry reads of record.json what entryOf would return.
func decodeEntry(id string, data []byte) (entry, error) {
	payload, err := openEnvelope(data)
	if err != nil {
		return entry{}, err
	}
	var r struct {
		ID        string `json:"id"`
		Name      string `json:"name"`
		Run       int64  `json:"run"`
		Path      string `json:"path"`
		Document  int    `json:"document"`
		End       *End   `json:"end"`
		CleanedUp bool   `json:"cleanedUp"`
		Deleted   bool   `json:"deleted"`
		Status    struct {
			Phase v1alpha1.Phase `json:"phase"`
		} `json:"status"`
		Spec struct {
			Agent   v1alpha1.Agent `json:"agent"`
			Suspend bool           `json:"suspend"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(payload, &r); err != nil {
		return entry{}, err
	}
	if r.ID != id || r.Name == "" {
		// The whole decoding tells what is wrong in words.
		_, err := decodeRecord(id, data)
		return entry{}, err
	}
	ended := r.End != nil
	if !ended {
		r.End = &End{}
	}
	return entry{
		ID: id, Name: r.Name, Run: r.Run, Path: r.Path, Document: r.Document,
		Ended: ended, Cleaned: r.CleanedUp, Deleted: r.Deleted,
		Phase: r.Status.Phase, Agent: (&v1alpha1.WorkOrderSpec{Agent: r.Spec.Agent}).AgentType(), Reason: r.End.Reason,
		Suspended: r.Spec.Suspend,
	}, nil
}

// quarantine is a run whose record cannot be read.
type quarantine struct {
	id, name string // name is empty when nothing tells it
	err      error
	since    time.Time
}

// index finds records by id and by name. It is safe for concurrent use.
type index struct {
	mu     sync.RWMutex
	byID   map[string]*entry
	byName map[string][]*entry // by run, ascending
	broken map[string]quarantine
	// revision counts the changes.
	revision int
}

func newIndex() *index {
	return &index{byID: map[string]*entry{}, byName: map[string][]*entry{}, broken: map[string]quarantine{}}
}

// put adds or replaces an entry and takes it out of quarantine.
func (x *index) put(e entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.revision++
	delete(x.broken, e.ID)
	x.drop(e.ID)
	added := &e
	x.byID[e.ID] = added
	runs := append(slices.Clone(x.byName[e.Name]), added)
	slices.SortFunc(runs, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.Run, b.Run), cmp.Compare(a.ID, b.ID))
	})
	x.byName[e.Name] = runs
}

// drop takes an entry out. The caller holds the lock.
func (x *index) drop(id string) {
	old, ok := x.byID[id]
	if !ok {
		return
	}
	delete(x.byID, id)
	left := slices.DeleteFunc(slices.Clone(x.byName[old.Name]), func(e *entry) bool { return e.ID == id })
	if len(left) == 0 {
		delete(x.byName, old.Name)
		return
	}
	x.byName[old.Name] = left
}

func (x *index) putBroken(q quarantine) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if q.name == "" && x.byID[q.id] != nil {
		q.name = x.byID[q.id].Name
	}
	if old, ok := x.broken[q.id]; ok {
		q.since = old.since
	}
	x.drop(q.id)
	x.broken[q.id] = q
}

// current returns the entry of the highest run of a name.
func (x *index) current(name string) (entry, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	runs := x.byName[name]
	if len(runs) == 0 {
		return entry{}, false
	}
	return *runs[len(runs)-1], true
}

// runs returns the ids of all runs of a name, the first one first.
func (x *index) runs(name string) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	ids := make([]string, 0, len(x.byName[name]))
	for _, e := range x.byName[name] {
		ids = append(ids, e.ID)
	}
	return ids
}

func (x *index) knows(id string) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.byID[id] != nil
}

// live returns the current entry of every name that was not deleted.
func (x *index) live() []entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := make([]entry, 0, len(x.byName))
	for _, runs := range x.byName {
		if e := runs[len(runs)-1]; !e.Deleted {
			out = append(out, *e)
		}
	}
	return out
}

// entries returns all entries by id.
func (x *index) entries() []entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := make([]entry, 0, len(x.byID))
	for _, e := range x.byID {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b entry) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// quarantined returns the runs in quarantine of one order, or of all for an empty name, by id.
func (x *index) quarantined(name string) []quarantine {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var out []quarantine
	for _, id := range slices.Sorted(maps.Keys(x.broken)) {
		if name == "" || x.broken[id].name == name {
			out = append(out, x.broken[id])
		}
	}
	return out
}

// forget takes a run out of everything: its directory was moved away.
func (x *index) forget(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.broken, id)
	x.drop(id)
}

func (x *index) changes() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.revision
}
