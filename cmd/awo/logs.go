package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/agent"
	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/store"
)

// logsOptions are the flags of `awo logs`.
type logsOptions struct {
	*globalOptions
	transcriptChoice
	follow bool
	raw    bool
	tail   int
}

func newLogsCommand(global *globalOptions) *cobra.Command {
	o := &logsOptions{globalOptions: global}
	cmd := &cobra.Command{
		Use:     "logs NAME",
		Short:   "Show what the agent of an order said and did",
		Long:    "Show what the agent of an order said and did in its present run: text, tools and results, readable.\nWith -f it goes on until the order has come to its end.",
		Example: "  awo logs add-readme -f\n  awo logs add-readme --phase Planning --raw | jq .type",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := requireName(cmd, args)
			if err == nil {
				err = o.check(cmd.CommandPath())
			}
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), name)
		},
		ValidArgsFunction: global.completeName,
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.follow, "follow", "f", false, "Go on until the order has come to its end")
	flags.StringVar(&o.phase, "phase", "", "Only this phase")
	flags.IntVar(&o.attempt, "attempt", 0, "Only this attempt of a phase, counted from 1")
	flags.BoolVar(&o.raw, "raw", false, "Print the agent's stream as it is, a JSON object a line")
	flags.IntVar(&o.tail, "tail", -1, "Lines of what is there to begin with (default: all)")
	completeFlag(cmd, "phase", string(v1alpha1.PhasePlanning), string(v1alpha1.PhaseImplementing))
	return cmd
}

// check refuses what no transcript can have.
func (o *logsOptions) check(commandPath string) error {
	if o.attempt < 0 {
		return usageError(commandPath, "--attempt %d: attempts are counted from 1", o.attempt)
	}
	if o.phase == "" {
		return nil
	}
	if _, err := anyCase("phase", v1alpha1.Phase(o.phase), v1alpha1.DefaultPhases()); err != nil {
		return usageError(commandPath, "%s", err)
	}
	return nil
}

func (o *logsOptions) run(ctx context.Context, name string) error {
	printer := newLogPrinter(o)
	learnSecrets(printer.redactor, o.lookup)
	agentEnv, _ := o.lookup(variableOf("agent-env"))
	learnPassed(printer.redactor, os.Environ(), strings.Split(agentEnv, ","))
	first, runID := true, ""
	idle := &idleWarning{globalOptions: o.globalOptions}
	err := o.globalOptions.follow(ctx, func(s *store.Store) (bool, error) {
		// The state is read first: what is written before an end is then seen after it.
		found, err := loadOrder(s, name, o.namespace)
		if err != nil {
			return false, err
		}
		if found.record != nil && found.record.ID != runID {
			runID = found.record.ID
			printer.begin(s.Layout().Transcripts(runID))
		}
		ended := found.record != nil && found.record.End != nil && !found.awaited()
		shown, err := printer.look(!o.follow || ended)
		if first && err == nil {
			err = printer.releaseTail()
			first = false
			o.explainNothing(found, shown)
		}
		if o.follow && !ended {
			idle.check(s)
		}
		return !o.follow || ended, err
	})
	return err
}

// explainNothing says why there is nothing to see.
func (o *logsOptions) explainNothing(found order, shown bool) {
	if shown {
		return
	}
	why := ""
	if agentHasRun(found) && o.phase == "" && o.attempt == 0 {
		why = "; its agent has run, so they were removed: the controller keeps them after a run with --keep-transcripts alone (ENABLE_OUTPUT_ARTIFACTS=true)"
	}
	_, _ = fmt.Fprintf(o.streams.ErrOut, "No transcripts of %s, which is %s%s\n", qualified(found.name), found.phase(), why)
}

// agentHasRun tells whether a run that ended went through a phase in which an agent works.
func agentHasRun(found order) bool {
	return found.record != nil && found.record.End != nil && slices.ContainsFunc(found.record.Status.Steps, func(s v1alpha1.Step) bool {
		return s.Phase == v1alpha1.PhasePlanning || s.Phase == v1alpha1.PhaseImplementing
	})
}

// logPrinter prints transcripts as they grow.
type logPrinter struct {
	options *logsOptions
	dir     string
	// done holds how much of each file was printed, in bytes.
	done map[string]int64
	// titled is the step whose title was printed last.
	titled int
	// out is standard output, or what collects the lines that --tail chooses from.
	out  io.Writer
	last *tail
	// redactor knows the secrets of this environment.
	redactor *process.Redactor
}

func newLogPrinter(o *logsOptions) *logPrinter {
	p := &logPrinter{options: o, done: map[string]int64{}, out: o.streams.Out, redactor: process.NewRedactor()}
	if o.tail >= 0 {
		p.last = &tail{keep: o.tail}
		p.out = p.last
	}
	return p
}

// begin turns to the transcripts of a run.
func (p *logPrinter) begin(dir string) { p.dir, p.titled = dir, 0 }

// look prints what is new in the transcripts; the last line of a file only if it is complete, or if all of it
// is wanted. It tells whether there are any transcripts.
func (p *logPrinter) look(all bool) (bool, error) {
	if p.dir == "" {
		return false, nil
	}
	found, err := listTranscripts(p.dir)
	if err != nil {
		return false, err
	}
	shown := false
	for i, each := range found {
		if !p.options.has(each) {
			continue
		}
		shown = true
		if err := p.print(each, all || i < len(found)-1); err != nil {
			return shown, err
		}
	}
	return shown, nil
}

// print prints what is new of one attempt: its events, then what it wrote to standard error, which is no part of the
// stream that --raw asks for.
func (p *logPrinter) print(t transcript, all bool) error {
	if err := p.printFile(t, t.path, all, p.line); err != nil || p.options.raw {
		return err
	}
	return p.printFile(t, t.stderr, all, p.stderrLine)
}

// printFile prints what is new in one of the files of an attempt.
func (p *logPrinter) printFile(t transcript, path string, all bool, show func(line []byte) error) error {
	if path == "" {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open a transcript: %w", err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(p.done[path], io.SeekStart); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	read, err := eachLine(file, all, func(line []byte) error {
		if err := p.title(t); err != nil {
			return err
		}
		return show(line)
	})
	p.done[path] += read
	return err
}

// title heads the lines of a transcript once.
func (p *logPrinter) title(t transcript) error {
	if p.options.raw || p.titled == t.step {
		return nil
	}
	p.titled = t.step
	_, err := fmt.Fprintln(p.out, t.title())
	return err
}

// line prints a line without secrets: rendering puts together what stood apart in the transcript.
func (p *logPrinter) line(line []byte) error {
	out := redacting{p.out, p.redactor}
	if !p.options.raw {
		return agent.Render(out, bytes.TrimRight(line, "\r\n"))
	}
	_, err := out.Write(line)
	return err
}

// stderrMark begins the lines that an agent wrote to standard error. With it none of them is taken for an event.
const stderrMark = "stderr: "

func (p *logPrinter) stderrLine(line []byte) error {
	return agent.Render(p.out, append([]byte(stderrMark), bytes.TrimRight(line, "\r\n")...))
}

// releaseTail prints what --tail left of the beginning; from then on all is printed.
func (p *logPrinter) releaseTail() error {
	if p.last == nil {
		return nil
	}
	last := p.last
	p.last, p.out = nil, p.options.streams.Out
	return last.writeTo(p.out)
}
