// Command bench measures the built bin/awo from outside, as a user would see it, and prints the figures as a
// Markdown table. It never fails because a figure is bad: machines differ, and a timed test is a test that fails
// on somebody else's. Run it with `make bench`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// settings say what is measured and how much of it.
type settings struct {
	awo      string // the binary
	checkout string // the top of the source tree
	dir      string // where everything that is made lies

	orders     int   // of the throughput
	concurrent int   // agents at once
	drops      int   // of the latency
	manifests  int   // finished orders in the large directory
	files      int   // in the large repository
	settle     int   // seconds after the start until then
	idle       int   // seconds over which idle CPU is taken
	transcript int64 // bytes of the large transcript
}

// row is a line of the table.
type row struct{ what, figure, target string }

// section is a group of figures that come from one set-up.
type section struct {
	name    string
	measure func(context.Context, settings) ([]row, error)
}

// sections are measured one after the other, so that they do not disturb each other.
var sections = []section{
	{"throughput", throughput},
	{"latency", latencyEmpty},
	{"scale", scale},
	{"supervisor", supervisorMemory},
	{"repository", largeRepository},
	{"parser", parser},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures the sections that args name, all by default. Figures go to out, progress to talk.
func run(ctx context.Context, args []string, out, talk io.Writer) error {
	s, only, err := parseFlags(args, talk)
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "awo-bench-"); err != nil {
		return fmt.Errorf("cannot make a directory to measure in: %w", err)
	}
	defer func() { _ = os.RemoveAll(s.dir) }()

	writeLine(out, "| measured | figure | target |\n|---|---|---|")
	for _, part := range sections {
		if only != "" && !strings.Contains(only, part.name) {
			continue
		}
		writeLine(talk, "bench: "+part.name+" ...")
		rows, err := part.measure(ctx, s.in(part.name))
		for _, r := range rows {
			writeLine(out, fmt.Sprintf("| %s | %s | %s |", r.what, r.figure, r.target))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	writeLine(out, "\n"+machine(ctx))
	return nil
}

func parseFlags(args []string, talk io.Writer) (s settings, only string, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(talk)
	flags.StringVar(&s.awo, "awo", "bin/awo", "the binary to measure")
	flags.StringVar(&s.checkout, "checkout", ".", "the top of the source tree")
	flags.StringVar(&only, "only", "", "comma-separated: throughput, latency, scale, supervisor, repository, parser")
	flags.IntVar(&s.orders, "orders", 200, "orders of the throughput")
	flags.IntVar(&s.concurrent, "concurrent", 4, "agents at once")
	flags.IntVar(&s.drops, "drops", 100, "orders of the latency")
	flags.IntVar(&s.manifests, "manifests", 10_000, "finished orders in the large directory")
	flags.IntVar(&s.files, "files", 50_000, "files in the large repository")
	flags.IntVar(&s.settle, "settle", 30, "seconds from the start, for what it looks at then, until memory and idle CPU are taken")
	flags.IntVar(&s.idle, "idle", 60, "seconds over which idle CPU is taken, more than the controller's rescan period")
	flags.Int64Var(&s.transcript, "transcript", 1<<30, "bytes of the large transcript")
	quick := flags.Bool("quick", false, "small numbers: to see that it works, not to compare")
	if err := flags.Parse(args); err != nil {
		return s, "", err
	}
	if *quick {
		s.orders, s.drops, s.manifests, s.files, s.transcript = 8, 3, 20, 500, 16<<20
		s.settle, s.idle = 0, 1
	}
	if s.awo, err = filepath.Abs(s.awo); err != nil {
		return s, "", fmt.Errorf("cannot find the binary: %w", err)
	}
	if _, err := os.Stat(s.awo); err != nil {
		return s, "", fmt.Errorf("cannot find the binary, run make build: %w", err)
	}
	s.checkout, err = filepath.Abs(s.checkout)
	return s, only, err
}

// in returns settings for a directory of its own.
func (s settings) in(name string) settings {
	s.dir = filepath.Join(s.dir, name)
	return s
}

// writeLine prints a line. Where nobody reads any more there is nobody to tell either.
func writeLine(w io.Writer, line string) { _, _ = fmt.Fprintln(w, line) }
