package hack_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// A file and a function that one can read without losing the thread.
const (
	maxFileLines      = 300
	maxFunctionLines  = 80
	maxFunctionMedian = 10
)

// productTrees are the hand-written code of the product; the median is over all of it.
var productTrees = []string{"api/", "cmd/", "controller/"}

// functionLines returns how many lines each function of a file has, from its first line to its closing brace.
func functionLines(name string, source []byte) (map[string]int, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	lines := map[string]int{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			at := files.Position(f.Pos())
			lines[at.String()+" "+f.Name.Name] = files.Position(f.End()).Line - at.Line + 1
		}
	}
	return lines, nil
}

func median(lengths []int) int {
	if len(lengths) == 0 {
		return 0
	}
	slices.Sort(lengths)
	return lengths[len(lengths)/2]
}

func TestFunctionLines(t *testing.T) {
	g := NewWithT(t)
	lines, err := functionLines("a.go", []byte("package a\n\nfunc one() {}\n\nfunc (t T) three() {\n\tx()\n}\n"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(lines).To(Equal(map[string]int{"a.go:3:1 one": 1, "a.go:5:1 three": 3}))
	g.Expect(median([]int{9, 1, 5})).To(Equal(5))
}

func TestFilesAreShort(t *testing.T) {
	for name, source := range goFiles(t) {
		if n := bytes.Count(source, []byte("\n")); n > maxFileLines {
			t.Errorf("%s has %d lines, %d are allowed: does it still hold one thing?", name, n, maxFileLines)
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	var lengths []int
	for name, source := range goFiles(t) {
		if strings.HasSuffix(name, "_test.go") {
			continue // a Describe is as long as its specs, a table as its rows
		}
		functions, err := functionLines(name, source)
		if err != nil {
			t.Errorf("cannot read %s: %v", name, err)
		}
		for f, n := range functions {
			if n > maxFunctionLines {
				t.Errorf("%s has %d lines, %d are allowed", f, n, maxFunctionLines)
			}
			if slices.ContainsFunc(productTrees, func(tree string) bool { return strings.HasPrefix(name, tree) }) {
				lengths = append(lengths, n)
			}
		}
	}
	m := median(lengths)
	t.Logf("%d functions, half of them up to %d lines", len(lengths), m)
	if m > maxFunctionMedian {
		t.Errorf("half of the functions have more than %d lines (median %d)", maxFunctionMedian, m)
	}
}
