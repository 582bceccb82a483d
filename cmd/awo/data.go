package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// absoluteDataDir returns the data directory, absolute.
func (g *globalOptions) absoluteDataDir() (string, error) {
	dir, err := filepath.Abs(g.dataDir)
	if err != nil {
		return "", fmt.Errorf("find the data directory %s: %w", g.dataDir, err)
	}
	return dir, nil
}

// openStore opens the data directory, which must exist, and reads what is there now.
func (g *globalOptions) openStore(ctx context.Context) (*store.Store, error) {
	dir, err := g.absoluteDataDir()
	if err != nil {
		return nil, err
	}
	if err := checkDirectory(dir); err != nil {
		return nil, err
	}
	return g.openOrCreateStore(ctx)
}

// checkDirectory tells how to get a data directory when there is none. Either half of it makes one: orders that were
// taken away, as by a volume that is not mounted, still have their records.
func checkDirectory(dir string) error {
	for _, half := range []string{"workorders", "outputs"} {
		_, err := os.Stat(filepath.Join(dir, half))
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("open the data directory: %w", err)
		}
	}
	return fmt.Errorf("there is no data directory %s: start `awo controller`, apply an order, or name another one with --data-dir or AWO_DATA_DIR", dir)
}

// openOrCreateStore is openStore that makes what is missing of the data directory.
func (g *globalOptions) openOrCreateStore(ctx context.Context) (*store.Store, error) {
	policy, err := g.policy()
	if err != nil {
		return nil, err
	}
	opened, err := store.Open(store.Options{DataDir: policy.DataDir, Policy: policy, Clock: g.clock, BadAfter: g.badAfter})
	if err != nil {
		return nil, fmt.Errorf("open the data directory %s: %w", policy.DataDir, err)
	}
	return opened, opened.Scan(ctx)
}

// layout returns the paths of the data directory without touching it.
func (g *globalOptions) layout() (store.Layout, error) {
	dir, err := g.absoluteDataDir()
	if err != nil {
		return store.Layout{}, err
	}
	return store.NewLayout(dir)
}

// policy is what the controller of the data directory allows, and where a variable of this environment says otherwise,
// what that says.
func (g *globalOptions) policy() (v1alpha1.Policy, error) {
	layout, err := g.layout()
	if err != nil {
		return v1alpha1.Policy{}, err
	}
	policy := v1alpha1.Policy{AllowFileRepositories: true}
	published, err := store.PublishedPolicy(layout)
	if err != nil {
		return policy, err
	}
	if published != nil {
		policy = *published
	}
	policy.DataDir = layout.Root
	return policyOf(policy, g.lookup)
}

// splitList splits a list at commas and white space.
func splitList(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}
