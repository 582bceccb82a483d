package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// number is a flag for a whole number within bounds.
type number struct {
	target   *int
	min, max int
}

var _ pflag.Value = number{}

func (n number) String() string {
	if n.target == nil {
		return ""
	}
	return strconv.Itoa(*n.target)
}

func (n number) Type() string { return "number" }

func (n number) Set(text string) error {
	v, err := strconv.Atoi(text)
	if err != nil || v < n.min || v > n.max {
		return fmt.Errorf("it must be a whole number from %d to %d", n.min, n.max)
	}
	*n.target = v
	return nil
}

// choice is a flag for one of a few words, in any case.
type choice struct {
	target *string
	words  []string
}

var _ pflag.Value = choice{}

func (c choice) String() string {
	if c.target == nil {
		return ""
	}
	return *c.target
}

func (c choice) Type() string { return strings.Join(c.words, "|") }

func (c choice) Set(text string) error {
	word := strings.ToLower(text)
	if !slices.Contains(c.words, word) {
		return fmt.Errorf("it must be one of %s", strings.Join(c.words, ", "))
	}
	*c.target = word
	return nil
}

// period is a flag for a duration of more than nothing. Its type is the one of pflag's durations, so that an
// inherited variable may give it in seconds.
type period struct{ target *time.Duration }

var _ pflag.Value = period{}

func (p period) String() string {
	if p.target == nil {
		return ""
	}
	return p.target.String()
}

func (p period) Type() string { return "duration" }

func (p period) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("it must be a duration of more than nothing, such as 90s or 10m")
	}
	*p.target = d
	return nil
}

// list is a flag for words with commas between, each of which a function judges. Given again, it adds to them.
type list[T ~string] struct {
	target *[]T
	check  func(string) error
}

var _ pflag.Value = list[string]{}

func (l list[T]) String() string {
	if l.target == nil {
		return ""
	}
	words := make([]string, 0, len(*l.target))
	for _, w := range *l.target {
		words = append(words, string(w))
	}
	return strings.Join(words, ",")
}

func (l list[T]) Type() string { return "strings" }

func (l list[T]) Set(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		if err := l.check(word); err != nil {
			return err
		}
		*l.target = append(*l.target, T(word))
	}
	return nil
}

// dollars is a flag for an amount of US dollars; 0 is none.
type dollars struct{ target *float64 }

var _ pflag.Value = dollars{}

func (d dollars) String() string {
	if d.target == nil {
		return ""
	}
	return strconv.FormatFloat(*d.target, 'f', -1, 64)
}

func (d dollars) Type() string { return "dollars" }

func (d dollars) Set(text string) error {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v < 0 || v > 1e9 || math.IsNaN(v) {
		return fmt.Errorf("it must be an amount of US dollars such as 5 or 2.50, 0 for no limit")
	}
	*d.target = v
	return nil
}

// pathList is a flag for a list of absolute paths, parted by colons as in PATH.
type pathList struct{ target *[]string }

var _ pflag.Value = pathList{}

func (p pathList) String() string {
	if p.target == nil {
		return ""
	}
	return strings.Join(*p.target, string(filepath.ListSeparator))
}

func (p pathList) Type() string { return "paths" }

func (p pathList) Set(text string) error {
	var paths []string
	for _, path := range filepath.SplitList(text) {
		switch {
		case path == "":
		case !filepath.IsAbs(path):
			return fmt.Errorf("%q is not an absolute path; begin it with a slash", path)
		default:
			paths = append(paths, filepath.Clean(path))
		}
	}
	*p.target = paths
	return nil
}

// word is a flag for a text that a function judges.
type word struct {
	target *string
	check  func(string) error
}

var _ pflag.Value = word{}

func (w word) String() string {
	if w.target == nil {
		return ""
	}
	return *w.target
}

func (w word) Type() string { return "string" }

func (w word) Set(text string) error {
	if err := w.check(text); err != nil {
		return err
	}
	*w.target = text
	return nil
}

// portList is a flag for TCP ports with commas between. Given again, it adds to them.
type portList struct{ target *[]int }

var _ pflag.Value = portList{}

func (p portList) String() string {
	if p.target == nil {
		return ""
	}
	words := make([]string, 0, len(*p.target))
	for _, port := range *p.target {
		words = append(words, strconv.Itoa(port))
	}
	return strings.Join(words, ",")
}

func (p portList) Type() string { return "ints" }

func (p portList) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		var port int
		if err := (number{&port, 1, 65535}).Set(strings.TrimSpace(part)); err != nil {
			return fmt.Errorf("each must be a port, a whole number from 1 to 65535, with commas between")
		}
		*p.target = append(*p.target, port)
	}
	return nil
}
