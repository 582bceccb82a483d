package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
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
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), name)
		},
		ValidArgsFunction: global.completeNames,
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

func (o *logsOptions) run(ctx context.Context, name string) error {
	printer := newLogPrinter(o)
	learnSecrets(printer.redactor, o.lookup)
	agentEnv, _ := o.lookup(variableOf("agent-env"))
	learnPassed(printer.redactor, os.Environ(), strings.Split(agentEnv, ","))
	first, runID := true, ""
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
		return !o.follow || ended, err
	})
	return err
}

// explainNothing says why there is nothing to see.
func (o *logsOptions) explainNothing(found order, shown bool) {
	if !shown {
		_, _ = fmt.Fprintf(o.streams.ErrOut, "No transcripts of %s, which is %s\n", qualified(found.name), found.phase())
	}
}

// logPrinter prints transcripts as they grow.
type logPrinter struct {
	options *logsOptions
	dir     string
	// done holds how much of each file was printed, in bytes.
	done map[string]int64
	// titled is the file whose title was printed last.
	titled string
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
func (p *logPrinter) begin(dir string) { p.dir = dir }

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

// print prints what is new in one transcript.
func (p *logPrinter) print(t transcript, all bool) error {
	file, err := os.Open(t.path)
	if err != nil {
		return fmt.Errorf("open a transcript: %w", err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(p.done[t.path], io.SeekStart); err != nil {
		return fmt.Errorf("read %s: %w", t.path, err)
	}
	read, err := eachLine(file, all, func(line []byte) error {
		if err := p.title(t); err != nil {
			return err
		}
		return p.line(line)
	})
	p.done[t.path] += read
	return err
}

// title heads the lines of a transcript once.
func (p *logPrinter) title(t transcript) error {
	if p.options.raw || p.titled == t.path {
		return nil
	}
	p.titled = t.path
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

// releaseTail prints what --tail left of the beginning; from then on all is printed.
func (p *logPrinter) releaseTail() error {
	if p.last == nil {
		return nil
	}
	last := p.last
	p.last, p.out = nil, p.options.streams.Out
	return last.writeTo(p.out)
}
