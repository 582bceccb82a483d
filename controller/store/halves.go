package store

import (
	"bytes"
	"crypto/sha256"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
)

// halfFor is for how long after a file was changed the rest of it may still be to come.
const halfFor = 10 * time.Second

// halves remembers, for a while, what a file was before a status was written into it. It may have been the first half of
// a text, complete as it stood, whose rest somebody appends now: that rest belongs behind the half, and not behind a
// status of which its writer knows nothing.
type halves struct {
	mu sync.Mutex
	of map[string]half
}

type half struct {
	// text is the file as somebody else left it, wrote the sum of what it became and length how long that is.
	text   []byte
	wrote  [sha256.Size]byte
	length int
	until  time.Time
}

func newHalves() *halves { return &halves{of: map[string]half{}} }

// note remembers a file in which a status was written. A half ends at the end of a line: what does not is whole only after
// a while, and a rest could not be told from a text that begins anew.
func (h *halves) note(rel string, before, after []byte, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for path, known := range h.of {
		if !now.Before(known.until) {
			delete(h.of, path)
		}
	}
	known, ok := h.of[rel]
	if delete(h.of, rel); !bytes.HasSuffix(before, []byte("\n")) {
		return
	}
	if !ok || known.wrote != sha256.Sum256(before) {
		known = half{text: before, until: now.Add(halfFor)}
	}
	known.wrote, known.length = sha256.Sum256(after), len(after)
	h.of[rel] = known
}

// joined returns the text whose second half was appended to a file behind a status, without that status.
func (h *halves) joined(rel string, data []byte, now time.Time) (whole []byte, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, ok := h.of[rel]
	if !ok || !now.Before(known.until) || len(data) <= known.length || sha256.Sum256(data[:known.length]) != known.wrote {
		return nil, false
	}
	return slices.Concat(known.text, data[known.length:]), true
}

// join puts the halves of a file together that a status has come between, and tells whether there is another look due for
// that. The caller holds s.looking.
func (l look) join(log logr.Logger, c content) bool {
	whole, ok := l.s.halves.joined(l.rel, c.data, l.s.clock.Now())
	if !ok {
		return false
	}
	release, err := l.s.lockWriters()
	if err == nil {
		defer release()
		var path string
		if path, err = filepath.EvalSymlinks(filepath.Join(l.s.layout.WorkOrders(), l.rel)); err == nil {
			_, err = l.s.swapper.swap(path, c, whole)
		}
	}
	if err != nil {
		log.V(1).Info("The rest of a manifest stays behind its status for now", "path", l.rel, "error", err.Error())
	}
	return true
}
