package store

import (
	"context"
	"time"
)

// WaitSynced waits until the manifests have been listed once.
func (s *Store) WaitSynced(ctx context.Context) error {
	for {
		s.mu.RLock()
		synced := s.isSync
		s.mu.RUnlock()
		if synced {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
}
