package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// rawOptions are the flags of `awo get` that ask the running controller and not the data directory.
type rawOptions struct {
	path   string
	server string
}

func (o *rawOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.path, "raw", "", "Print what the running controller answers at this path, such as /health; the exit code is 0 only for a good answer")
	flags.StringVar(&o.server, "server", "", "With --raw: the controller's URL (default: the one that runs on the data directory)")
}

// getRaw prints what the controller answers. It opens no store, so that it is quick and works for every user: health
// checks call it every few seconds.
func (o *getOptions) getRaw(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(cmd.CommandPath(), "arguments may not be passed when --raw is specified")
	}
	var failure error
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if !slices.Contains([]string{"raw", "server", "data-dir"}, flag.Name) && failure == nil {
			failure = usageError(cmd.CommandPath(), "--raw and --%s may not be used together", flag.Name)
		}
	})
	if failure != nil {
		return failure
	}
	if !strings.HasPrefix(o.raw.path, "/") {
		return usageError(cmd.CommandPath(), "--raw %q: it must be a path that begins with /, such as /health", o.raw.path)
	}
	at, err := o.endpoint(o.raw.server)
	if err != nil {
		return err
	}
	return o.printRaw(cmd.Context(), at, o.raw.path)
}

// printRaw prints the body, whatever the answer. An answer other than 2xx is a failure beside that.
func (g *globalOptions) printRaw(ctx context.Context, at endpoint, path string) error {
	res, err := at.get(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(g.streams.Out, res.Body); err != nil {
		return fmt.Errorf("read what %s answered: %w", at.url+path, err)
	}
	if res.StatusCode/100 == 2 {
		return nil
	}
	if res.StatusCode == http.StatusUnauthorized && at.noToken != nil {
		return fmt.Errorf("%s answered %s, and no token could be sent: %w", at.url+path, res.Status, at.noToken)
	}
	return fmt.Errorf("%s answered %s", at.url+path, res.Status)
}
