package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// The version of this binary. A release sets all three with
// -ldflags "-X main.version=... -X main.commit=... -X main.date=...".
var (
	version = "0.1.0"
	commit  = "unknown"
	date    = "unknown"
)

// versionInfo is what `awo version -o json` prints.
type versionInfo struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	Date      string `json:"date"`
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

// String is what --version prints.
func (i versionInfo) String() string {
	return fmt.Sprintf("awo version %s (%s, %s, %s)", i.Version, i.Commit, i.Date, i.GoVersion)
}

// currentVersion describes this binary.
func currentVersion() versionInfo {
	return versionInfo{
		Version: version, Commit: commit, Date: date,
		GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
}

// versionOptions are the flags of `awo version`.
type versionOptions struct {
	output string
}

func newVersionCommand(global *globalOptions) *cobra.Command {
	o := &versionOptions{}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		RunE: func(*cobra.Command, []string) error {
			return o.run(global.streams.Out, currentVersion())
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "Output format: json or yaml")
	completeFlag(cmd, "output", outputJSON, outputYAML)
	return cmd
}

func (o *versionOptions) run(out io.Writer, info versionInfo) error {
	var data []byte
	var err error
	switch o.output {
	case "":
		_, err = fmt.Fprintln(out, info)
		return err
	case outputJSON:
		data, err = json.MarshalIndent(info, "", "  ")
		data = append(data, '\n')
	case outputYAML:
		data, err = yaml.Marshal(info)
	default:
		return unknownOutput(o.output, outputJSON, outputYAML)
	}
	if err != nil {
		return fmt.Errorf("print the version: %w", err)
	}
	_, err = out.Write(data)
	return err
}
