package workorder

import (
	"sync"
	"time"
)

// lastShown knows when the manifests of orders under way were written last.
type lastShown struct {
	mu sync.Mutex
	at map[string]time.Time
}

// wait is how long a manifest should be left as it is.
func (l *lastShown) wait(name string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.at[name]
	if !ok {
		return 0
	}
	return max(quietBetween-now.Sub(at), 0)
}

func (l *lastShown) note(name string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at[name] = now
}

func (l *lastShown) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.at, name)
}
