package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// execute runs a command line until it has ended or a signal ends it, and returns the exit code.
func execute(global *globalOptions, args []string) int {
	ctx, stop := untilSignalled(context.Background())
	defer stop()
	out := &checkedWriter{out: global.streams.Out}
	global.streams.Out = out
	root := rootCommand(global)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil && out.failure != nil {
		err = fmt.Errorf("write to standard output: %w", out.failure)
	}
	code := report(err, global.streams.ErrOut)
	if by, ok := errors.AsType[signalled](context.Cause(ctx)); ok && code == exitInterrupted {
		return by.exitCode()
	}
	return code
}

// signalled is the signal that ended a command.
type signalled struct{ syscall.Signal }

func (s signalled) Error() string { return s.String() + " signal received" }

// Unwrap makes it an ordinary end of a context.
func (s signalled) Unwrap() error { return context.Canceled }

// exitCode is the one that a shell gives to a process which a signal has ended.
func (s signalled) exitCode() int { return 128 + int(s.Signal) }

// untilSignalled returns a context that the first signal to end cancels. The second one ends the process at once.
func untilSignalled(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case got := <-signals:
			signal.Stop(signals)
			by, _ := got.(syscall.Signal)
			cancel(signalled{by})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// checkedWriter remembers that something could not be written: printers and help do not tell.
type checkedWriter struct {
	out     io.Writer
	failure error
}

func (w *checkedWriter) Write(data []byte) (int, error) {
	n, err := w.out.Write(data)
	if err != nil && w.failure == nil {
		w.failure = err
	}
	return n, err
}
