// Command covered prints the share of statements that a coverage profile shows as run, by package and in all,
// leaves generated files out of it, and fails when the whole is below a minimum.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	minimum := flag.Float64("min", 0, "percent below which this fails")
	module := flag.String("module", "github.com/agent-work-orders/awo", "the module whose files the profile names")
	flag.Parse()
	if err := run(flag.Arg(0), *module, *minimum, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "covered:", err)
		os.Exit(1)
	}
}

// run reads the profile at path and looks for the source files below the current directory.
func run(path, module string, minimum float64, out io.Writer) error {
	data, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot read the coverage profile: %w", err)
	}
	defer func() { _ = data.Close() }()
	blocks, err := parse(data)
	if err != nil {
		return fmt.Errorf("cannot read the coverage profile %s: %w", path, err)
	}
	byPackage := map[string]share{}
	for file, s := range perFile(blocks) {
		source, err := filepath.Rel(module, file)
		if err != nil {
			return fmt.Errorf("the profile names %s, which is not in module %s: %w", file, module, err)
		}
		generated, err := isGenerated(source)
		if err != nil {
			return err
		}
		if !generated {
			dir := filepath.Dir(source)
			byPackage[dir] = byPackage[dir].plus(s)
		}
	}
	return report(out, byPackage, minimum)
}
