package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/store/manifest"
	"github.com/agent-work-orders/awo/examples"
)

// demoLimit is how long the demo's order may take.
const demoLimit = 2 * time.Minute

// demo is one run of `awo demo`: a temporary directory with a repository and a data directory in it.
type demo struct {
	global  *globalOptions
	out     io.Writer
	dir     string
	git     demoGit
	name    string
	dataDir string
}

func newDemoCommand(global *globalOptions) *cobra.Command {
	keep := false
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a whole run without any key or account",
		Long: "Make a repository and a data directory in a temporary place, start a controller, drop an order whose agent\n" +
			"is a shell script, and show what becomes of it. The exit code is 0 only if the order Succeeded.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), global, keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "Keep the temporary directory")
	return cmd
}

func runDemo(ctx context.Context, global *globalOptions, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "awo-demo-")
	if err != nil {
		return fmt.Errorf("make a place for the demo: %w", err)
	}
	if keep {
		defer func() { _, _ = fmt.Fprintf(global.streams.Out, "\nKept: %s\n", dir) }()
	} else {
		defer func() {
			_, _ = fmt.Fprintf(global.streams.Out, "\n%s is removed with all that is in it; `awo demo --keep` keeps it.\n", dir)
			err = errors.Join(err, os.RemoveAll(dir))
		}()
	}
	spawner, err := process.NewSpawner()
	if err != nil {
		return err
	}
	defer spawner.Close()
	d := &demo{
		global: global, out: global.streams.Out, dir: dir, dataDir: filepath.Join(dir, "data"),
		git: demoGit{spawner: spawner, environ: os.Environ()},
	}
	ctx, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	return d.run(ctx)
}

// run makes the world, runs a controller in it and drops the order.
func (d *demo) run(ctx context.Context) error {
	repository := filepath.Join(d.dir, "greeter.git")
	d.say("A repository is made at %s.", repository)
	if err := d.git.seed(ctx, repository, filepath.Join(d.dir, "seed")); err != nil {
		return err
	}
	ended, stop, err := d.startController(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if err := d.drop(repository); err != nil {
		return err
	}
	record, err := d.follow(ctx, ended)
	if err != nil {
		return err
	}
	if err := d.show(ctx, repository, record); err != nil {
		return err
	}
	if record.End.Phase != v1alpha1.PhaseSucceeded {
		return fmt.Errorf("the demo's order %s ended as %s (%s): %s", d.name, record.End.Phase, record.End.Reason, record.End.Message)
	}
	return nil
}

func (d *demo) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, format+"\n", args...)
}

// startController runs a controller of its own beside the demo. It logs into its data directory alone.
func (d *demo) startController(ctx context.Context) (ended <-chan error, stop func(), err error) {
	global := *d.global
	global.dataDir, global.lookup = d.dataDir, func(string) (string, bool) { return "", false }
	o := &controllerOptions{}
	o.addFlags(pflag.NewFlagSet("demo", pflag.ContinueOnError))
	o.config.Port = 0
	if err := o.complete(&global); err != nil {
		return nil, nil, err
	}
	log, closeLog, err := newControllerLog(io.Discard, d.dataDir, "info", o.config.Redactor)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(logr.NewContext(ctx, log))
	done := make(chan error, 1)
	finished := make(chan struct{})
	go func() {
		done <- controller.Run(ctx, o.config)
		closeLog()
		close(finished)
	}()
	return done, func() { cancel(); <-finished }, nil
}

// drop puts the example's manifest, with the repository's path in it, into the watched directory.
func (d *demo) drop(repository string) error {
	data, err := demoManifest(repository)
	if err != nil {
		return err
	}
	documents, _ := manifest.Parse(data)
	d.name = documents[0].Name
	layout, err := store.NewLayout(d.dataDir)
	if err != nil {
		return err
	}
	file := filepath.Join(layout.WorkOrders(), "demo.yaml")
	d.say("The order %s is dropped as %s.\n", d.name, file)
	return store.WriteFile(file, data, 0o644)
}

// demoManifest is the example's manifest for this repository. In an address a space, as in the name of a folder for
// temporary files, is not written as one.
func demoManifest(repository string) ([]byte, error) {
	address := url.URL{Scheme: "file", Path: repository}
	data, err := manifest.SetField(examples.DemoManifest, 0, []string{"spec", "repository", "url"}, address.String())
	if err != nil {
		return nil, fmt.Errorf("fill in the demo's manifest: %w", err)
	}
	return data, nil
}

// follow shows the phases as they come, until the order has ended.
func (d *demo) follow(ctx context.Context, ended <-chan error) (*store.Record, error) {
	s, err := store.Open(store.Options{DataDir: d.dataDir, Clock: d.global.clock})
	if err != nil {
		return nil, err
	}
	began, shown := d.global.clock.Now(), ""
	for {
		if err := s.Scan(ctx); err != nil {
			return nil, err
		}
		record, err := s.Current(d.name)
		if err != nil {
			return nil, err
		}
		if record != nil && record.Status.Message != shown {
			shown = record.Status.Message
			d.say("%6.2fs  %-12s  %s", d.global.clock.Since(began).Seconds(), record.Status.Phase, shown)
		}
		if shown := s.Lookup(d.name).StatusInFile; record != nil && record.End != nil && shown != nil && shown.Phase.Terminal() {
			return record, nil
		}
		select {
		case err := <-ended:
			return nil, fmt.Errorf("the demo's controller ended: %w", err)
		case <-ctx.Done():
			return nil, fmt.Errorf("the demo's order did not end within %s; run it with --keep and look at data/logs/controller.log", demoLimit)
		case <-d.global.clock.After(20 * time.Millisecond):
		}
	}
}

// show prints what came of it.
func (d *demo) show(ctx context.Context, repository string, record *store.Record) error {
	layout, err := store.NewLayout(d.dataDir)
	if err != nil {
		return err
	}
	if err := d.file("The manifest, with its status", filepath.Join(layout.WorkOrders(), record.Path)); err != nil {
		return err
	}
	if record.End.Phase != v1alpha1.PhaseSucceeded {
		return nil
	}
	st := record.Status
	diff, err := d.git.run(ctx, "", "--git-dir="+repository, "log", "--patch", "--stat", st.BaseCommit+".."+st.Branch, "--")
	if err != nil {
		return err
	}
	d.say("\n--- The branch %s of the repository\n\n%s", st.Branch, diff)
	return d.file("The pull request", layout.PullRequestFile(record.ID))
}

func (d *demo) file(title, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d.say("\n--- %s: %s\n\n%s", title, path, data)
	return nil
}
