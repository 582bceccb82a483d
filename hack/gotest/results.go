package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// event is a line of `go test -json`.
type event struct {
	Action     string
	Package    string
	Test       string
	Output     string
	ImportPath string
	Elapsed    float64 // seconds
}

// leftOut is a test that did not run.
type leftOut struct{ Package, Test, Why string }

// took is how long a test took, in seconds.
type took struct {
	test    string
	seconds float64
}

// results collects what the tests of all packages did.
type results struct {
	out     io.Writer
	output  map[string][]string // by package and test, until it has ended
	passed  int
	failed  []string
	leftOut []leftOut
	took    []took
}

func newResults(out io.Writer) *results {
	return &results{out: out, output: map[string][]string{}}
}

// read takes in all events. A line that is none is shown as it is: go test prints some itself.
func (r *results) read(in *bufio.Reader) error {
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil {
				r.take(e)
			} else {
				r.print(string(line))
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read what go test prints: %w", err)
		}
	}
}

func (r *results) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		r.print(e.Output)
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e, r.output[key])
		} else {
			r.endTest(e, r.output[key])
		}
		delete(r.output, key)
	}
}

func (r *results) endTest(e event, output []string) {
	if !strings.Contains(e.Test, "/") {
		r.took = append(r.took, took{path.Base(e.Package) + " " + e.Test, e.Elapsed})
	}
	switch e.Action {
	case "pass":
		r.passed++
		r.specs(e, output)
	case "fail":
		r.failed = append(r.failed, e.Package+" "+e.Test)
		r.print(strings.Join(output, ""))
	case "skip":
		r.leftOut = append(r.leftOut, leftOut{e.Package, e.Test, reason(output)})
	}
}

// endPackage shows the line with the package's result, and all that was printed outside tests when it failed.
func (r *results) endPackage(e event, output []string) {
	if e.Action == "fail" {
		r.unfinished(e.Package)
		r.print(strings.Join(output, ""))
		return
	}
	for _, line := range output {
		if strings.HasPrefix(line, "ok ") {
			r.print(line)
		}
	}
}

// unfinished shows the tests of a package that never ended: one that hung until the timeout, or whose process was
// killed, gets no event of its own.
func (r *results) unfinished(pkg string) {
	for _, key := range slices.Sorted(maps.Keys(r.output)) {
		if strings.HasPrefix(key, pkg+" ") && key != pkg+" " {
			r.failed = append(r.failed, key)
			r.print(strings.Join(r.output[key], ""))
			delete(r.output, key)
		}
	}
}

// skippedSpecs finds, in what a ginkgo suite prints, the specs that it left out.
var (
	skippedSpecs = regexp.MustCompile(`\| (\d+) Pending \| (\d+) Skipped`)
	colours      = regexp.MustCompile("\x1b\\[[0-9;]*m")
)

// specs looks into a suite: for go test all of its specs are one test, which passes when some are skipped.
func (r *results) specs(e event, output []string) {
	text := colours.ReplaceAllString(strings.Join(output, ""), "")
	m := skippedSpecs.FindStringSubmatch(text)
	if len(m) != 3 || m[1] == "0" && m[2] == "0" {
		return
	}
	why := fmt.Sprintf("%s pending and %s skipped specs of a ginkgo suite; run it with -v for their names", m[1], m[2])
	r.leftOut = append(r.leftOut, leftOut{e.Package, e.Test, why})
}

// slowest names the tests that took longest, so that it is known where the time of CI goes.
func (r *results) slowest() {
	const most, worthNaming = 10, 5
	slices.SortFunc(r.took, func(a, b took) int { return cmp.Compare(b.seconds, a.seconds) })
	for _, t := range r.took[:min(most, len(r.took))] {
		if t.seconds >= worthNaming {
			r.print(fmt.Sprintf("%7.1f s  %s\n", t.seconds, t.test))
		}
	}
}

func (r *results) summary(required bool) {
	r.slowest()
	if len(r.leftOut) > 0 {
		r.print("\n" + strings.Repeat("!", 100) + "\n")
		r.print(fmt.Sprintf("!! LEFT OUT: %d tests did not run:\n", len(r.leftOut)))
		for _, l := range r.leftOut {
			r.print(fmt.Sprintf("!!   %s %s\n!!     %s\n", l.Package, l.Test, l.Why))
		}
		if required {
			r.print("!! AWO_E2E_REQUIRED=1: this is a failure.\n")
		}
		r.print(strings.Repeat("!", 100) + "\n\n")
	}
	for _, name := range r.failed {
		r.print("FAIL " + name + "\n")
	}
	r.print(fmt.Sprintf("%d tests passed, %d failed, %d left out\n", r.passed, len(r.failed), len(r.leftOut)))
}

// print shows text. Where nobody reads any more there is nobody to tell either.
func (r *results) print(text string) {
	_, _ = io.WriteString(r.out, text)
}
