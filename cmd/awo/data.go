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
	"github.com/agent-work-orders/awo/controller/volume"
)

// absoluteDataDir returns the data directory, absolute. An empty one would be the working directory, which is what nobody
// means who passes a variable that is not set.
func (g *globalOptions) absoluteDataDir() (string, error) {
	if g.dataDir == "" {
		return "", errors.New("--data-dir is empty: name a directory, or leave the flag out for AWO_DATA_DIR or " + defaultDataDir)
	}
	dir, err := filepath.Abs(g.dataDir)
	if err != nil {
		return "", fmt.Errorf("find the data directory %s: %w", g.dataDir, err)
	}
	return dir, nil
}

// openStore opens the data directory, which must exist, and reads what is there now. It makes nothing.
func (g *globalOptions) openStore(ctx context.Context) (*store.Store, error) {
	return g.openExisting(ctx, true)
}

// openForChange is openStore for verbs that change what is there.
func (g *globalOptions) openForChange(ctx context.Context) (*store.Store, error) {
	return g.openExisting(ctx, false)
}

func (g *globalOptions) openExisting(ctx context.Context, lookOnly bool) (*store.Store, error) {
	dir, err := g.absoluteDataDir()
	if err != nil {
		return nil, err
	}
	if err := checkDirectory(dir); err != nil {
		return nil, g.explained(err)
	}
	return g.open(ctx, lookOnly)
}

// errNoDataDir says that nothing has been made yet.
var errNoDataDir = errors.New("there is no data directory")

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
	return fmt.Errorf("%w %s: start `awo controller`, apply an order, or name another one with --data-dir or AWO_DATA_DIR", errNoDataDir, dir)
}

// openOrCreateStore is openStore that makes what is missing of the data directory.
func (g *globalOptions) openOrCreateStore(ctx context.Context) (*store.Store, error) {
	return g.open(ctx, false)
}

func (g *globalOptions) open(ctx context.Context, lookOnly bool) (*store.Store, error) {
	policy, err := g.policy()
	if err != nil {
		return nil, g.explained(err)
	}
	opened, err := store.Open(store.Options{DataDir: policy.DataDir, Policy: policy, Clock: g.clock, BadAfter: g.badAfter, LookOnly: lookOnly})
	if err == nil {
		err = opened.Scan(ctx)
	}
	return opened, g.explained(err)
}

// explained says of an error about the data directory whose that is, who asks, and what helps. Other errors stay.
func (g *globalOptions) explained(err error) error {
	if err == nil {
		return nil
	}
	layout, unknown := g.layout()
	if unknown != nil {
		layout.Root, _ = g.absoluteDataDir()
	}
	return volume.ExplainToVisitor(layout, err)
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
