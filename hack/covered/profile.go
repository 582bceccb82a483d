package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

// block is a piece of code in a profile, by file and position.
type block struct{ file, position string }

// count is how many statements a block has and whether any test ran it.
type count struct {
	statements int
	run        bool
}

// share counts statements.
type share struct{ run, all int }

func (s share) plus(o share) share { return share{s.run + o.run, s.all + o.all} }

func (s share) percent() float64 {
	if s.all == 0 {
		return 100
	}
	return 100 * float64(s.run) / float64(s.all)
}

// parse reads a profile in the text format. A block that appears more than once was run if it was run anywhere.
func parse(in io.Reader) (map[block]count, error) {
	blocks := map[block]count{}
	scanner := bufio.NewScanner(in)
	for n := 1; scanner.Scan(); n++ {
		line := scanner.Text()
		if line == "" || strings.HasPrefix(line, "mode:") {
			continue
		}
		file, rest, found := strings.Cut(line, ":")
		var position string
		var statements, times int
		if _, err := fmt.Sscanf(rest, "%s %d %d", &position, &statements, &times); err != nil || !found {
			return nil, fmt.Errorf("line %d: %q is not FILE:POSITION STATEMENTS COUNT", n, line)
		}
		b := block{file, position}
		blocks[b] = count{statements, times > 0 || blocks[b].run}
	}
	if err := scanner.Err(); err != nil {
		return nil, err
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("it is empty")
	}
	return blocks, nil
}

func perFile(blocks map[block]count) map[string]share {
	files := map[string]share{}
	for b, c := range blocks {
		s := share{all: c.statements}
		if c.run {
			s.run = c.statements
		}
		files[b.file] = files[b.file].plus(s)
	}
	return files
}

// generatedMark is what Go agreed on for generated files: https://go.dev/s/generatedcode.
var generatedMark = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func isGenerated(path string) (bool, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("the profile names a file that is not here: %w", err)
	}
	head, _, _ := bytes.Cut(source, []byte("\npackage "))
	return generatedMark.Match(head), nil
}

// report prints a line for each package and one for all, and says by its error that all is too little.
func report(out io.Writer, byPackage map[string]share, minimum float64) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	var total share
	for _, dir := range slices.Sorted(maps.Keys(byPackage)) {
		s := byPackage[dir]
		total = total.plus(s)
		_, _ = fmt.Fprintf(table, "%.1f%%\t%d of %d\t  %s\n", s.percent(), s.run, s.all, dir)
	}
	_, _ = fmt.Fprintf(table, "%.1f%%\t%d of %d\t  total, without generated code\n", total.percent(), total.run, total.all)
	if err := table.Flush(); err != nil {
		return fmt.Errorf("cannot print the figures: %w", err)
	}
	if total.percent() < minimum {
		return fmt.Errorf("%.1f %% of the statements are run by tests; at least %.1f %% must be", total.percent(), minimum)
	}
	return nil
}
