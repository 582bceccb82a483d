package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// PublishPolicy writes down what this controller allows, so that commands judge as it does. It is for the holder of
// Lock.
func (s *Store) PublishPolicy() error {
	data, err := json.Marshal(s.opts.Policy)
	if err != nil {
		return fmt.Errorf("encode the policy: %w", err)
	}
	return WriteFile(s.layout.PolicyFile(), append(data, '\n'), 0o644)
}

// PublishedPolicy returns what the controller that ran last allows, nil if none ever ran.
func PublishedPolicy(l Layout) (*v1alpha1.Policy, error) {
	data, err := os.ReadFile(l.PolicyFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what the controller allows: %w", err)
	}
	p := &v1alpha1.Policy{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("read what the controller allows from %s: %w", l.PolicyFile(), err)
	}
	return p, nil
}
